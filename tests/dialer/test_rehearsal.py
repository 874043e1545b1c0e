"""A rehearsal: the real plan and policy on simulated time, and nothing of it is seen outside."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import anyio
import pytest

from tests.dialer.conftest import START, Night, numbers_ending
from trudy import InvalidArgumentError, TrudyClient
from trudy.dialer import Attempts, Dialer, Hours, Mix, Plan, Policy, Rehearsal, RetryAfter, SyncDialer
from trudy.dialer.rehearsing import _full_lines, _waits
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio

MIX = Mix(answered=0.35, no_answer=0.4, busy=0.1, voicemail=0.1, opted_out=0.05)
ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles")


def numbers(count: int) -> list[str]:
    """Numbers in three zones."""
    return [f"+1{(212, 312, 415)[index % 3]}55501{index // 3:02d}" for index in range(count)]


async def careful(night: Night, count: int = 30, policy: Policy | None = None, **members: object) -> Plan:
    return await night.plan(numbers(count), policy or Policy(price=0.5), **members)


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


async def test_nothing_is_sent_and_the_store_stays_as_it_is(night: Night) -> None:
    plan = await careful(night)
    before, sent, now = dump(night.folder / "leads.db"), len(night.sandbox.requests), night.sandbox.clock.time()
    files = {path.name for path in night.folder.iterdir()}
    found = await night.dialer.rehearse(plan, mix=MIX, seed=1)
    assert found.statistics.contacts == 30
    assert len(night.sandbox.requests) == sent
    assert night.sandbox.placed_calls == []
    assert dump(night.folder / "leads.db") == before
    assert {path.name for path in night.folder.iterdir()} == files
    assert night.sandbox.clock.time() == now, "simulated time of its own"


async def test_the_same_seed_gives_the_same_result(night: Night) -> None:
    plan = await careful(night, 12)
    first = await night.dialer.rehearse(plan, mix=MIX, seed=1)
    assert await night.dialer.rehearse(plan, mix=MIX, seed=1) == first
    other = await night.dialer.rehearse(plan, mix=MIX, seed=2)
    assert other.statistics.outcomes != first.statistics.outcomes


async def test_the_hours_of_every_zone_hold(night: Night) -> None:
    found = await night.dialer.rehearse(await careful(night, 21), mix=MIX, seed=3)
    hours = found.statistics.by_local_hour
    assert set(hours) == set(ZONES)
    assert all(not any(calls[:10]) and not any(calls[18:]) for calls in hours.values())
    assert sum(map(sum, hours.values())) == found.statistics.calls
    days = {at.astimezone(ZoneInfo("America/New_York")).isoweekday() for at in found.statistics.by_time}
    assert days <= {1, 2, 3, 4, 5}


async def test_what_it_tells(night: Night) -> None:
    found = await night.dialer.rehearse(await careful(night), mix=MIX, seed=1)
    statistics = found.statistics
    assert (found.state, found.reason) == ("done", None)
    assert found.starts_at.timestamp() == pytest.approx(START, abs=60)
    assert statistics.calls > statistics.contacts == 30, "who did not answer is called again"
    assert statistics.reached == sum(statistics.reached_at) <= 30
    assert sum(statistics.outcomes.values()) == statistics.calls
    assert found.cost == (0.5 * statistics.connected, 0.5 * statistics.calls)
    assert found.requests == sum(found.windows.values()) > statistics.calls
    assert max(found.windows.values()) <= found.limit == 100
    assert found.refused == 0
    ends = [wait.end.astimezone(ZoneInfo("America/Los_Angeles")) for wait in found.waits]
    assert {"Fri 10:00", "Mon 07:00"} <= {end.strftime("%a %H:%M") for end in ends}
    assert {wait.reason for wait in found.waits} <= {"hours", "a_day"}
    assert found.ends_at > datetime.fromtimestamp(START, ZoneInfo("UTC"))
    text = found.summary()
    assert "seed 1" in text
    assert "555" not in text + repr(found), "no number"
    for zone in ZONES:
        assert zone in text


async def test_shares_are_those_of_the_mix(night: Night) -> None:
    """Whatever the sandbox does with numbers kept for fiction."""
    plan = await night.plan(numbers_ending(10, 20, 40, 91, 97))
    everybody = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert everybody.statistics.outcomes == {"answered": 5}
    nobody = await night.dialer.rehearse(plan, mix=Mix())
    assert set(nobody.statistics.outcomes) == {"no_answer"}


async def test_it_takes_caps_lists_and_canary_as_they_are(night: Night) -> None:
    await night.dialer.dnc.add(numbers(3)[0])
    plan = await careful(night, 12, Policy(hours=Hours.always(), gap=0, retry={"no_answer": None}), canary=4)
    found = await night.dialer.rehearse(plan, mix=Mix())
    assert (found.state, found.reason) == ("paused", "the canary was called")
    assert found.statistics.calls == 4
    assert found.statistics.rows["suppressed: do_not_call"] == 1


async def test_what_was_called_before_counts(night: Night) -> None:
    """A campaign in its middle: the rest is rehearsed, under the caps that are used up already."""
    never_again = Policy(
        hours=Hours.always(), gap=0, attempts=Attempts(a_day=1, in_30_days=3), retry={"no_answer": RetryAfter(most=2)}
    )
    plan = await night.plan(numbers_ending(10, 11, 12), never_again, canary=2)
    await night.dialer.run(plan, confirm=plan.hash)
    rest = await night.plan(numbers_ending(10, 11, 12), never_again)
    assert rest.campaign == plan.campaign
    found = await night.dialer.rehearse(rest, mix=Mix())
    assert found.statistics.calls == 2, "the two are on the line, and nobody knows how they end"
    assert found.statistics.rows == {"done: attempts_spent": 1, "done: on the line when copied": 2}
    assert (await night.dialer.status(plan.campaign)).dialed == 2


async def test_money_is_kept_to(night: Night) -> None:
    policy = Policy(hours=Hours.always(), gap=0, price=1.0, max_spend=3.0)
    found = await night.dialer.rehearse(await careful(night, 9, policy), mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "max_spend is reached")
    assert found.cost == (3.0, 3.0)


async def test_a_cancelled_rehearsal_ends(night: Night) -> None:
    plan = await careful(night, 60)
    with anyio.move_on_after(0.3) as scope:
        await night.dialer.rehearse(plan, mix=Mix())
    assert scope.cancelled_caught
    assert (await night.dialer.status(plan.campaign)).state == "planned"


async def test_an_unknown_campaign_is_an_error(night: Night) -> None:
    plan = await careful(night)
    other = Dialer(night.client, store=night.folder / "other.db", clock=night.sandbox.clock)
    async with other:
        with pytest.raises(InvalidArgumentError, match="plan"):
            await other.rehearse(plan)


def test_without_an_event_loop(tmp_path: Path) -> None:
    sandbox = Sandbox(clock=JumpingClock(start=START))
    with sandbox.client() as client, SyncDialer(client, store=tmp_path / "leads.db", clock=sandbox.clock) as dialer:
        found = _rehearsed(client, dialer, sandbox)
    assert found.statistics.contacts == 6
    assert sandbox.placed_calls == []


def _rehearsed(client: TrudyClient, dialer: SyncDialer, sandbox: Sandbox) -> Rehearsal:
    agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
    rows = [{"phone": number} for number in numbers(6)]
    plan = dialer.plan(rows, agent=agent.id, consent="form", region="US", rejects=None)
    return dialer.rehearse(plan, mix=MIX, seed=1)


@pytest.mark.parametrize(
    "members",
    [
        {"answered": 0.7, "no_answer": 0.4},
        {"answered": -0.1},
        {"answered": 1.1},
        {"busy": float("nan")},
        {"voicemail": "half"},
        {"talk_seconds": 0},
    ],
)
def test_a_mix_that_makes_no_sense(members: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match="mix"):
        Mix(**members)


def test_shares_that_are_1_but_for_binary_fractions() -> None:
    assert sum(Mix(answered=0.7, no_answer=0.1, busy=0.2).shares.values()) == pytest.approx(1)


async def test_a_seed_is_a_whole_number(night: Night) -> None:
    with pytest.raises(InvalidArgumentError, match="seed"):
        await night.dialer.rehearse(await careful(night), seed=-1)


def test_long_gaps_are_waits_and_say_what_most_waited_for() -> None:
    held = [(0.0, 5_000.0, "hours"), (0.0, 5_000.0, "a_day"), (10.0, 6_000.0, "hours"), (0.0, 100.0, "retry")]
    (wait,) = _waits([0.0, 5_000.0, 5_100.0], held)
    assert (wait.start.timestamp(), wait.end.timestamp(), wait.reason, wait.rows) == (0, 5_000, "hours", 2)


def test_seconds_with_all_lines_taken() -> None:
    assert _full_lines([(0, 1), (10, 1), (30, -1), (40, 1), (45, -1), (60, -1)], 2) == 25
    assert _full_lines([], 1) == 0
