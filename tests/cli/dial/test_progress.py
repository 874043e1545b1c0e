"""Where a campaign stands: its lines, its JSON, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from trudy.cli.dial.progress import CampaignProgress, RateWindow, lines_of
from trudy.cli.dial.running import WatchedRun, read_progress, watched_run
from trudy.cli.exit_codes import ExitCode
from trudy.dialer import Dialer, DialEvent, Policy
from trudy.sandbox import JumpingClock, Sandbox

FULL = CampaignProgress(
    campaign="c1",
    state="running",
    reason=None,
    counts={"rejected": 5, "waiting": 76, "claimed": 1, "live": 9, "unresolved": 2, "done": 112},
    waits={"": 30, "retry": 3, "hours": 40, "zone_unknown": 3},
    dialed=131,
    live=10,
    answered=58,
    window=RateWindow(limit=100, used=62, resets_in=23.4, waiting=2),
    opens_at=datetime(2026, 6, 8, 13, tzinfo=UTC),
    ends_at=datetime(2026, 6, 8, 17, 20, tzinfo=UTC),
    spent=12.4,
    reserved=3,
    max_spend=100,
)
"""2026-06-08 is a Monday."""


def test_each_fact_has_a_line() -> None:
    assert lines_of(FULL.facts(), 120) == [
        "  dialed       131, 10 on the line",
        "  answered     58",
        "  waiting      76: 40 outside the hours, 3 its time zone is not known; opens Mon 2026-06-08 13:00 UTC",
        "  unresolved   2: nobody knows whether they were called",
        "  rate window  62 of 100 requests used, 2 wait, a new one in 23 s",
        "  ends         about Mon 2026-06-08 17:20 UTC",
        "  spend        12.40 and 3.00 reserved of at most 100.00",
    ]


def test_what_is_not_known_has_none() -> None:
    empty = CampaignProgress(campaign="c1", state="planned", reason=None, counts={}, dialed=0, live=0, answered=0)
    assert lines_of(empty.facts(), 80) == ["  dialed       0", "  answered     0", "  waiting      0"]
    learning = evolve(empty, window=RateWindow(limit=None, used=1, resets_in=None, waiting=0))
    assert lines_of(learning.facts(), 80)[-1] == "  rate window  1 requests used"


def test_what_all_wait_for_is_told_once() -> None:
    held = evolve(FULL, state="paused", reason="by hand", counts={"waiting": 3}, waits={"hours": 3})
    told = dict(held.facts())
    assert (told["reason"], told["waiting"]) == ("by hand", "3 outside the hours; opens Mon 2026-06-08 13:00 UTC")


@given(st.integers(1, 200))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert all(0 < len(line) <= width for line in lines_of(FULL.facts(), width))


@pytest.mark.parametrize(
    ("counts", "percent"),
    [
        ({}, "100 %"),
        ({"rejected": 9}, "100 %"),
        ({"waiting": 3}, "0 %"),
        ({"waiting": 1, "done": 999}, "99 %"),
        ({"unresolved": 1, "done": 1}, "50 %"),
        ({"done": 3, "suppressed": 1}, "100 %"),
    ],
)
def test_all_is_done_only_where_nothing_is_left(counts: Mapping[str, int], percent: str) -> None:
    assert evolve(FULL, counts=counts).percent == percent


def test_it_is_json() -> None:
    told = FULL.to_dict()
    assert (told["waiting"], told["waiting_for_hours"], told["ends_at"]) == (76, 40, "2026-06-08T17:20:00+00:00")
    assert told["rate_window"] == {"limit": 100, "used": 62, "resets_in": 23.4, "waiting": 2}
    assert evolve(FULL, window=None).to_dict()["rate_window"] is None


class Screen:
    """Keeps what a run is shown."""

    def __init__(self) -> None:
        self.events: list[DialEvent] = []
        self.shown: list[CampaignProgress] = []

    def tell(self, event: DialEvent, at: datetime) -> None:
        assert at.tzinfo is UTC
        self.events.append(event)

    def show(self, progress: CampaignProgress, *, is_last: bool) -> None:
        self.shown.append(progress)


def test_rows_outside_their_hours_are_counted_with_when_they_open(tmp_path: Path) -> None:
    """It is Friday, 12:30 in New York and 9:30 in Los Angeles, where calls begin at 10."""
    clock = JumpingClock(start=1_780_677_000.0)

    async def dial() -> None:
        sandbox = Sandbox(clock=clock, rate_limit=100, seed=1)
        async with sandbox.async_client() as client, Dialer(client, store=tmp_path / "dial.db") as dialer:
            agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Hi.")
            rows = [{"phone": number} for number in ("+12125550100", "+12135550101", "+12135550102")]
            policy = Policy(price=0.5)
            plan = await dialer.plan(rows, agent=agent.id, consent="form", policy=policy, region="US", rejects=None)
            screen = Screen()
            ended: list[WatchedRun] = []

            async def run() -> None:
                ended.append(await watched_run(dialer, plan, screen))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(run)
                await clock.sleep(600)
                now = await read_progress(dialer, plan.campaign, policy, answered=0)
            assert (now.counts, now.waits) == ({"done": 1, "waiting": 2}, {"hours": 2})
            assert now.opens_at == datetime(2026, 6, 5, 17, tzinfo=UTC)
            assert now.ends_at is not None
            assert now.ends_at >= now.opens_at
            assert ended[0].exit_code == ExitCode.DONE
            assert [each.kind for each in screen.events].count("ended") == 3
            assert (screen.shown[-1].answered, screen.shown[-1].ends_at) == (3, None)

    clock.run(dial())
