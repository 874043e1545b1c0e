from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webhooks.redis_server import BINARY, redis_server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if BINARY is None:
        pytest.skip("no redis-server on this machine")
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url
