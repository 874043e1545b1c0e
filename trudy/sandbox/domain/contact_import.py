"""A file of contacts taken in row by row: what each row becomes, and which are refused."""

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
        number: in the file, where the header is row 1.
        is_of_sheet: its cells may have been numbers, which have no plus.
    """

    number: int
    members: Row = field(repr=False)
    is_of_sheet: bool = False


Taken: TypeAlias = Literal["imported", "updated", "skipped"]


@define
class Tally:
    """What became of all rows."""

    imported: int = 0
    updated: int = 0
    skipped: int = 0
    details: list[Row] = field(factory=list[Row])

    def result(self, folder_id: str) -> Row:
        """The documented answer, with the older names of its counts."""
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
        mapping: from a header of the file to a member of a contact; headers that are not in it fill `rest`. Without it
            headers are taken by name, and `name` is a first name and the rest.
        rest: the member that takes what has no member of its own.

    Raises:
        UnreadableError: the file cannot be read, or has no column for the number.
    """
    rows = read_rows(content)
    headers = [header.strip() for header in rows[0]] if rows else []
    names = [_member(header, mapping) for header in headers]
    if "phone_number" not in names and mapping is not None:
        # A mapping that says nothing of the number leaves it under its own name.
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
    """Put each entry that `check` has nothing against."""
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
