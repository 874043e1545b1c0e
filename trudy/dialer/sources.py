"""Contacts from wherever they are kept, a row at a time: CSV, XLSX, JSON lines, frames, any iterable of mappings.

Each row comes with its line, counted as the file's own program does: the header of a CSV or a sheet is line 1.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, cast, runtime_checkable

from trudy.errors import InvalidArgumentError

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
"""Bytes by which the dialect of a CSV is guessed."""
_DELIMITERS: Final = ",;\t|"


async def read_rows(source: Source) -> AsyncIterator[tuple[int, Row]]:
    """Every row of a source, with its line.

    Raises:
        InvalidArgumentError: it is nothing that can be read as rows. An `OSError` comes as it is.
    """
    if isinstance(source, AsyncIterable):
        line = 0
        async for row in source:
            line += 1
            yield line, _mapping(row, line)
        return
    for line, row in _blocking(source):
        yield line, row


def _blocking(source: object) -> Iterator[tuple[int, Row]]:
    if isinstance(source, str | os.PathLike):
        path = Path(cast("str | os.PathLike[str]", source))
        match path.suffix.lower():
            case ".xlsx" | ".xls" | ".xlsm" | ".xlsb" | ".ods":
                return _sheet(path)
            case ".jsonl" | ".ndjson":
                return _json_lines(path)
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
    return {str(name): value for name, value in cast("Mapping[object, object]", row).items()}


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    encoding = _encoding_of(path)
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_SAMPLE)
        file.seek(0)
        reader = csv.reader(file, delimiter=_delimiter_of(sample), strict=False)
        try:
            names = [name.strip() for name in next(reader, list[str]())]
            _check_names(names)
            last = reader.line_num
            for cells in reader:
                line, last = last + 1, reader.line_num
                if any(cell.strip() for cell in cells):
                    yield line, _named(names, cells)
        except (csv.Error, UnicodeDecodeError) as fault:
            raise InvalidArgumentError(
                f"source: {path.name} cannot be read as CSV near line {reader.line_num + 1} ({type(fault).__name__})",
                argument="source",
            ) from None


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if start[1:2] == b"\0" or start[:1] == b"\0":
        return "utf-16-le" if start[1:2] == b"\0" else "utf-16-be"
    try:
        start.decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as fault:
        if fault.end < len(start) - 4:  # else a character is cut off by the end of the sample
            return "cp1252"
    return "utf-8-sig"


def _delimiter_of(sample: str) -> str:
    """The delimiter that most lines agree on. The sniffer of `csv` prefers letters in some files."""
    lines = [line for line in sample.splitlines()[:50] if line.strip()]
    if not lines:
        return ","
    counted = {mark: [line.count(mark) for line in lines] for mark in _DELIMITERS}
    return max(_DELIMITERS, key=lambda mark: (counted[mark][0] > 0, min(counted[mark]), counted[mark][0]))


def _check_names(names: list[str]) -> None:
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise InvalidArgumentError(f"source has the column {min(twice)!r} twice", argument="source")


def _named(names: list[str], cells: list[str]) -> Row:
    row: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=False) if name}
    surplus = [cell for cell in cells[len(names) :] if cell.strip()]
    if surplus:
        row["(surplus cells)"] = " ".join(surplus)
    return row


def _sheet(path: Path) -> Iterator[tuple[int, Row]]:
    import python_calamine

    workbook = python_calamine.CalamineWorkbook.from_path(str(path))  # pyright: ignore[reportUnknownMemberType]
    rows: Iterator[Sequence[object]] = iter(workbook.get_sheet_by_index(0).iter_rows())
    names = [str(cell).strip() for cell in next(rows, list[object]())]
    _check_names(names)
    for line, cells in enumerate(rows, start=2):
        row: dict[str, object] = {name: cell for name, cell in zip(names, cells, strict=False) if name}
        if any(cell not in ("", None) for cell in row.values()):
            yield line, row


def _json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
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
