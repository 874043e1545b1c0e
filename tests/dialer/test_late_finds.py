"""Calls that are found after they were given up."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from tests.dialer.conftest import Night, night_on
from tests.dialer.looking import ONCE, Looking
from trudy.dialer import Attempts, Policy
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("quirks", [set[str](), {"calls_without_variables"}], ids=["marked", "unmarked"])
@pytest.mark.parametrize("policy", [ONCE, evolve(ONCE, on_unresolved="redial")], ids=["held", "to be dialed again"])
async def test_a_call_that_is_found_late_is_taken_into_account(
    tmp_path: Path, clock: JumpingClock, quirks: set[str], policy: Policy
) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks=quirks)
    async with night_on(sandbox, tmp_path) as night:
        looking = await Looking(night).lose(policy)
        await looking.look_for(365)
        assert looking.events == [("unresolved", "not found")]
        # Whatever was placed at last: 360 seconds after the intent.
        call = await looking.call(trudy_ref="ours", name="P0")
        await looking.look_for(70)
        assert looking.events[1] == ("found", call.id)
        assert not await looking.store.due(looking.campaign, 0, night.dialer.now(), 10), "it would be dialed again"
        await looking.look_for(120)
        assert await looking.counts() == {"done": 1}
        campaign = await looking.store.campaign(looking.campaign)
        assert (campaign.live, campaign.dialed, campaign.reserved) == (0, 1, 0)


async def test_a_call_that_is_found_late_counts_after_a_second_attempt_that_was_not_sent(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, on_unresolved="redial", attempts=Attempts(a_day=2)))
    await looking.look_for(365)
    await looking.claim("018f0000-0000-7000-8000-000000000009")
    await looking.store.not_sent("018f0000-0000-7000-8000-000000000009", "too_late", night.dialer.now())
    assert await looking.counts() == {"waiting": 1}
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.look_for(180)
    assert ("found", call.id) in looking.events
    assert await looking.counts() == {"done": 1}


async def test_several_calls_found_late_leave_the_row_held(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    await looking.look_for(365)
    await looking.call()
    await looking.call()
    await looking.look_for(120)
    assert await looking.counts() == {"unresolved": 1}


async def test_looking_for_what_was_given_up_ends_after_an_hour(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(365)
    assert (await looking.look_for(600, every=60.0)).looked_for == 1
    before = len(night.sandbox.requests)
    await looking.look_for(600, every=10.0)
    assert len(night.sandbox.requests) - before <= 11, "once a minute"
    assert (await looking.look_for(3600, every=60.0)).looked_for == 0


async def test_a_held_call_that_is_found_late_goes_on(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(365)
    assert await looking.counts() == {"unresolved": 1}
    call = await looking.call(trudy_ref="ours", name="P0")
    # Sweeps go on while anything is open.
    await looking.sweep.adopt_forgotten(night.dialer.now())
    assert looking.events[-1] == ("found", call.id)
    await looking.look_for(60)
    assert await looking.counts() == {"done": 1}
    campaign = await looking.store.campaign(looking.campaign)
    assert (campaign.live, campaign.dialed) == (0, 1)
