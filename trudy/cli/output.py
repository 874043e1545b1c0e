"""Shows what a command got: tables on a terminal, JSON elsewhere, ids alone with `-q`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from attrs import define

from trudy._masking import one_line
from trudy.cli.cells import cell, member
from trudy.cli.failures import CommandError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from trudy.cli.shell import Shell

Row: TypeAlias = Mapping[str, object]
_MOST_COLUMNS: Final = 6
"""Columns of a table where nobody says which: more of them leave too little room for each at 80."""
_STYLES: Final = {
    "completed": "green",
    "active": "green",
    "ready": "green",
    "failed": "red",
    "cancelled": "red",
    "queued": "yellow",
    "ringing": "yellow",
    "in_progress": "cyan",
    "paused": "yellow",
}
"""Words of a status with a colour of their own; the names of the terminal's palette are readable on light and dark."""


class HasMembers(Protocol):
    """A model of the library."""

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        ...


def row_of(item: HasMembers | Row) -> Row:
    """An object as its JSON members."""
    return item if isinstance(item, Mapping) else item.to_dict()


def show(shell: Shell, item: HasMembers | Row) -> None:
    """Show one object: its members line by line on a terminal, else JSON."""
    row = row_of(item)
    if shell.ids_only:
        _write(shell, _id_of(row))
    elif not shell.shows_tables:
        _write(shell, _json(shell, _chosen(shell, row)))
    else:
        _show_members(shell, _chosen(shell, row))


def show_list(shell: Shell, pages: Iterable[Iterable[HasMembers | Row]], *, columns: Sequence[str] = ()) -> None:
    """Show objects as their pages come.

    Args:
        shell: where to.
        pages: the objects, page by page.
        columns: what a table shows unless `--columns` says otherwise; the first members by default.
    """
    table = _Table(shell=shell, columns=_wanted(shell) or tuple(columns))
    count = 0
    for page in pages:
        rows = [row_of(item) for item in page]
        count += len(rows)
        if shell.ids_only:
            text = "".join(f"{_id_of(row)}\n" for row in rows)
        elif not shell.shows_tables:
            text = "".join(f"{_json(shell, _chosen(shell, row))}\n" for row in rows)
        else:
            table.add(rows)
            continue
        shell.terminal.out.write(text)
        shell.terminal.out.flush()
    if not count and shell.shows_tables:
        shell.say("there is none")


@define(kw_only=True)
class _Table:
    """A table that grows page by page: the first page settles the widths."""

    shell: Shell
    columns: tuple[str, ...]
    widths: tuple[int, ...] | None = None

    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        from rich.table import Table

        self.columns = self.columns or tuple(rows[0])[:_MOST_COLUMNS]
        cells = [[cell(member(row, name)) for name in self.columns] for row in rows]
        console = _console(self.shell)
        is_first = self.widths is None
        if self.widths is None:
            self.widths = _widths(self.columns, cells, console.width)
        table = Table(box=None, pad_edge=False, show_header=is_first, header_style="bold", padding=(0, 2, 0, 0))
        for name, width in zip(self.columns, self.widths, strict=True):
            table.add_column(_title(name), width=width, no_wrap=True, overflow="ellipsis")
        for row in cells:
            table.add_row(*map(_styled, self.columns, row))
        console.print(table)


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> tuple[int, ...]:
    """As wide as the widest cell, ids first: the others share what is left."""
    from rich.cells import cell_len

    wanted = [max(len(_title(name)), *(cell_len(row[i]) for row in cells)) for i, name in enumerate(columns)]
    room -= 2 * (len(columns) - 1)
    while sum(wanted) > room:
        shrinkable = [i for i, name in enumerate(columns) if not _is_id(name) and wanted[i] > len(_title(name))]
        if not shrinkable:
            shrinkable = [i for i in range(len(columns)) if wanted[i] > 1]
        if not shrinkable:
            break
        wanted[max(shrinkable, key=lambda i: wanted[i])] -= 1
    return tuple(wanted)


def _show_members(shell: Shell, row: Row) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        shown = cell(value)
        if isinstance(value, str) and "\n" in value:
            shown = "\n".join(one_line(line) for line in value.splitlines())
        if shown:
            table.add_row(Text(one_line(name)), _styled(name, shown))
    _console(shell).print(table)


def _styled(name: str, text: str) -> Text:
    from rich.text import Text

    return Text(text, style=_STYLES.get(text, "") if name.endswith("status") else "")


def _console(shell: Shell) -> Console:
    from rich.console import Console

    terminal = shell.terminal
    return Console(
        file=terminal.out,
        width=terminal.width,
        force_terminal=terminal.has_colour,
        no_color=not terminal.has_colour,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def _title(name: str) -> str:
    return name.replace("_", " ")


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _wanted(shell: Shell) -> tuple[str, ...]:
    return tuple(name.strip().replace("-", "_") for name in (shell.columns or "").split(",") if name.strip())


def _chosen(shell: Shell, row: Row) -> Row:
    names = _wanted(shell)
    return {name: member(row, name) for name in names} if names else row


def _id_of(row: Row) -> str:
    for name, value in row.items():
        if _is_id(name) and isinstance(value, str):
            return one_line(value)
    raise CommandError("this answer has no id to print", "Leave out -q, or choose members with --columns.")


def _json(shell: Shell, value: object) -> str:
    encoding = (getattr(shell.terminal.out, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8")


def _write(shell: Shell, text: str) -> None:
    shell.terminal.out.write(f"{text}\n")
    shell.terminal.out.flush()
