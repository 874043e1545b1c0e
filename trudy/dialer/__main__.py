"""`python -m trudy.dialer demo`: the campaign of `trudy demo`, on a sandbox and simulated time; no phone rings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from trudy.cli.demo.showing import show_only_campaign


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo. Returns the exit code."""
    parser = argparse.ArgumentParser("python -m trudy.dialer", description="Bulk dialing that rings nobody twice.")
    parser.add_argument("command", choices=["demo"], help="dial 200 made-up contacts on a local sandbox")
    parser.parse_args(arguments)
    show_only_campaign(lambda line: print(line, flush=True))  # noqa: T201 - it prints what it shows
    return 0


if __name__ == "__main__":
    sys.exit(main())
