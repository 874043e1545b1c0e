"""Reads contacts from a file, row by row, and counts which rows were taken and which refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias

from attrs import define, field, frozen

from trudy.resources._contact_file import PHONE_COLUMNS, column_name
from trudy.sandbox.domain.spreadsheet import UnreadableError, is_sheet, read_rows

Row = dict[str, Any]

FIELDS = (
    "phone_number",
    "first_name",
    "last_name",
    "email",
    "company_name",
    "industry",
    "location",
    "pin_code",
    "keywords",
)


@frozen
class Entry:
    """A row of a file.

    Attributes:
        number: the number of the row; the header is row 1.
        is_of_sheet: whether its cells may have held numbers, which lose the plus of a phone number.
    """

    number: int
    members: Row = field(repr=False)
    is_of_sheet: bool = False


Taken: TypeAlias = Literal["imported", "updated", "skipped"]


@define
class Tally:
    """How many rows were taken, and why others were refused."""

    imported: int = 0
    updated: int = 0
    skipped: int = 0
    details: list[Row] = field(factory=list[Row])

    def result(self, folder_id: str) -> Row:
        """The documented answer; it has the counts under their older names, too."""
        return {
            "imported": self.imported,
            "updated": self.updated,
            "skipped": self.skipped,
            "errors": len(self.details),
            "folder_id": folder_id,
            "error_details": self.details,
            "successful": self.imported + self.updated,
            "failed": len(self.details),
        }


def entries(content: bytes, *, mapping: Mapping[str, str] | None = None, rest: str = "custom_fields") -> list[Entry]:
    """The contacts in a CSV or XLSX file.

    Args:
        mapping: headers of the file, with the member of a contact that each fills; other headers fill `rest`. If left
            out, headers are known by their names, and `name` is split into first and last name.
        rest: the member for columns that have no member of their own.

    Raises:
        UnreadableError: the file cannot be read, or has no column for the phone number.
    """
    rows = read_rows(content)
    headers = [header.strip() for header in rows[0]] if rows else []
    names = [_member(header, mapping) for header in headers]
    if "phone_number" not in names and mapping is not None:
        # A mapping without the phone number leaves that column under its own name.
        named = [_member(header, None) for header in headers]
        names = [name or (own if own == "phone_number" else None) for name, own in zip(names, named, strict=True)]
    if "phone_number" not in names:
        raise UnreadableError("has no column phone")
    return [
        Entry(number, _members(headers, names, cells, rest), is_sheet(content))
        for number, cells in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in cells)
    ]


def take(found: Iterable[Entry], *, check: Callable[[Row], str | None], put: Callable[[Row], Taken]) -> Tally:
    """Put each entry for which `check` gives no reason to refuse it."""
    tally = Tally()
    for entry in found:
        reason = check(entry.members)
        if reason is not None:
            phone = entry.members.get("phone_number")
            if entry.is_of_sheet and phone and phone[0] != "+":
                reason += "; format its column as text, since a cell that holds a number has no plus"
            tally.details.append({"row": entry.number, "phone": phone, "reason": reason})
            continue
        taken = put(entry.members)
        tally.imported += taken == "imported"
        tally.updated += taken == "updated"
        tally.skipped += taken == "skipped"
    return tally


def _member(header: str, mapping: Mapping[str, str] | None) -> str | None:
    name = mapping.get(header) if mapping is not None else column_name(header)
    if name in PHONE_COLUMNS:
        name = "phone_number"
    return name if name in FIELDS or name == "name" else None


def _members(headers: list[str], names: list[str | None], cells: list[str], rest: str) -> Row:
    members: Row = {}
    others: Row = {}
    for header, name, cell in zip(headers, names, cells, strict=False):
        text = cell.strip()
        if not text:
            continue
        if name == "name":
            first, _, last = text.partition(" ")
            members |= {"first_name": first} | ({"last_name": last} if last else {})
        elif name is not None:
            members[name] = text
        elif header:
            others[header] = text
    if others:
        members[rest] = others
    return members
