"""A campaign of 200 rows on a sandbox, from the file to the results."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import time
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from trudy.dialer import Attempts, Breaker, Dialer, DialEvent, Policy, RetryAfter
from trudy.dialer.audit import reason_told
from trudy.dialer.zones import zones_of

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient
    from trudy.sandbox import JumpingClock, PlacedCall, Sandbox

Say: TypeAlias = Callable[[str], None]
"""Prints a line."""
ROWS = 200
START = 1_780_677_000.0
"""2026-06-05 12:30 in New York, a Friday: half an hour before Los Angeles may be called."""
POLICY = Policy(
    max_live=20,
    attempts=Attempts(a_day=2),
    retry={"no_answer": None, "busy": RetryAfter(seconds=600, most=2), "failed": None},
    breaker=Breaker(failed_share=1),
)
"""The careful hours; more at a time and sooner again than a real campaign should, and failures are part of the show."""
_DETAILS = {"unknown": "its answer was lost", "found": "its call was found"}


@frozen(kw_only=True)
class Stage:
    """Where the demo plays: a sandbox on simulated time, a client of it, and what prints a line."""

    sandbox: Sandbox
    client: AsyncTrudyClient
    clock: JumpingClock
    say: Say


async def show_campaign(stage: Stage, folder: Path, agent: str, report: Path | None) -> None:
    """Plan, run and judge a campaign, whose files are kept in a folder; write its report where it is asked for."""
    say, sandbox, clock = stage.say, stage.sandbox, stage.clock
    before = len(sandbox.placed_calls)
    _write_leads(folder / "leads.csv")
    async with Dialer(stage.client, store=folder / "leads.db") as dialer:
        plan = await dialer.plan(
            folder / "leads.csv",
            agent=agent,
            consent="demo",
            policy=POLICY,
            region="US",
            rejects=None,
        )
        say(plan.summary())
        say("\nThe run: every 25th end, each lost answer")
        events = _Events(say, clock)
        result = await dialer.run(plan, confirm=plan.hash, on_event=events.show)
        await dialer.export(plan.campaign, folder / "results.csv")
        say(f"\nThe result: {result.state}, " + ", ".join(f"{n} {state}" for state, n in result.counts.items()))
        _show_results(say, folder / "results.csv")
        say("\nWhat happened to one of the two whose answer was lost (times are UTC)")
        for line in await dialer.why("+12145550191"):
            say(fill(line, 78, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False))
        say("\nThe sandbox judges, by its own record")
        _judge(say, sandbox, sandbox.placed_calls[before:])
        if report is not None:
            await dialer.report(plan.campaign, report)


class _Events:
    """Shows some of the events, with the time in New York, where it is four hours less than UTC."""

    def __init__(self, say: Say, clock: JumpingClock) -> None:
        self._say = say
        self._clock = clock
        self._seen: Counter[str] = Counter()

    def show(self, event: DialEvent) -> None:
        self._seen[event.kind] += 1
        ends = self._seen["ended"]
        if event.kind in ("unknown", "found", "unresolved") or (event.kind == "ended" and ends % 25 == 0):
            minutes, seconds = divmod(round(self._clock.time() - START), 60)
            at = f"{12 + (30 + minutes) // 60}:{(30 + minutes) % 60:02}:{seconds:02}"
            detail = _DETAILS.get(event.kind) or reason_told(event.detail)
            self._say(f"  {at}  {event.kind:8} {event.number}  {detail:20}  {ends:3} ended")


def _write_leads(path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "name"])
        for index in range(ROWS - 4):
            writer.writerow([f"+1{212 + index // 60}55501{index % 60:02d}", f"Person {index}"])
        # The last digits 91 and 92 lose the answer after the call was placed; two rows are no numbers.
        writer.writerows(
            [["+12145550191", "Lost"], ["+12145550192", "Dropped"], ["1.41555E+10", "Rounded"], ["", "None"]]
        )


def _show_results(say: Say, path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        outcomes = Counter((row["outcome"], row["reason"]) for row in csv.DictReader(file))
    for (outcome, reason), count in outcomes.most_common():
        why = "" if reason == "final" else reason_told(reason)
        say(f"  {count:4}  {reason_told(outcome) or 'not called':12} {why}".rstrip())


def _judge(say: Say, sandbox: Sandbox, placed: Sequence[PlacedCall]) -> None:
    """What the sandbox has seen, whatever the dialer says of itself; raises where the two differ."""
    sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_overlapping_calls()
    sandbox.assert_called_only_within(time(10), time(18), timezone=lambda number: zones_of(1, number[2:]))
    calls = Counter(call.to for call in placed)
    again = sum(1 for count in calls.values() if count > 1)
    say(f"  {sum(calls.values())} calls to {len(calls)} numbers; {again} busy ones were tried a second time")
    say("  no attempt was placed twice, no number called during another call to it")
    say(f"  none before 10:00 or after 18:00 where it rang, at most {sandbox.max_concurrent_calls} at a time")
