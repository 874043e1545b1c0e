"""Reads rows of text from CSV in UTF-8, or from the first sheet of an XLSX."""

from __future__ import annotations

import csv
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree as ET

MAX_BYTES = 50 * 1024 * 1024
"""Bytes of an unpacked XLSX, as a small archive may unpack to a huge one."""

_MAX_ROWS = 1_048_576
_MAX_COLUMNS = 16_384
"""The limits of the format itself: a cell beyond them would make the sandbox write millions of empty ones."""
_ZIP = b"PK\x03\x04"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_DOCUMENT = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_COLUMN = re.compile(r"[A-Z]+")


class UnreadableError(Exception):
    """The file is neither CSV nor XLSX, or holds too much."""


def is_sheet(content: bytes) -> bool:
    """Whether a file may be an XLSX, and so is no CSV."""
    return content.startswith(_ZIP)


def read_rows(content: bytes) -> list[list[str]]:
    """All rows, empty ones included, so that their numbers are those of the file.

    Raises:
        UnreadableError: the file is neither CSV nor XLSX, or holds too much.
    """
    if is_sheet(content):
        try:
            return _read_xlsx(content)
        except (zipfile.BadZipFile, KeyError, ValueError, IndexError, NotImplementedError, ET.ParseError):
            raise UnreadableError("is no XLSX that can be read") from None
    try:
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableError("is neither CSV in UTF-8 nor XLSX") from None


def _read_xlsx(content: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise UnreadableError("holds more than 50 MB")
        shared: list[str] = []
        if "xl/sharedStrings.xml" in archive.namelist():
            shared = [_text(item) for item in _parse(archive, "xl/sharedStrings.xml").iter(_MAIN + "si")]
        sheet = _parse(archive, _first_sheet(archive))
    rows: list[list[str]] = []
    for row in sheet.iter(_MAIN + "row"):
        # An XLSX may leave out empty rows and cells.
        number = int(row.get("r", len(rows) + 1))
        if number > _MAX_ROWS:
            raise UnreadableError("has more rows than a sheet can have")
        rows += [[] for _ in range(len(rows) + 1, number)]
        cells: list[str] = []
        for column, text in _cells(row, shared):
            cells += [""] * (column - len(cells))
            cells.append(text)
        rows.append(cells)
    return rows


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the sheet that the workbook names first; not every program calls it sheet1.xml."""
    if not {_WORKBOOK, _RELATIONS} <= set(archive.namelist()):
        return "xl/worksheets/sheet1.xml"
    first = next(_parse(archive, _WORKBOOK).iter(_MAIN + "sheet"), None)
    if first is None:
        raise UnreadableError("has no sheet")
    targets = {
        relation.get("Id"): relation.get("Target", "")
        for relation in _parse(archive, _RELATIONS).iter(_PACKAGE + "Relationship")
    }
    # A target is relative to the folder of the workbook, unless it begins with a slash.
    return posixpath.normpath(posixpath.join("/xl", targets[first.get(_DOCUMENT + "id")])).lstrip("/")


def _cells(row: ET.Element, shared: list[str]) -> Iterator[tuple[int, str]]:
    for place, cell in enumerate(row.iter(_MAIN + "c")):
        letters = _COLUMN.match(cell.get("r", ""))
        text = cell.findtext(_MAIN + "v", "")
        if cell.get("t") == "s":
            text = shared[int(text)]
        elif cell.get("t") == "inlineStr":
            text = _text(cell)
        yield place if letters is None else _index(letters[0]), text


def _index(letters: str) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    if index > _MAX_COLUMNS:
        raise UnreadableError("has more columns than a sheet can have")
    return index - 1


def _text(item: ET.Element) -> str:
    return "".join(part.text or "" for part in item.iter(_MAIN + "t"))


def _parse(archive: zipfile.ZipFile, name: str) -> ET.Element:
    content = archive.read(name)
    if b"<!DOCTYPE" in content:
        # No sheet has a document type, and its entities could expand without end.
        raise UnreadableError("is no XLSX that can be read")
    return ET.fromstring(content)  # noqa: S314  # declares no entities, see above
