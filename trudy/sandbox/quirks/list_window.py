"""Quirks of lists: rows that shift while pages are read, and bad rows. Which rows to look up, and which to show."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode

from attrs import frozen

_LISTS = re.compile(
    r"/(?:agents|calls|batch-calls|tools|knowledge-bases|telephony/numbers)|/batch-calls/[^/]+/contacts"
)
_EVERY = 4
"""One row in so many is bad: the first, the fifth and so on."""


@frozen
class ListWindow:
    """A slice that a client asks for, and the real rows that it is made from.

    Attributes:
        limit, offset: the client's.
        begin: the offset of the slice in the rows as they have shifted.
    """

    limit: int
    offset: int
    begin: int
    has_bad_rows: bool
    query: bytes

    @property
    def looked_up(self) -> bytes:
        """The query for the real rows, with one row more to know whether the list goes on."""
        limit, offset = self.limit, self.begin
        if self.has_bad_rows:
            limit, offset = self._good + 1, _good_before(self.begin)
        pairs = parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)
        kept = [(name, value) for name, value in pairs if name not in ("limit", "offset")]
        return urlencode([*kept, ("limit", limit), ("offset", offset)]).encode()

    def shown(self, document: dict[str, Any]) -> None:
        """Change the answer to that query into the answer to the client's query."""
        rows: list[Any] = document["data"]
        there: int = document["pagination"]["total"]
        if self.has_bad_rows:
            document["data"] = self._with_bad(rows)
            there += -(-there // (_EVERY - 1))
        total = there + self.offset - self.begin
        has_more = self.offset + self.limit < total
        document["pagination"] = {"total": total, "limit": self.limit, "offset": self.offset, "has_more": has_more}

    @property
    def _good(self) -> int:
        return _good_before(self.begin + self.limit) - _good_before(self.begin)

    def _with_bad(self, rows: list[Any]) -> list[Any]:
        found: list[Any] = []
        used = 0
        for place in range(self.begin, self.begin + self.limit):
            if used == len(rows):
                break
            if place % _EVERY == 0:
                found.append({"name": "half a row", "status": 7})
            else:
                found.append(rows[used])
                used += 1
        return found


def window_of(names: frozenset[str], method: str, path: str, query: bytes) -> ListWindow | None:
    """The changed window of a request for a list; None if no quirk changes it."""
    if method != "GET" or not names & {"bad_rows", "shifting_rows"} or not _LISTS.fullmatch(path):
        return None
    asked = dict(parse_qsl(query.decode("latin-1")))
    limit, offset = asked.get("limit", "50"), asked.get("offset", "0")
    if not (limit.isdecimal() and offset.isdecimal() and 1 <= int(limit) <= 100 and len(offset) < 9):
        return None
    begin = max(0, int(offset) - 1) if "shifting_rows" in names else int(offset)
    return ListWindow(int(limit), int(offset), begin, "bad_rows" in names, query)


def _good_before(place: int) -> int:
    return place - -(-place // _EVERY)
