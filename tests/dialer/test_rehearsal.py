"""What a rehearsal is told and what it tells: the mix of ends, waits, lines and limits."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import trudy.sandbox as sandboxes
from tests.dialer.conftest import START, Night, numbers_ending
from tests.dialer.rehearsals import MIX, ZONES, careful, numbers
from trudy import InvalidArgumentError
from trudy.dialer import (
    Attempts,
    Dialer,
    Hours,
    Mix,
    Policy,
    RetryAfter,
)
from trudy.dialer.rehearsal import SANDBOX_WORDS
from trudy.dialer.rehearsing import Hold, _full_lines, _waits, _Watched
from trudy.dialer.statistics import REACHED
from trudy.dialer.zones import zones_of
from trudy.options import RateLimit
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


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
    assert {wait.reason for wait in found.waits} == {"hours"}, "whoever was called this day, a zone opens"
    assert all(wait.rows for wait in found.waits)
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


HELD = [
    Hold(1, 0.0, 5_000.0, "hours"),
    Hold(2, 0.0, 5_000.0, "a_day"),
    Hold(3, 10.0, 6_000.0, "hours"),
    Hold(4, 0.0, 4_999.0, "in_30_days"),
    Hold(5, 0.0, 100.0, "retry"),
]


@pytest.mark.parametrize(
    ("held", "lines", "called", "reason", "rows"),
    [
        (HELD, [], None, "hours", 2),
        (HELD, [(0.0, 1)], None, "hours", 2),
        (HELD, [(0.0, 1)], 2, "a_day", 1),
        (HELD, [], 4, "in_30_days", 1),
        ([*HELD, Hold(3, 100.0, 4_999.5, "caller_id")], [], 3, "caller_id", 1),
        (HELD, [], 9, "hours", 2),
        (HELD, [(0.0, 1), (1.0, 1)], 2, "max_live", 2),
        (HELD, [(0.0, 1), (1.0, 1), (4_000.0, -1)], 1, "hours", 2),
        ([], [(0.0, 1)], None, "on_the_line", 1),
        ([], [(0.0, 1), (9.0, -1)], None, "unknown", 0),
    ],
)
def test_long_gaps_are_waits_and_say_what_for(
    held: list[Hold], lines: list[tuple[float, int]], called: int | None, reason: str, rows: int
) -> None:
    (wait,) = _waits([(0.0, None), (5_000.0, called), (5_100.0, None)], _Watched(held=held, lines=lines), 2)
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


async def test_numbers_to_call_from(night: Night, seen: list[Sandbox]) -> None:
    """Also those that the account of the sandbox has not."""
    callers = {"+442079460018": 2, "+12125550199": 1}
    plan = await careful(night, 6, Policy(hours=Hours.always(), gap=0, caller_ids=callers))
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.statistics.calls) == ("done", 6)
    (sandbox,) = seen
    days = Counter((call.created_at // 86_400, call.from_number) for call in sandbox.placed_calls)
    assert {number for _, number in days} == set(callers)
    assert all(count <= callers[str(number)] for (_, number), count in days.items())


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


async def test_long_calls_on_all_lines_are_a_wait(night: Night) -> None:
    policy = Policy(hours=Hours.always(), max_live=1)
    found = await night.dialer.rehearse(await careful(night, 2, policy), mix=Mix(answered=1.0, talk_seconds=1_800))
    assert [(wait.reason, wait.rows) for wait in found.waits] == [("max_live", 1)] * 2
    assert found.full_lines == pytest.approx(2 * 1_815, abs=60)


@pytest.mark.parametrize("mix", [None, {"answered": 1.0}, 0.5, "answered"])
async def test_a_mix_is_one(night: Night, mix: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="mix must be Mix"):
        await night.dialer.rehearse(await careful(night, 1), mix=mix)
    with pytest.raises(InvalidArgumentError, match="plan must be Plan"):
        await night.dialer.rehearse(mix)
