"""`python -m trudy.dialer demo`: the campaign of `trudy demo`, on a sandbox and simulated time; no phone rings. With
`--workers 3` that many processes dial it, from a PostgreSQL of its own, and one of them is killed.

`python -m trudy.dialer worker`: dials the campaigns of a store in PostgreSQL with other workers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from trudy.dialer.fleet import command

MOST_WORKERS: Final = 8
"""Processes of the demo: more would only show how busy the machine is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.dialer", description="Bulk dialing that rings nobody twice.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="dial 200 made-up contacts on a local sandbox")
    demo.add_argument(
        "--workers",
        type=int,
        choices=range(1, MOST_WORKERS + 1),
        metavar=f"1-{MOST_WORKERS}",
        help="let so many processes dial them, and kill one on the way; needs PostgreSQL",
    )
    demo.add_argument(
        "--report",
        type=Path,
        default=Path("dialer-demo.html"),
        metavar="FILE",
        help="where the report of the workers' campaign goes (%(default)s)",
    )
    command.add_arguments(commands.add_parser("worker", help="dial the campaigns of a store in PostgreSQL with others"))
    given = parser.parse_args(arguments)
    if given.command == "worker":
        return command.run(given)
    if given.workers is not None:
        from trudy.dialer.fleet.demo import show

        return show(given.workers, given.report, _say)
    from trudy.cli.demo.showing import show_only_campaign  # here: a worker has no use for a sandbox

    show_only_campaign(_say)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - it prints what it shows


if __name__ == "__main__":
    sys.exit(main())
