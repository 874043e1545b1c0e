"""A sandbox that commands reach as they reach Truedy: by the address and the key in the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trudy.sandbox import Sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Served on loopback, with nothing in it but its voices."""
    sandbox = Sandbox(seed=1)
    with sandbox.serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
        yield sandbox
