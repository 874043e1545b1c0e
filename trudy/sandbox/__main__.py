"""`python -m trudy.sandbox`: serve a sandbox over HTTP until interrupted. `trudy sandbox` does the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import attrs

from trudy.sandbox.command import CannotListenError, ServeOptions, serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; prints the address and the key, and returns its exit status."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    try:
        return serve(ServeOptions(**given))
    except CannotListenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trudy.sandbox", description="Serve a local Truedy to develop and test against."
    )
    for option in attrs.fields(ServeOptions):
        facts, default, repeats = option.metadata, option.default, option.default == ()
        flag = f"--{option.name.replace('_', '-')}"
        if facts["kind"] is bool:
            parser.add_argument(flag, action="store_true", help=facts["help"])
            continue
        told = "" if default is None or repeats else " (default: %(default)s)"
        names = f"; the names are: {', '.join(facts['words'])}" if facts["words"] else ""
        parser.add_argument(
            flag,
            type=facts["kind"],
            default=[] if repeats else default,
            action="append" if repeats else "store",
            metavar=facts["metavar"] or None,
            choices=facts["words"] or None,
            help=facts["help"] + names + told,
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())
