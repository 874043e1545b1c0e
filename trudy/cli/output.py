"""Shows what a command got: tables on a terminal, JSON elsewhere, ids alone with `-q`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from attrs import define

from trudy._answer_facts import as_mapping
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
_GAP: Final = 2
"""Blanks between columns."""
_NOT_IN_TITLES: Final = ("_at", "_seconds", "_hint")
"""Endings of names that the cells make clear."""
_NARROWEST: Final = 8
"""What a column has at least where there is no room: fewer letters say nothing."""
_READABLE: Final = 16
"""What a column is narrowed to before others are left out or ids are cut: a time fits, and most names tell."""
_CUT_ID: Final = 9
"""An id that is cut: eight letters and the sign for more, which tell it from others; nobody can copy it anyway."""
STYLES: Final = {
    **dict.fromkeys(("active", "completed", "done", "ready"), "green"),
    **dict.fromkeys(("cancelled", "failed", "halted"), "red"),
    "paused": "magenta",
}
"""Words of a status with a colour, of those in the terminal's palette that are readable on light and dark."""


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
    _check_columns(shell, [row])
    if shell.ids_only:
        _write(shell, _id_of(row))
    elif not shell.shows_tables:
        _write(shell, _json(shell, _chosen(shell, row), indent=2 if shell.terminal.shows_tables else None))
    else:
        _show_members(shell, _chosen(shell, row))


