"""The entry of the `trudy` command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from trudy.cli.exit_codes import ExitCode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, that of the process if none is given. Returns the exit code."""
    try:
        from trudy.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.stderr.write("error: the trudy command needs Python packages that are not installed\n")
        sys.stderr.write("  Install them: pip install 'trudy-python-sdk[cli]'\n")
        return ExitCode.EXTRA_MISSING
    except KeyboardInterrupt:  # while modules were loading
        return ExitCode.INTERRUPTED
    code = run(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:  # closed by who started this  # pyright: ignore[reportUnnecessaryComparison]
        return code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = ExitCode.PIPE_CLOSED
    if code == ExitCode.PIPE_CLOSED:
        _forget_output()
    return code


def _forget_output() -> None:
    """Nobody reads the output any more; the interpreter flushes it once more at exit, and would complain."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
