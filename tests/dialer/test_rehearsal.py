"""A rehearsal: the real plan and policy on simulated time, and nothing of it is seen outside."""

from __future__ import annotations

import socket
import sqlite3
from collections import Counter, defaultdict
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest

import trudy.sandbox as sandboxes
from tests.dialer.conftest import START, Night, numbers_ending
from trudy import AsyncTrudyClient, InvalidArgumentError, TrudyClient
from trudy.dialer import (
    Attempts,
    Dialer,
    DueRow,
    Hours,
    Mix,
    Plan,
    Policy,
    Rehearsal,
    RetryAfter,
    SyncDialer,
    rehearsing,
)
from trudy.dialer.rehearsal import SANDBOX_WORDS
from trudy.dialer.rehearsing import _full_lines, _waits, _Watched
from trudy.dialer.statistics import REACHED
from trudy.dialer.zones import zones_of
from trudy.options import RateLimit
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
        {"answered": float("inf")},
        {"answered": None},
        {"answered": True},
        {"failed": [1]},
        {"talk_seconds": float("nan")},
        {"talk_seconds": 3_601},
        {"voicemail": "half"},
        {"talk_seconds": 0},
    ],
)
def test_a_mix_that_makes_no_sense(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="mix") as caught:
        Mix(**members)
    assert all(name in caught.value.message for name in members) or "together: 1.1" in caught.value.message


def test_shares_that_are_1_but_for_binary_fractions() -> None:
    assert sum(Mix(answered=0.7, no_answer=0.1, busy=0.2).shares.values()) == pytest.approx(1)


async def test_a_seed_is_a_whole_number(night: Night) -> None:
    with pytest.raises(InvalidArgumentError, match="seed"):
        await night.dialer.rehearse(await careful(night), seed=-1)


HELD = [(0.0, 5_000.0, "hours"), (0.0, 5_000.0, "a_day"), (10.0, 6_000.0, "hours"), (0.0, 100.0, "retry")]


@pytest.mark.parametrize(
    ("held", "lines", "reason", "rows"),
    [
        (HELD, [], "hours", 2),
        (HELD, [(0.0, 1)], "hours", 2),
        (HELD, [(0.0, 1), (1.0, 1)], "max_live", 2),
        (HELD, [(0.0, 1), (1.0, 1), (4_000.0, -1)], "hours", 2),
        ([], [(0.0, 1)], "on_the_line", 1),
        ([], [(0.0, 1), (9.0, -1)], "unknown", 0),
    ],
)
def test_long_gaps_are_waits_and_say_what_for(
    held: list[tuple[float, float, str]], lines: list[tuple[float, int]], reason: str, rows: int
) -> None:
    (wait,) = _waits([0.0, 5_000.0, 5_100.0], _Watched(held=held, lines=lines), 2)
    assert (wait.start.timestamp(), wait.end.timestamp(), wait.reason, wait.rows) == (0, 5_000, reason, rows)


def test_seconds_with_all_lines_taken() -> None:
    assert _full_lines([(0, 1), (10, 1), (30, -1), (40, 1), (45, -1), (60, -1)], 2) == 25
    assert _full_lines([], 1) == 0


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Sandbox]:
    """The sandboxes on which is rehearsed, whose own record is the judge."""
    made: list[Sandbox] = []

    class Watched(Sandbox):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    monkeypatch.setattr(sandboxes, "Sandbox", Watched)
    return made


