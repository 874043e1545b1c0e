"""What each command is given: the global options, and the terminal it talks to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO, cast

from attrs import define, field, frozen

from trudy.cli.wrapping import wrapped_lines

if TYPE_CHECKING:
    import typer


def _or_nowhere(stream: TextIO | None, mode: str = "w") -> TextIO:
    """A stream of the process; one that is closed, as a service may begin with, takes all and gives nothing."""
    return cast("TextIO", Path(os.devnull).open(mode, encoding="utf-8")) if stream is None else stream


@frozen(kw_only=True)
class Terminal:
    """The streams of a process: data goes to `out`, words for people to `err`.

    Attributes:
        shows_tables: whether a person looks at `out`.
        can_ask: whether a person can answer a question.
        has_colour: whether `out` shows colours.
        width: columns of the terminal.
        err_width: columns of the terminal that shows `err`; None where `err` goes elsewhere.
        err_has_colour: whether `err` shows colours.
    """

    out: TextIO
    err: TextIO
    input: TextIO
    shows_tables: bool = False
    can_ask: bool = False
    has_colour: bool = False
    width: int = 80
    err_width: int | None = None
    err_has_colour: bool = False

    @classmethod
    def of_process(cls) -> Terminal:
        """That of this process, as it is now."""
        out, err, given = _or_nowhere(sys.stdout), _or_nowhere(sys.stderr), _or_nowhere(sys.stdin, "r")
        is_terminal, err_is_terminal = out.isatty(), err.isatty()
        plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return cls(
            out=out,
            err=err,
            input=given,
            shows_tables=is_terminal,
            can_ask=given.isatty() and err_is_terminal,
            has_colour=is_terminal and not plain,
            width=get_terminal_size().columns,
            err_width=get_terminal_size().columns if err_is_terminal else None,
            err_has_colour=err_is_terminal and not plain,
        )


@define(kw_only=True)
class Shell:
    """One run of `trudy`. The global options stand before the command or after it; the later one wins.

    Attributes:
        command: the command as it was typed, such as `trudy calls list`, for messages that name it.
        options: the options that it takes.
    """

    terminal: Terminal = field(factory=Terminal.of_process)
    profile: str | None = None
    base_url: str | None = None
    json: bool = False
    columns: str | None = None
    ids_only: bool = False
    yes: bool = False
    dry_run: bool = False
    command: str = "trudy"
    options: frozenset[str] = frozenset()

    @property
    def shows_tables(self) -> bool:
        """Whether a person reads what is shown: on a terminal, unless JSON or ids are asked for."""
        return self.terminal.shows_tables and not self.json and not self.ids_only

    def say(self, text: str) -> None:
        """Lines for the person, not for the data: on standard error. Indented ones are commands to copy."""
        width = self.terminal.err_width
        self.terminal.err.write(f"{text if width is None else wrapped_lines(text, width)}\n")
        self.terminal.err.flush()


def shell_of(context: typer.Context) -> Shell:
    """The shell of a command's context."""
    root = context.find_root()
    if not isinstance(root.obj, Shell):
        root.obj = Shell()
    return root.obj
