"""How much of the list of calls a sweep reads."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import parse_qs

import pytest

from tests.dialer.conftest import Night
from tests.dialer.looking import Looking
from trudy.dialer import sweep as sweeps
from trudy.dialer.states import AttemptState

pytestmark = pytest.mark.anyio


async def test_a_list_that_does_not_reach_back_finds_nobody_missing(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "DEEPEST", 3)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    looking = await Looking(night).lose()
    for _ in range(8):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    await looking.look_for(500)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(3600, every=60.0)
    assert await looking.state() is AttemptState.UNRESOLVED
    assert looking.events == [("unresolved", "the list does not reach back to it")]


async def test_a_lost_call_of_long_ago_is_found_deep_down(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    looking = await Looking(night).lose()
    call = await looking.call(trudy_ref="ours", name="P0")
    for _ in range(20):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]


async def test_a_call_deep_down_is_read_by_itself_with_growing_pauses(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    monkeypatch.setattr(sweeps, "MOST_PAGES", 2)
    long = await night.client.calls.create(agent_id=night.agent, phone_number="+12125550180")
    looking = await Looking(night).lose(placed_as=long.id)
    for _ in range(8):
        await looking.call(number="+13125550100", trudy_ref="x", name="y")
    before = len(night.sandbox.requests)
    await looking.look_for(1700)
    reads = [request for request in night.sandbox.requests[before:] if request.path.endswith(long.id)]
    moments = [request.received_at.timestamp() for request in reads]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert all(later > earlier - 0.01 for earlier, later in pairwise(pauses))
    assert 5 <= len(reads) <= 12
    await looking.look_for(700)
    assert await looking.counts() == {"done": 1}


async def test_a_page_has_the_rows_that_the_open_calls_need(night: Night) -> None:
    """As many as the last look had above the oldest of them, and some for calls that others place."""
    call = await Looking(night).call(number="+12125550194")  # a long one
    looking = await Looking(night).lose(placed_as=call.id)
    for others in (0, 0, 5, 30, 0):
        for _ in range(others):
            await night.client.calls.create(agent_id=night.agent, phone_number="+13125550101")
        assert (await looking.sweep.once()).looked_for == 1
    lists = [request for request in night.sandbox.requests if request.method == "GET" and request.path == "/calls"]
    sizes = [int(parse_qs(request.query)["limit"][0]) for request in lists]
    first, then, shifted, *rest = sizes
    assert (first, then, shifted) == (100, 11, 11)
    assert rest == [16, 16, 16, 46], "the 30 of others need more pages once"
    assert await looking.state() is AttemptState.PLACED


async def test_older_rows_end_the_list(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PAGE", 2)
    for index in range(10):
        await night.client.calls.create(agent_id=night.agent, phone_number=f"+131255501{index:02d}")
    await night.sandbox.clock.sleep(60)
    looking = await Looking(night).lose()
    await looking.call(trudy_ref="ours", name="P0")
    before = len(night.sandbox.requests)
    await looking.sweep.once()
    lists = [request for request in night.sandbox.requests[before:] if request.path.endswith("/calls")]
    assert len(lists) == 1
