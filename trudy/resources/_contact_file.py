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

    `mapped` are the headings of number columns by the caller's mapping, as the file spells them; without a mapping they
    are found by name. `base_url` is where the file goes: to Truedy's own host no number that only a sandbox answers.
    """
    content_type, ending = (XLSX, ".xlsx") if upload.data.startswith(_ZIP) else (CSV, ".csv")
    # Raised here, where no variable holds a number: tracebacks may show local variables.
    complaint = _xlsx_complaint(upload) if content_type == XLSX else _csv_complaint(upload, mapped, base_url)
    if complaint is not None:
        raise InvalidArgumentError(f"file {complaint}", argument="file")
    return _named(upload, ending), content_type


def column_name(text: str) -> str:
    """A column's heading in the form in which headings are compared."""
    return text.strip().casefold().replace(" ", "_")


def _xlsx_complaint(upload: Upload) -> str | None:
    try:
        names = set(zipfile.ZipFile(io.BytesIO(upload.data)).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "is a broken .xlsx file, or another archive"
    return None if {"[Content_Types].xml", "xl/workbook.xml"} <= names else "is an archive, but no Excel workbook"


def _csv_complaint(upload: Upload, mapped: Collection[str], base_url: str) -> str | None:
    if upload.data.startswith(_OLD_EXCEL):
        return "is an old Excel file (.xls); save it as .xlsx or CSV"
    if upload.data.startswith(_UTF16) or b"\0" in upload.data:
        return "is neither CSV in UTF-8 nor XLSX"
    try:
        text = upload.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "is not in UTF-8; save it as CSV in UTF-8"
    rows = csv.reader(io.StringIO(text, newline=""))
    rings = _checks.is_truedys_own(base_url)
    has_row = False
    try:
        heading = next(rows, list[str]())
        numbers = _number_columns(heading, mapped)
        if not numbers:
            return _no_column(heading, mapped)
        for row in rows:
            has_row = has_row or any(cell.strip() for cell in row)
            if has_row and not rings:
                break
            if any(fictional_ending(_NO_DIGIT.sub("", row[i])) is not None for i in numbers if i < len(row)):
                return f"has in line {rows.line_num} a number kept for fiction, which only a sandbox answers"
    except csv.Error as error:
        # After the first contact the server may judge a cell that is too long for Python's reader.
        if not has_row:
            return f"cannot be read at line {rows.line_num}: {error}; is a quote left open?"
    return None if has_row else "has headings, but no contact"


def _number_columns(heading: Sequence[str], mapped: Collection[str]) -> Sequence[int]:
    """Where the numbers stand."""
    wanted = mapped or PHONE_COLUMNS
    return [i for i, cell in enumerate(heading) if (cell.strip() if mapped else column_name(cell)) in wanted]


def _no_column(heading: Sequence[str], mapped: Collection[str]) -> str:
    other = next((separator for separator in ";\t" if separator in "".join(heading)), None)
    hint = f"; its columns must be separated by commas, not {other!r}" if other else ""
    return f"has no column {' or '.join(sorted(mapped or PHONE_COLUMNS))} in its first line{hint}"


def _named(upload: Upload, ending: str) -> Upload:
    name = upload.filename or "contacts"
    return upload if name.lower().endswith(ending) else evolve(upload, filename=name + ending)