def show_value(shell: Shell, value: object) -> None:
    """Show a JSON value that is no object."""
    _write(shell, _json(shell, value))


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
        if not count:
            _check_columns(shell, rows)
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
    """A table that grows page by page: the first page settles columns and widths."""

    shell: Shell
    columns: tuple[str, ...]
    widths: tuple[int, ...] | None = None

    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        from rich.table import Table

        is_first = self.widths is None
        if self.widths is None:
            self.columns, self.widths = self._settled(rows)
        table = Table(box=None, pad_edge=False, show_header=is_first, header_style="bold", padding=(0, 2, 0, 0))
        for name, width in zip(self.columns, self.widths, strict=True):
            table.add_column(self._title(name), width=width, no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*(_styled(name, self._cell(row, name)) for name in self.columns))
        console = console_of(self.shell)
        with console.capture() as drawn:
            console.print(table)
        self.shell.terminal.out.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))
        self.shell.terminal.out.flush()

    def _settled(self, rows: Sequence[Row]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Columns and widths: where there is no room, long texts become narrow, then the last columns are left out.

        Those asked for all stay.
        """
        from rich.cells import cell_len

        columns = self.columns or tuple(rows[0])[:_MOST_COLUMNS]
        wanted = [
            max(cell_len(self._title(name)), *(cell_len(self._cell(row, name)) for row in rows)) for name in columns
        ]
        room = self.shell.terminal.width
        if self.shell.columns is None:
            while len(wanted) > 1 and sum(_readable(columns, wanted)) + _GAP * (len(wanted) - 1) > room:
                wanted.pop()
        return columns[: len(wanted)], _narrowed(columns, wanted, room - _GAP * (len(wanted) - 1))

    def _cell(self, row: Row, name: str) -> str:
        text = cell(member(row, name))
        return f"{text} s" if text and self._title(name) != name and name.endswith("_seconds") else text

    def _title(self, name: str) -> str:
        """The name of a column, whole where somebody asked for it by that name."""
        if self.shell.columns is not None:
            return name
        name = name.rpartition(".")[2]
        for ending in _NOT_IN_TITLES:
            name = name.removesuffix(ending)
        return name.replace("_", " ")


def _readable(columns: Sequence[str], wanted: Sequence[int]) -> list[int]:
    """The widths below which cells can no longer be read: ids stay whole."""
    return [width if _is_id(name) else min(width, _READABLE) for name, width in zip(columns, wanted, strict=False)]


def _narrowed(columns: Sequence[str], wanted: Sequence[int], room: int) -> tuple[int, ...]:
    """Widths that fit: the widest gives way first. Ids are whole, or cut so far that all else can be read."""
    ids = [index for index, name in enumerate(columns[: len(wanted)]) if _is_id(name)]
    widths, kept = list(wanted), set(ids)
    if sum(_readable(columns, wanted)) > room:
        kept.clear()
        for index in ids:
            widths[index] = min(widths[index], _CUT_ID)
    for least in (_READABLE, _NARROWEST, 1):
        while sum(widths) > room:
            wide = [index for index, width in enumerate(widths) if width > least and index not in kept]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return tuple(widths)


def _show_members(shell: Shell, row: Row) -> None:
    from rich.text import Text

    shown = list(_members(row))
    label = max((len(name) for name, _ in shown), default=0) + _GAP
    console = console_of(shell)
    for name, text in shown:
        for number, line in enumerate(_lines(text, shell.terminal.width - label)):
            head = (name if number == 0 else "").ljust(label)
            console.print(Text.assemble((head, "bold"), _styled(name, line)), soft_wrap=True)


def _members(row: Row, path: str = "") -> Iterator[tuple[str, str]]:
    """Each member that is not empty with its text; members of objects by their paths, as `--columns` takes them."""
    for name, value in row.items():
        inner = as_mapping(value)
        text = value if isinstance(value, str) and "\n" in value else _items(value) or cell(value)
        if inner is not None:
            yield from _members(inner, f"{path}{one_line(name)}.")
        elif text:
            yield f"{path}{one_line(name)}", text


def _items(value: object) -> str:
    """A list of objects, one a line; empty for all else."""
    if not isinstance(value, list):
        return ""
    rows = [row for item in cast("list[object]", value) if (row := as_mapping(item))]
    if len(rows) < len(cast("list[object]", value)):
        return ""
    return "\n".join(
        ", ".join(f"{name}: {text}" for name, inner in row.items() if (text := cell(inner))) for row in rows
    )


def _lines(text: str, width: int) -> Iterator[str]:
    """A text as lines that fit; words, such as a link, stay whole, so that they can be copied."""
    for line in text.splitlines():
        yield from wrap(one_line(line), max(width, _NARROWEST), break_long_words=False, break_on_hyphens=False) or [""]


def _styled(name: str, text: str) -> Text:
    from rich.text import Text

    style = STYLES.get(text, "") if name.endswith(("status", "state")) else ""
    return Text.assemble((text, style))


def console_of(shell: Shell) -> Console:
    """A console of rich on the output of a command: never wider than the terminal, with colour where it has any."""
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


def _is_id(name: str) -> bool:
    return name == "id" or name.endswith("_id")


def _wanted(shell: Shell) -> tuple[str, ...]:
    return tuple(name.strip().replace("-", "_") for name in (shell.columns or "").split(",") if name.strip())


def _check_columns(shell: Shell, rows: Sequence[Row]) -> None:
    """Refuse a column that no row has: it is misspelt."""
    known = dict.fromkeys(name for row in rows for name in row)
    for name in _wanted(shell):
        if rows and name.partition(".")[0] not in known:
            raise CommandError(f"--columns: there is no member {one_line(name)}", f"There are {', '.join(known)}")


def _chosen(shell: Shell, row: Row) -> Row:
    names = _wanted(shell)
    return {name: member(row, name) for name in names} if names else row


def _id_of(row: Row) -> str:
    """The object's own id; for what has none, the id of what it is about, or its phone number."""
    names = sorted(filter(_is_id, row), key=lambda name: name != "id")
    for name in (*names, "phone_number"):
        value = row.get(name)
        if isinstance(value, str):
            return one_line(value)
    raise CommandError("this answer has no id to print", "Leave out -q, or choose members with --columns.")


def _json(shell: Shell, value: object, *, indent: int | None = None) -> str:
    encoding = (getattr(shell.terminal.out, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(value, ensure_ascii=encoding != "utf8", indent=indent)


def _write(shell: Shell, text: str) -> None:
    shell.terminal.out.write(f"{text}\n")
    shell.terminal.out.flush()
