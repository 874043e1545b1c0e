"""Looking for calls whose answers were lost: which row of the list is ours, and when looking is over."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from tests.dialer.conftest import Night, night_on
from tests.dialer.looking import NUMBER, ONCE, Looking
from trudy.dialer.states import AttemptState
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


async def test_a_lost_call_is_found_by_its_mark(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.call(trudy_ref="another", name="P0")
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]
    assert await looking.state() is AttemptState.PLACED


@pytest.mark.parametrize(
    "variables",
    [{"trudy_ref": "another", "name": "P0"}, {"trudy_ref": "ours", "name": "P1"}, {"name": "P0"}, {}],
    ids=["another's mark", "another name", "no mark", "nothing"],
)
async def test_a_call_that_shows_something_else_is_not_ours(night: Night, variables: dict[str, str]) -> None:
    looking = await Looking(night).lose()
    await looking.call(number="+13125550100", trudy_ref="x", name="y")  # this server shows variables
    await looking.call(**variables)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_where_variables_are_hidden_number_agent_and_time_decide(hiding: Night) -> None:
    await hiding.client.calls.create(agent_id=hiding.agent, phone_number=NUMBER)
    await hiding.sandbox.clock.sleep(60)
    looking = await Looking(hiding).lose()
    other = await hiding.client.agents.create(
        name="Bo", voice_id=hiding.sandbox.voices[0].id, system_prompt="Greet {{name}}."
    )
    await looking.call(agent=other.id)
    await looking.call(number="+13125550100")
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.look_for(60)
    assert looking.events[0] == ("found", call.id)


async def test_a_stranger_s_call_is_not_taken_while_the_list_lags(tmp_path: Path, clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks={"calls_without_variables", "lagging_calls"})
    async with night_on(sandbox, tmp_path) as night:
        looking = await Looking(night).lose()
        stranger = await looking.call()
        await sandbox.clock.sleep(9)
        await looking.call(trudy_ref="ours", name="P0")
        seen: list[str] = []
        while not seen:
            await sandbox.clock.sleep(1)
            seen = [call.id async for call in night.client.calls.list()]
        assert seen == [stranger.id], "the list does not lag as this test needs it"
        await looking.look_for(60, every=1.0)
    assert looking.events == [("unresolved", "2 calls may be it")]


async def test_a_call_without_a_mark_is_taken_after_two_looks_thirty_seconds_apart(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    call = await looking.call()
    (attempt,) = await looking.store.open_attempts()
    await looking.look_for(attempt.send_by - hiding.dialer.now() + 29, every=1.0)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(3, every=1.0)
    assert looking.events[0] == ("found", call.id)


async def test_a_call_with_the_mark_is_ours_whatever_else_is_there(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.call(number=NUMBER)
    call = await looking.call(trudy_ref="ours", name="P0")
    await looking.sweep.once()
    assert looking.events == [("found", call.id)]


async def test_a_much_later_call_to_the_number_is_not_ours(hiding: Night) -> None:
    looking = await Looking(hiding).lose(evolve(ONCE, unresolved_after=1000))
    await hiding.sandbox.clock.sleep(600)
    await looking.call()
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_several_calls_that_it_may_be_are_held(hiding: Night) -> None:
    looking = await Looking(hiding).lose(evolve(ONCE, on_unresolved="redial"))
    await looking.call()
    await looking.call()
    await hiding.sandbox.clock.sleep(11)
    await looking.sweep.once()
    assert looking.events == [("unresolved", "2 calls may be it")]
    assert await looking.counts() == {"unresolved": 1}


async def test_a_call_that_another_attempt_has_is_no_candidate(hiding: Night) -> None:
    looking = await Looking(hiding).lose()
    call = await looking.call()
    await looking.store.adopt("018f0000-0000-7000-8000-000000000002", call.id, NUMBER, 0.0, hiding.dialer.now())
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN


async def test_a_call_that_is_not_there_is_held_after_340_seconds(night: Night) -> None:
    looking = await Looking(night).lose()
    await looking.look_for(330)
    assert await looking.state() is AttemptState.UNKNOWN
    await looking.look_for(30)
    assert looking.events == [("unresolved", "not found")]
    assert await looking.counts() == {"unresolved": 1}
    campaign = await looking.store.campaign(looking.campaign)
    assert (campaign.live, campaign.dialed) == (0, 1)


async def test_one_look_is_not_enough_however_late(night: Night) -> None:
    looking = await Looking(night).lose()
    await night.sandbox.clock.sleep(2000)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN
    await night.sandbox.clock.sleep(10)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNKNOWN, "two looks ten seconds apart are one"
    await night.sandbox.clock.sleep(25)
    await looking.sweep.once()
    assert await looking.state() is AttemptState.UNRESOLVED


async def test_a_shorter_patience_has_looks_nearer_to_each_other(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, unresolved_after=50))
    await looking.look_for(61, every=1.0)
    assert await looking.state() is AttemptState.UNRESOLVED


async def test_redial_is_an_explicit_choice(night: Night) -> None:
    looking = await Looking(night).lose(evolve(ONCE, on_unresolved="redial"))
    await looking.look_for(365)
    assert await looking.counts() == {"waiting": 1}
