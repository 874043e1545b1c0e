"""A client whose requests go to a server of canned answers, and whose clock stands still until it is moved."""

from __future__ import annotations

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


@pytest.fixture
async def client(wire: Wire, clock: FakeClock) -> AsyncIterator[AsyncTrudyClient]:
    async with AsyncTrudyClient(KEY, base_url=BASE_URL, clock=clock, rate_limit=False) as client:
        yield client
