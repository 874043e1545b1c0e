"""Contacts from wherever they are kept, a row at a time: CSV, XLSX, JSON lines, frames, any iterable of mappings.

Each row comes with its line, counted as the file's own program does: the header of a CSV or a sheet is line 1.
Which column holds the number, the zone or the consent is guessed in `columns.py`.
"""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast, runtime_checkable

from attrs import frozen

from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

Row: TypeAlias = Mapping[str, object]


@runtime_checkable
class _PolarsFrame(Protocol):
    def iter_rows(self, *, named: bool) -> Iterator[dict[str, object]]: ...


@runtime_checkable
class _PandasFrame(Protocol):
    def itertuples(self, *, index: bool, name: None) -> Iterator[tuple[object, ...]]: ...


Source: TypeAlias = str | os.PathLike[str] | Iterable[Row] | AsyncIterable[Row] | _PolarsFrame | _PandasFrame
"""A path, a frame of pandas or polars, or an iterable (or async iterable) of mappings."""

_SAMPLE: Final = 64 * 1024
"""Bytes by which the dialect of a CSV is guessed: fewer may hold no cell in quotes, more take longer to look at."""
_DELIMITERS: Final = ",;\t|"
_RARE_DELIMITERS: Final = ":^~\x1f"
"""Taken only where each line has them, and no other: they stand in names and times too."""
_QUOTED: Final = {mark: re.compile(f"{mark}(?:[^{mark}]|{mark}{mark})*{mark}") for mark in "\"'"}
_DOUBLED_QUOTE: Final = re.compile(r'[^,;\t|\r\n"]""')
_ESCAPED_QUOTE: Final = re.compile(r'\\"(?=[^,;\t|\r\n])')
"""A quote with a backslash before it, inside of a cell: databases write it so. One that ends a cell ends a path."""
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How the files of spreadsheets begin: a zip archive, or the older format of Office."""
_A_NUMBER: Final = re.compile(r"'?\+?(?:[ ()./-]*[0-9]){10,15}|'?\+(?:[ ()./-]*[0-9]){7,}")
"""Cells that are phone numbers, and no names of columns such as 2026-05-01."""
_CHUNK: Final = 1024 * 1024
"""Bytes of a file that are decoded at a time: more cost memory, fewer cost time."""
UNNAMED: Final = "(column "
"""How a column without a name in the header is called, with its place: its cells are kept, but no variables."""
SURPLUS: Final = "(surplus cells)"
"""The column of what stands beyond the last name of a header."""


async def read_rows(source: Source, *, sheet: str | None = None) -> AsyncIterator[tuple[int, Row]]:
    """Every row of a source, with its line. `sheet` names that of a workbook which has several.

    Raises:
        InvalidArgumentError: it is nothing that can be read as rows. An `OSError` comes as it is.
    """
    if sheet is not None and not _is_workbook(source):
        raise InvalidArgumentError(
            "columns.sheet: only a workbook has sheets, and the source is none", argument="columns"
        )
    if isinstance(source, AsyncIterable):
        line = 0
        async for row in source:
            line += 1
            yield line, _mapping(row, line)
        return
    for line, row in _blocking(source, sheet):
        yield line, row


def cell_text(value: object) -> str:
    """A cell as text: empty for None, NaN, NA and NaT, whole numbers without a point, dates as ISO 8601.

    Half a character, which is left where a text with emoji was cut, becomes the replacement character.
    """
    if isinstance(value, str):
        return value if value.isascii() else _whole_characters(value)
    if value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _whole_characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _is_workbook(source: object) -> bool:
    """By its content, whatever its name is."""
    if not isinstance(source, str | os.PathLike):
        return False
    with Path(cast("str | os.PathLike[str]", source)).open("rb") as file:
        return file.read(8).startswith(_WORKBOOKS)


def _blocking(source: object, sheet: str | None) -> Iterator[tuple[int, Row]]:
    if isinstance(source, str | os.PathLike):
        path = Path(cast("str | os.PathLike[str]", source))
        if _is_workbook(path):
            return _sheet(path, sheet)
        match path.suffix.lower():
            case ".jsonl" | ".ndjson":
                return _json_lines(path)
            case ".json":
                raise InvalidArgumentError(
                    f"source: {path.name} must hold JSON lines, an object in each, and be called .jsonl",
                    argument="source",
                )
            case _:
                return _csv(path)
    if isinstance(source, _PolarsFrame):
        return enumerate(source.iter_rows(named=True), start=1)
    if isinstance(source, _PandasFrame):
        return _pandas(source)
    if isinstance(source, Iterable) and not isinstance(source, bytes | Mapping):
        rows = cast("Iterable[object]", source)
        return ((line, _mapping(row, line)) for line, row in enumerate(rows, start=1))
    kind = type(source).__name__  # pyright: ignore[reportUnknownArgumentType]
    raise InvalidArgumentError(
        f"source must be a path, a frame, or an iterable of mappings, not {kind}", argument="source"
    )


def _mapping(row: object, line: int) -> Row:
    if not isinstance(row, Mapping):
        raise InvalidArgumentError(
            f"source: row {line} must be a mapping of columns, not {type(row).__name__}", argument="source"
        )
    return {cell_text(str(name)): value for name, value in cast("Mapping[object, object]", row).items()}


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    encoding = _encoding_of(path)
    line = 0
    with path.open(encoding=encoding, newline="") as file:
        try:
            dialect = _dialect_of(file.read(_SAMPLE))
            file.seek(0)
            for _ in range(dialect.skipped):
                file.readline()
            reader = csv.reader(file, strict=False, **dialect.settings)
            names = _header(reader, path)
            last = reader.line_num
            for cells in reader:
                line, last = last + 1 + dialect.skipped, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield line, _named(names, cells)
        except csv.Error as fault:
            raise InvalidArgumentError(
                f"source: {path.name} cannot be read as CSV near line {line + 1} ({fault})",
                argument="source",
            ) from None
        except UnicodeDecodeError:
            raise InvalidArgumentError(f"source: {path.name} is no text in {encoding}", argument="source") from None


def _encoding_of(path: Path) -> str:
    """By the mark at its start, by zero bytes, or by what the whole file can be decoded as."""
    with path.open("rb") as file:
        start = file.read(4)
        if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
            return "utf-32"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in start:
            return "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
        for encoding in ("utf-8-sig", "cp1252"):
            file.seek(0)
            decoder = codecs.getincrementaldecoder(encoding)()
            try:
                while chunk := file.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                continue
            return encoding
    return "latin-1"


@frozen
class _Dialect:
    """How a CSV is written. `skipped`: lines before its header."""

    settings: Mapping[str, Any]
    skipped: int = 0


def _dialect_of(sample: str) -> _Dialect:
    """The delimiter that most lines agree on, and how cells are quoted.

    The sniffer of `csv` prefers letters in some files. What stands in quotes does not count.
    """
    told = re.match(r"sep=(.)\r?\n", sample)  # so Excel notes it
    text = sample if told is None else sample[told.end() :]
    quote = "'" if re.match(r"\s*'[^'\r\n]*'[^\w'\"]", text) else '"'
    plain = _QUOTED[quote].sub("quoted", text)
    lines = [line for line in plain.splitlines()[:50] if line.strip()]
    delimiter = told[1] if told is not None else _delimiter_of(lines)
    settings: dict[str, Any] = {"delimiter": delimiter, "quotechar": quote}
    if any(f"{delimiter} quoted" in line for line in lines):
        settings["skipinitialspace"] = True
    if quote == '"' and _ESCAPED_QUOTE.search(text) and not _DOUBLED_QUOTE.search(text):
        settings |= {"escapechar": "\\", "doublequote": False}
    return _Dialect(settings, 0 if told is None else 1)


def _delimiter_of(lines: Sequence[str]) -> str:
    if not lines:
        return ","
    counted = {mark: [line.count(mark) for line in lines] for mark in _DELIMITERS + _RARE_DELIMITERS}
    if not any(counted[mark][0] for mark in _DELIMITERS):
        rare = [mark for mark in _RARE_DELIMITERS if min(counted[mark]) > 0]
        if rare and len(lines) > 1:
            return rare[0]
    return max(_DELIMITERS, key=lambda mark: (counted[mark][0] > 0, min(counted[mark]), counted[mark][0]))


def _header(rows: Iterable[Sequence[object]], path: Path) -> list[str]:
    """The names of the first row that is not blank."""
    for cells in rows:
        names = [cell_text(cell).strip() for cell in cells]
        if any("\0" in name for name in names):
            raise InvalidArgumentError(f"source: {path.name} is no text", argument="source")
        if any(map(_A_NUMBER.fullmatch, names)):  # taken for a header, its person would be left out
            raise InvalidArgumentError(
                f"source: the first line of {path.name} holds a number, and should hold the names of the columns",
                argument="source",
            )
        if any(names):
            twice = {name for name in names if name and names.count(name) > 1}
            if twice:
                raise InvalidArgumentError(f"source has the column {min(twice)!r} twice", argument="source")
            return names
    raise InvalidArgumentError(f"source: {path.name} has no header: it is empty", argument="source")


def _named(names: list[str], cells: list[str]) -> Row:
    row = _cells(names, cells)
    surplus = [cell for cell in cells[len(names) :] if cell.strip()]
    if surplus:
        row[SURPLUS] = " ".join(surplus)
    return row


def _cells(names: Sequence[str], cells: Sequence[object]) -> dict[str, object]:
    """Cells by the name of their column; one without a name has its place, unless its cell is blank."""
    return {
        name or f"{UNNAMED}{place})": cell
        for place, (name, cell) in enumerate(zip(names, cells, strict=False), start=1)
        if name or cell_text(cell).strip()
    }


def _sheet(path: Path, wanted: str | None) -> Iterator[tuple[int, Row]]:
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
    except python_calamine.CalamineError:
        raise InvalidArgumentError(f"source: {path.name} cannot be read as a workbook", argument="source") from None
    names = list(workbook.sheet_names)
    if wanted is None:
        filled = [name for name in names if workbook.get_sheet_by_name(name).start is not None]
        if len(filled) > 1:
            raise InvalidArgumentError(
                f"source: {path.name} has the sheets {', '.join(filled)}; say columns=Columns(sheet=...)",
                argument="columns",
            )
        wanted = (filled or names)[0]
    elif wanted not in names:
        raise InvalidArgumentError(f"columns.sheet: {path.name} has {', '.join(names)}", argument="columns")
    return _sheet_rows(workbook.get_sheet_by_name(wanted), path)


def _sheet_rows(sheet: CalamineSheet, path: Path) -> Iterator[tuple[int, Row]]:
    numbered: Iterator[tuple[int, Sequence[object]]] = enumerate(sheet.iter_rows(), start=1)
    names = _header((cells for _, cells in numbered), path)
    for line, cells in numbered:
        row = _cells(names, cells)
        if any(cell not in ("", None) for cell in row.values()):
            yield line, row


def _json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            text = text.removeprefix(codecs.BOM_UTF8) if line == 1 else text
            if not text.strip():
                continue
            try:
                row: object = json.loads(text)
            except (ValueError, RecursionError):
                raise InvalidArgumentError(
                    f"source: line {line} of {path.name} is no JSON", argument="source"
                ) from None
            yield line, _mapping(row, line)


def _pandas(frame: _PandasFrame) -> Iterator[tuple[int, Row]]:
    names = [str(name) for name in cast(Any, frame).columns]
    for line, cells in enumerate(frame.itertuples(index=False, name=None), start=1):
        yield line, dict(zip(names, cells, strict=True))