async def test_it_tells_what_the_sandbox_saw(night: Night, seen: list[Sandbox]) -> None:
    policy = Policy(
        price=0.5, max_live=4, attempts=Attempts(a_day=2), retry={"busy": RetryAfter(seconds=1_800, most=2)}
    )
    found = await night.dialer.rehearse(await careful(night, 45, policy), mix=MIX, seed=4)
    (sandbox,) = seen
    calls, told = sandbox.placed_calls, found.statistics
    moments = [call.created_at for call in calls]
    assert (told.calls, told.contacts) == (len(calls), len({call.to for call in calls}))
    names = {word: name for name, word in SANDBOX_WORDS.items()}
    assert Counter(told.outcomes) == Counter(names[call.outcome.value] for call in calls)
    for zone, hours in told.by_local_hour.items():
        here = [call.created_at for call in calls if zones_of(1, call.to[2:]) == (zone,)]
        clocks = Counter(datetime.fromtimestamp(at, ZoneInfo(zone)).hour for at in here)
        assert {hour: count for hour, count in enumerate(hours) if count} == clocks
    attempts: dict[str, list[str]] = defaultdict(list)
    for call in calls:
        attempts[call.to].append(names[call.outcome.value])
    reached = Counter(
        next(n for n, word in enumerate(words, 1) if word in REACHED)
        for words in attempts.values()
        if not REACHED.isdisjoint(words)
    )
    assert told.reached_at == tuple(reached[n] for n in range(1, max(reached) + 1))
    assert found.requests == len(sandbox.requests)
    minutes = Counter(request.received_at.replace(second=0, microsecond=0) for request in sandbox.requests)
    assert found.windows == minutes
    assert found.full_windows == sum(count >= 75 for count in minutes.values())
    assert max(call.timeline.ended_at for call in calls) <= found.ends_at.timestamp() <= sandbox.clock.time()
    # An intent is dated by the earliest that the server may have, and that is known less well after days.
    gaps = [(start, end) for start, end in pairwise([START, *moments]) if end - start >= 900]
    assert [(wait.start.timestamp(), wait.end.timestamp()) for wait in found.waits] == [
        (pytest.approx(start, abs=30), pytest.approx(end, abs=30)) for start, end in gaps
    ]
    assert sandbox.max_concurrent_calls == 4
    assert 0 < found.full_lines < sum(call.timeline.ended_at - call.created_at + 12 for call in calls)
    sandbox.assert_called_only_within(time(10), time(18), timezone=lambda number: zones_of(1, number[2:]))


async def test_a_full_rate_limit_is_told(tmp_path: Path, clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=20)
    async with (
        sandbox.async_client(rate_limit=RateLimit(20)) as client,
        Dialer(client, store=tmp_path / "leads.db", clock=clock) as dialer,
    ):
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        night = Night(sandbox, client, dialer, agent.id, tmp_path)
        plan = await night.plan(numbers(40), Policy(hours=Hours.always(), gap=0, max_live=100))
        found = await dialer.rehearse(plan, mix=Mix(answered=1.0, talk_seconds=5))
    assert (found.limit, found.refused) == (20, 0)
    assert 0 < max(found.windows.values()) <= 20
    assert found.full_windows > 1
    assert f"the rate limit in {found.full_windows} windows" in found.slowed_by


async def test_nothing_leaves_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the network of the process cut: its own client could not reach the server any more."""
    with Sandbox(rate_limit=None).serve() as server:
        async with (
            AsyncTrudyClient(api_key=server.sandbox.api_key, base_url=server.base_url, max_retries=0) as client,
            Dialer(client, store=tmp_path / "leads.db") as dialer,
        ):
            agent = await client.agents.create(name="A", voice_id=server.sandbox.voices[0].id, system_prompt="-")
            rows = [{"phone": number} for number in numbers(4)]
            policy = Policy(hours=Hours.always())
            plan = await dialer.plan(
                rows, agent=agent.id, consent="form", region="US", policy=policy, rejects=None
            )  # fmt: skip

            def cut(*_: object, **__: object) -> None:
                raise AssertionError("the network was used")

            before, files = len(server.sandbox.requests), sorted(path.name for path in tmp_path.iterdir())
            for name in ("connect", "connect_ex", "sendto", "bind", "listen"):
                monkeypatch.setattr(socket.socket, name, cut)
            for name in ("getaddrinfo", "gethostbyname", "create_connection"):
                monkeypatch.setattr(socket, name, cut)
            found = await dialer.rehearse(plan, mix=MIX)
            assert found.statistics.contacts == 4
            assert sorted(path.name for path in tmp_path.iterdir()) == files
            monkeypatch.undo()
            assert len(server.sandbox.requests) == before


async def test_a_plan_of_rows_that_cannot_be_called(night: Night) -> None:
    plan = await night.plan(["nonsense", "12"])
    found = await night.dialer.rehearse(plan, mix=MIX)
    assert (found.state, found.statistics.calls, found.waits) == ("done", 0, ())
    assert found.statistics.rows == plan.counts == {"rejected: no_number": 1, "rejected: short": 1}
    assert "calls        0 to 0 contacts, 0 reached" in found.summary()


async def test_rows_that_may_never_be_called_are_held(night: Night) -> None:
    """A number of no zone, beside one that may be called."""
    policy = Policy(kinds={"fixed_line_or_mobile", "toll_free"})
    plan = await night.plan([numbers(1)[0], "+18002345678"], policy)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "only held rows are left")
    assert found.statistics.rows == {"done: final": 1, "waiting: zone_unknown": 1}
    assert found.statistics.calls == 1


async def test_a_rehearsal_of_what_never_ends_does(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Friday, and open on Thursdays; three days stand for a year."""
    monkeypatch.setattr(rehearsing, "_LONGEST", 3 * 86_400.0)
    plan = await careful(night, 2, Policy(hours=Hours(days=frozenset({4}))))
    found = await night.dialer.rehearse(plan, mix=MIX)
    assert (found.state, found.reason, found.statistics.calls) == ("running", "not over after a year", 0)
    assert found.ends_at.timestamp() == pytest.approx(START + 3 * 86_400, abs=60)
    (wait,) = found.waits
    assert (wait.reason, wait.rows, wait.end) == ("hours", 2, found.ends_at)


