"""A client whose requests go to a server of canned answers, and whose clock stands still until it is moved."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest
import respx

from tests.fakes.clock import FakeClock
from tests.fakes.wire import BASE_URL, KEY, Wire
from trudy import AsyncTrudyClient


@pytest.fixture
def wire() -> Iterator[Wire]:
    with respx.mock(assert_all_called=False) as router:
        yield Wire(router)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def ssl_context() -> ssl.SSLContext:
    """One for all tests, as making it takes longer than a test."""
    return ssl.create_default_context()


@pytest.fixture
async def client(wire: Wire, clock: FakeClock, ssl_context: ssl.SSLContext) -> AsyncIterator[AsyncTrudyClient]:
    async with AsyncTrudyClient(
        KEY, base_url=BASE_URL, clock=clock, ssl_context=ssl_context, rate_limit=False
    ) as client:
        yield client
