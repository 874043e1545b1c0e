"""Calls that are over: opt-outs in transcripts, transcripts that never come, and calls that never end."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.dialer.conftest import Night, numbers_ending
from tests.dialer.looking import ONCE, Looking
from trudy.dialer.states import AttemptState

pytestmark = pytest.mark.anyio


async def test_every_opt_out_is_heard_whenever_its_transcript_comes(night: Night) -> None:
    numbers = [f"+1{area}55501{ending}" for area in ("212", "312", "415") for ending in range(70, 80)]
    plan = await night.plan(numbers, evolve(ONCE, gap=0.7, max_live=4))
    result = await night.dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": 30}
    later = await night.plan(numbers, ONCE, columns=None)
    assert later.counts == {"suppressed: do_not_call": 30}


@pytest.mark.parametrize("status", [404, 503])
async def test_a_transcript_that_never_comes_holds_nobody_up(night: Night, status: int) -> None:
    night.sandbox.faults.add(method="GET", path="/calls/*/transcript", status=status)
    plan = await night.plan(numbers_ending(0, 1), ONCE)
    began = night.sandbox.clock.monotonic()
    result = await night.dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": 2}
    assert night.sandbox.clock.monotonic() - began < 180


@pytest.mark.parametrize(("longest", "lost_after"), [("120s", 720.0), (None, 4200.0), ("7200s", 7800.0)])
async def test_a_call_that_never_ends_is_lost_ten_minutes_after_its_longest_duration(
    night: Night, longest: str | None, lost_after: float
) -> None:
    """Of a call that no list shows only the plan knows how long it may take."""
    if longest is not None:
        await night.client.agents.update(night.agent, max_duration=longest)
    looking = await Looking(night).lose(placed_as="00000000-0000-4000-8000-000000000000")
    began = night.sandbox.clock.monotonic()
    await looking.look_for(lost_after - 10, every=300.0)
    while await looking.state() is AttemptState.PLACED:
        await looking.look_for(0)
        await night.sandbox.clock.sleep(5)
    assert await looking.state() is AttemptState.LOST
    assert lost_after < night.sandbox.clock.monotonic() - began < lost_after + 320
    assert await looking.counts() == {"done": 1}
    assert (await looking.store.campaign(looking.campaign)).live == 0
