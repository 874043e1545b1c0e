"""`python -m trudy.dialer demo`: a campaign of 200 rows on a sandbox, from the file to the results."""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import anyio

from trudy.dialer import Breaker, Dialer, DialEvent, Hours, Policy
from trudy.sandbox import Sandbox

ROWS = 200
SPEED = 40.0
"""Sandbox seconds for a real one: quicker, and a busy machine would send intents too late."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.dialer", description="Bulk dialing that rings nobody twice.")
    parser.add_argument("command", choices=["demo"], help="dial 200 made-up contacts on a local sandbox")
    parser.parse_args(arguments)
    anyio.run(demo)
    return 0


async def demo() -> None:
    """Plan, run and report."""
    sandbox = Sandbox(speed=SPEED, rate_limit=None, seed=1)
    with tempfile.TemporaryDirectory(prefix="trudy-dialer-") as name:
        folder = Path(name)
        _write_leads(folder / "leads.csv")
        async with (
            sandbox.async_client() as client,
            Dialer(client, store=folder / "leads.db", clock=sandbox.clock) as dialer,
        ):
            agent = await client.agents.create(
                name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Remind {{name}} of the appointment."
            )
            policy = Policy(
                hours=Hours.always(),
                max_live=40,
                gap=0.05,
                retry={"no_answer": None, "busy": None, "failed": None},
                breaker=Breaker(failed_share=1),
            )
            plan = await dialer.plan(
                folder / "leads.csv",
                agent=agent.id,
                consent="demo",
                policy=policy,
                region="US",
                rejects=folder / "rejects.csv",
            )
            _say(plan.summary())
            seen: Counter[str] = Counter()
            result = await dialer.run(plan, confirm=plan.hash, on_event=lambda event: _show(event, seen))
            _say(f"{result.state}: " + ", ".join(f"{count} {state}" for state, count in sorted(result.counts.items())))
            await dialer.export(plan.campaign, folder / "results.csv")
            _show_results(folder / "results.csv")
    sandbox.assert_no_number_dialed_twice()
    _say(f"{len(sandbox.placed_calls)} calls, nobody twice, at most {sandbox.max_concurrent_calls} at a time")


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


def _show(event: DialEvent, seen: Counter[str]) -> None:
    seen[event.kind] += 1
    if event.kind in ("unknown", "found", "unresolved"):
        _say(f"  {event}")
    elif event.kind == "ended" and seen["ended"] % 50 == 0:
        _say(f"  {seen['placed']} placed, {seen['ended']} ended")


def _show_results(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        outcomes = Counter(row["outcome"] or row["reason"] for row in csv.DictReader(file))
    for outcome, count in outcomes.most_common():
        _say(f"  {outcome}: {count}")


if __name__ == "__main__":
    sys.exit(main())
