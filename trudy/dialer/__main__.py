"""`python -m trudy.dialer demo`: a campaign of 200 rows on a sandbox, from the file to the results.

It runs on simulated time: an hour of calls takes some seconds, and no phone rings.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from textwrap import fill

from trudy.dialer import Attempts, Breaker, Dialer, DialEvent, Policy, RetryAfter
from trudy.dialer.zones import zones_of
from trudy.sandbox import JumpingClock, Sandbox

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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.dialer", description="Bulk dialing that rings nobody twice.")
    parser.add_argument("command", choices=["demo"], help="dial 200 made-up contacts on a local sandbox")
    parser.parse_args(arguments)
    # What it warns of is told below, as events.
    logger = logging.getLogger("trudy.dialer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    clock = JumpingClock(start=START)
    try:
        clock.run(demo(clock))
    finally:
        logger.setLevel(level)
    return 0


async def demo(clock: JumpingClock) -> None:
    """Plan, run and report."""
    sandbox = Sandbox(clock=clock, rate_limit=100, seed=1)
    with tempfile.TemporaryDirectory(prefix="trudy-dialer-") as name:
        folder = Path(name)
        _write_leads(folder / "leads.csv")
        async with sandbox.async_client() as client, Dialer(client, store=folder / "leads.db") as dialer:
            agent = await client.agents.create(
                name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Remind {{name}} of the appointment."
            )
            _say("A sandbox on simulated time: no phone rings. It is Friday, 12:30 in New York.\n")
            plan = await dialer.plan(
                folder / "leads.csv",
                agent=agent.id,
                consent="demo",
                policy=POLICY,
                region="US",
                rejects=folder / "rejects.csv",
            )
            _say(plan.summary())
            _say("\nThe run: every 25th end, each lost answer")
            report = _Report(clock)
            result = await dialer.run(plan, confirm=plan.hash, on_event=report.show)
            await dialer.export(plan.campaign, folder / "results.csv")
            _say(f"\nThe result: {result.state}, " + ", ".join(f"{n} {state}" for state, n in result.counts.items()))
            _show_results(folder / "results.csv")
            _say("\nWhat happened to one of the two whose answer was lost")
            for line in await dialer.why("+12145550191"):
                _say(fill(line, 78, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False))
            _say("\nThe sandbox judges, by its own record")
            _judge(sandbox)


class _Report:
    """Shows some of the events, with the time in New York, where it is four hours less than UTC."""

    def __init__(self, clock: JumpingClock) -> None:
        self._clock = clock
        self._seen: Counter[str] = Counter()

    def show(self, event: DialEvent) -> None:
        self._seen[event.kind] += 1
        ends = self._seen["ended"]
        if event.kind in ("unknown", "found", "unresolved") or (event.kind == "ended" and ends % 25 == 0):
            minutes, seconds = divmod(round(self._clock.time() - START), 60)
            at = f"{12 + (30 + minutes) // 60}:{(30 + minutes) % 60:02}:{seconds:02}"
            detail = "" if event.kind == "found" else event.detail
            _say(f"  {at}  {event.kind:8} {event.number}  {detail:20}  {ends:3} ended")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


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


def _show_results(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        outcomes = Counter((row["outcome"], row["reason"]) for row in csv.DictReader(file))
    for (outcome, reason), count in outcomes.most_common():
        _say(f"  {count:4}  {outcome or 'not called':12} {reason}")


def _judge(sandbox: Sandbox) -> None:
    """What the sandbox has seen, whatever the dialer says of itself; raises where it broke its word."""
    sandbox.assert_no_ref_placed_twice()
    sandbox.assert_no_overlapping_calls()
    sandbox.assert_called_only_within(time(10), time(18), timezone=lambda number: zones_of(1, number[2:]))
    calls = Counter(call.to for call in sandbox.placed_calls)
    again = sum(1 for count in calls.values() if count > 1)
    _say(f"  {sum(calls.values())} calls to {len(calls)} numbers; {again} busy ones were tried a second time")
    _say("  no attempt was placed twice, no number called during another call to it")
    _say(f"  none before 10:00 or after 18:00 where it rang, at most {sandbox.max_concurrent_calls} at a time")


if __name__ == "__main__":
    sys.exit(main())
