"""Two days of dialing in three zones, with every outcome, judged by the sandbox's own record."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from trudy.dialer import Dialer, Policy, RetryAfter
from trudy.sandbox import JumpingClock, Sandbox

THURSDAY = datetime(2026, 6, 4, 9, 58, tzinfo=ZoneInfo("America/New_York")).timestamp()
ZONES = {"212": "America/New_York", "312": "America/Chicago", "415": "America/Los_Angeles"}
MIX = {
    "completed": 50,
    "no_answer": 12,
    "busy": 6,
    "voicemail": 10,
    "refused": 2,
    "failed": 3,
    "answered_second_time": 4,
    "do_not_call": 3,
    "long": 1,
    "rate_limited_once": 2,
    "server_error_after": 2,
    "reset_after": 3,
    "hang": 2,
}
TWICE = RetryAfter(most=2)
POLICY = Policy(max_live=40, gap=0.5, retry={"no_answer": TWICE, "busy": TWICE, "failed": TWICE})


def zone_of(number: str) -> str:
    return ZONES[number[2:5]]


def days(folder: Path, *, rows: int) -> Sandbox:
    """Dial so many rows to their ends, however many days it takes."""
    clock = JumpingClock(start=THURSDAY)
    sandbox = Sandbox(clock=clock, seed=5, outcome_mix=MIX, quirks={"lagging_calls"})
    areas = list(ZONES)
    numbers = [f"+1{areas[index % 3]}{556 + index // 9000}{1000 + index // 3 % 3000:04d}" for index in range(rows)]

    async def main() -> None:
        async with sandbox.async_client() as client, Dialer(client, store=folder / "leads.db", clock=clock) as dialer:
            agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
            plan = await dialer.plan(
                [{"phone": number} for number in numbers],
                agent=agent.id,
                consent="form",
                policy=POLICY,
                region="US",
                rejects=None,
            )
            assert plan.waiting == rows
            result = await dialer.run(plan, confirm=plan.hash)
            assert (result.state, result.live) == ("done", 0), result
            assert result.counts == {"done": rows}

    clock.run(main())
    return sandbox


def judge(sandbox: Sandbox) -> None:
    """Never twice, never out of hours, never over the caps or the rate limit."""
    sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_overlapping_calls()
    sandbox.assert_called_only_within(time(10), time(18), timezone=zone_of)
    assert sandbox.max_concurrent_calls <= POLICY.max_live
    assert all(window.refused <= 1 for window in sandbox.requests_per_window())
    by_number: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for call in sandbox.placed_calls:
        day = datetime.fromtimestamp(call.created_at, ZoneInfo(zone_of(call.to))).date().isoformat()
        by_number[call.to].append((day, call.timeline.end_reason))
    for attempts in by_number.values():
        assert max(Counter(day for day, _ in attempts).values()) == 1, "twice on one day"
        assert len(attempts) <= POLICY.attempts.in_30_days
        assert all(reason in ("no_answer", "busy", "not_placed") for _, reason in attempts[:-1]), "called after its end"


@pytest.mark.timeout(900)
def test_two_days_in_three_zones(memory_folder: Path) -> None:
    judge(days(memory_folder, rows=2_000))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_ten_thousand_rows(memory_folder: Path) -> None:
    judge(days(memory_folder, rows=10_000))
