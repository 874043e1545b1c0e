"""`python -m trudy.dialer demo`: the campaign of `trudy demo`, on a sandbox and simulated time; no phone rings.

`python -m trudy.dialer worker`: dials the campaigns of a store in PostgreSQL with other workers.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trudy.cli.demo.showing import show_only_campaign
from trudy.dialer.fleet import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.dialer", description="Bulk dialing that rings nobody twice.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="dial 200 made-up contacts on a local sandbox")
    command.add_arguments(commands.add_parser("worker", help="dial the campaigns of a store in PostgreSQL with others"))
    given = parser.parse_args(arguments)
    if given.command == "worker":
        return command.run(given)
    show_only_campaign(lambda line: print(line, flush=True))  # noqa: T201 - it prints what it shows
    return 0


if __name__ == "__main__":
    sys.exit(main())
