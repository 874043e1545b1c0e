"""Checks a file of contacts before it is sent: that it is CSV or XLSX, and has a column of phone numbers."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from attrs import evolve

from trudy import _checks
from trudy._fictional_numbers import fictional_ending
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.resources._uploads import Upload

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PHONE_COLUMNS: Final = ("phone", "phone_number")

_ZIP = b"PK\x03\x04"
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_NO_DIGIT = re.compile(r"[^+0-9]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def check_contact_file(upload: Upload, mapped: Collection[str] = (), *, base_url: str = "") -> tuple[Upload, str]:
    """The file under a name with its ending, and its content type.

    `mapped` are the headings that a mapping has for numbers, as the file writes them; without one they go by name.
    `base_url` is where it goes: Truedy's own host gets none of the numbers that only a sandbox answers.
    """
    if upload.data.startswith(_OLD_EXCEL):
        raise _bad("is an old Excel file (.xls); save it as .xlsx or CSV")
    if upload.data.startswith(_ZIP):
        _check_xlsx(upload.data)
        return _named(upload, ".xlsx"), XLSX
    _check_csv(upload.data, mapped, base_url)
    return _named(upload, ".csv"), CSV


def column_name(text: str) -> str:
    """A column's heading in the form in which headings are compared."""
    return text.strip().casefold().replace(" ", "_")


def _check_xlsx(data: bytes) -> None:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise _bad("is a broken .xlsx file, or another archive") from None
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise _bad("is an archive, but no Excel workbook")


def _check_csv(data: bytes, mapped: Collection[str], base_url: str) -> None:
    if data.startswith(_UTF16) or b"\0" in data:
        raise _bad("is neither CSV in UTF-8 nor XLSX")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad("is not in UTF-8; save it as CSV in UTF-8") from None
    rows = csv.reader(io.StringIO(text, newline=""))
    rings = _checks.is_truedys_own(base_url)
    has_row = False
    try:
        numbers = _number_columns(next(rows, list[str]()), mapped)
        for row in rows:
            has_row = has_row or any(cell.strip() for cell in row)
            if has_row and not rings:
                break
            if any(fictional_ending(_NO_DIGIT.sub("", row[i])) is not None for i in numbers if i < len(row)):
                raise _bad(f"has in line {rows.line_num} a number kept for fiction, which only a sandbox answers")
    except csv.Error as error:
        # Below the first contact, a cell too long for Python's reader is for the server to judge, whichever that is.
        if not has_row:
            raise _bad(f"cannot be read at line {rows.line_num}: {error}; is a quote left open?") from None
    if not has_row:
        raise _bad("has headings, but no contact")


def _number_columns(heading: Sequence[str], mapped: Collection[str]) -> Sequence[int]:
    """Where the numbers stand."""
    wanted = mapped or PHONE_COLUMNS
    found = [i for i, cell in enumerate(heading) if (cell.strip() if mapped else column_name(cell)) in wanted]
    if not found:
        other = next((separator for separator in ";\t" if separator in "".join(heading)), None)
        hint = f"; its columns must be separated by commas, not {other!r}" if other else ""
        raise _bad(f"has no column {' or '.join(sorted(wanted))} in its first line{hint}")
    return found


def _named(upload: Upload, ending: str) -> Upload:
    name = upload.filename or "contacts"
    return upload if name.lower().endswith(ending) else evolve(upload, filename=name + ending)


def _bad(what: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"file {what}", argument="file")
