"""Runs `trudy` in this process, on a terminal or off one."""

from __future__ import annotations

import io

from attrs import frozen

from trudy.cli.app import run
from trudy.cli.shell import Shell, Terminal


@frozen
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def trudy(*arguments: str, terminal: bool = False, answer: str | None = None, width: int = 80) -> Ran:
    """Run `trudy` with these arguments.

    Args:
        arguments: those of the command line.
        terminal: whether a person looks at the output.
        answer: what the person types; without it there is nobody to ask.
        width: columns of the terminal.
    """
    out, err = io.StringIO(), io.StringIO()
    console = Terminal(
        out=out,
        err=err,
        input=io.StringIO(answer or ""),
        shows_tables=terminal,
        can_ask=answer is not None,
        width=width,
    )
    return Ran(run(arguments, Shell(terminal=console)), out.getvalue(), err.getvalue())
