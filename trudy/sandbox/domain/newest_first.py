"""Rows in the order of their creation. Listing a page, newest first, costs no more if there are many rows."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestFirst(Generic[T]):
    """Rows by id. Not thread-safe by itself.

    Args:
        group: gives the group of a row, such as the folder of a contact: a group is listed as fast as all rows. May
            return None for a row of no group.
    """

    def __init__(self, group: Callable[[T], str | None] | None = None) -> None:
        self._group = group
        self._rows: dict[str, tuple[int, T]] = {}
        self._ids: dict[int, str] = {}
        self._order: list[int] = []
        self._groups: defaultdict[str, list[int]] = defaultdict(list)
        self._next = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        """All rows, newest first."""
        return self.of()

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._rows

    def of(self, group: str | None = None) -> Iterator[T]:
        """The rows of a group, newest first; None for all rows."""
        return (self._rows[self._ids[sequence]][1] for sequence in reversed(self._in(group)))

    def count(self, group: str) -> int:
        """How many rows a group has."""
        return len(self._in(group))

    def get(self, row_id: str) -> T | None:
        """The row with that id, or None."""
        found = self._rows.get(row_id)
        return None if found is None else found[1]

    def put(self, row_id: str, row: T) -> None:
        """Add a row as the newest, or replace the one with that id, which keeps its place."""
        found = self._rows.get(row_id)
        if found is None:
            sequence = self._next
            self._next += 1
            self._order.append(sequence)
            self._ids[sequence] = row_id
        else:
            sequence, old = found
            self._leave_group(sequence, old)
        self._rows[row_id] = (sequence, row)
        if self._group is not None and (group := self._group(row)) is not None:
            insort(self._groups[group], sequence)

    def remove(self, row_id: str) -> bool:
        """Remove a row; False if there is none."""
        found = self._rows.pop(row_id, None)
        if found is None:
            return False
        sequence, row = found
        del self._ids[sequence]
        del self._order[bisect_left(self._order, sequence)]
        self._leave_group(sequence, row)
        return True

    def page(
        self, limit: int, offset: int, keep: Callable[[T], bool] | None = None, *, group: str | None = None
    ) -> tuple[list[T], int]:
        """A page of a group's rows for which `keep` is true, newest first, and how many there are in all."""
        if keep is not None:
            kept = [row for row in self.of(group) if keep(row)]
            return kept[offset : offset + limit], len(kept)
        order = self._in(group)
        end = max(len(order) - offset, 0)
        newest_first = reversed(order[max(end - limit, 0) : end])
        return [self._rows[self._ids[sequence]][1] for sequence in newest_first], len(order)

    def _in(self, group: str | None) -> list[int]:
        return self._order if group is None else self._groups.get(group, [])

    def _leave_group(self, sequence: int, row: T) -> None:
        if self._group is not None and (group := self._group(row)) is not None:
            members = self._groups[group]
            del members[bisect_left(members, sequence)]
            if not members:
                del self._groups[group]