async def test_long_calls_on_all_lines_are_a_wait(night: Night) -> None:
    policy = Policy(hours=Hours.always(), max_live=1)
    found = await night.dialer.rehearse(await careful(night, 2, policy), mix=Mix(answered=1.0, talk_seconds=1_800))
    assert [(wait.reason, wait.rows) for wait in found.waits] == [("max_live", 1)] * 2
    assert found.full_lines == pytest.approx(2 * 1_815, abs=60)


async def test_only_some_are_called(night: Night) -> None:
    everybody = numbers(6)
    plan = await careful(night, 6, Policy(hours=Hours.always(), gap=0), only_to=[{"phone": everybody[2]}])
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "only held rows are left")
    assert found.statistics.rows == {"done: final": 1, "waiting: only_to": 5}
    assert found.statistics.calls == 1


async def test_during_a_run_and_after_it(night: Night) -> None:
    plan = await night.plan(numbers_ending(0, 0, 0), Policy(hours=Hours.always(), gap=0))
    seen: list[Rehearsal] = []

    async def ask(row: DueRow) -> None:
        seen.append(await night.dialer.rehearse(plan, mix=Mix(answered=1.0)))

    result = await night.dialer.run(plan, confirm=plan.hash, should_dial=ask)
    assert result.counts == {"done": 3}
    assert [found.statistics.calls for found in seen] == [3, 2, 1]
    after = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (after.state, after.statistics.calls, after.requests) == ("done", 0, after.requests)
    assert len(night.sandbox.placed_calls) == 3


@pytest.mark.parametrize("mix", [None, {"answered": 1.0}, 0.5, "answered"])
async def test_a_mix_is_one(night: Night, mix: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="mix must be Mix"):
        await night.dialer.rehearse(await careful(night, 1), mix=mix)
    with pytest.raises(InvalidArgumentError, match="plan must be Plan"):
        await night.dialer.rehearse(mix)


@pytest.mark.soak
async def test_ten_thousand_rows_over_several_days_take_less_than_two_minutes(night: Night) -> None:
    """Of CPU, since others may be at work on the machine."""
    areas = (212, 312, 415, 303, 617, 713, 404, 206, 602, 702)
    people = [f"+1{areas[index % 10]}{200 + index // 1_000}{5_000 + index % 1_000:04d}" for index in range(10_000)]
    plan = await night.plan(people, Policy(max_live=30, price=0.1))
    assert plan.waiting == 10_000
    began = process_time()
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.35, no_answer=0.4, busy=0.05, voicemail=0.2), seed=1)
    assert (found.state, found.statistics.contacts) == ("done", 10_000)
    assert (found.ends_at - found.starts_at).days >= 2
    assert process_time() - began < 120
