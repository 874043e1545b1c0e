"""What each command is given: the global options, and the terminal it talks to."""

from __future__ import annotations

import io
import os
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO, cast

from attrs import define, field, frozen

from trudy.cli.wrapping import wrapped_lines

if TYPE_CHECKING:
    import typer


class _Nowhere(io.TextIOBase):
    """Stands for a stream of the process that is closed, as a service may begin: it takes all and gives nothing."""

    def write(self, text: str) -> int:
        return len(text)

    def read(self, size: int | None = -1) -> str:
        return ""

    def readline(self, size: int = -1) -> str:  # type: ignore[override]
        return ""


def _stream(stream: TextIO | None) -> TextIO:
    """A stream of the process, or nowhere."""
    if stream is None:
        return cast("TextIO", _Nowhere())
    _never_refuse_a_letter(stream)
    return stream


def _never_refuse_a_letter(stream: TextIO) -> None:
    """Have letters that the encoding lacks written as `\\xe9`, in place of ending a command."""
    if isinstance(stream, io.TextIOWrapper) and stream.writable():
        stream.reconfigure(errors="backslashreplace")


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
        out, err, given = _stream(sys.stdout), _stream(sys.stderr), _stream(sys.stdin)
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
