"""A transport for each backend and event loop, and a scripted server on loopback."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.loopback import Loopback
from tests.fakes.ways import WAYS, Way
from trudy.transport.transport import Transport


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
def anyio_backend(way: Way) -> str:
    return way.loop


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
async def transport(way: Way) -> AsyncIterator[Transport]:
    transport = Transport(backend=way.backend)
    yield transport
    await transport.aclose()


@pytest.fixture
def refusing() -> Iterator[str]:
    """A URL on which nothing listens: the port is bound without listening, so that no other process takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
