"""Rows in order of arrival, listed newest first in time that grows with the page, not with the shelf."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Generic, TypeVar

T = TypeVar("T")

_sequence_of = itemgetter(0)


class Shelf(Generic[T]):
    """Rows by id. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, T]] = {}
        self._order: list[tuple[int, str]] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[T]:
        """All rows, newest first."""
        return (self._rows[row_id][1] for _, row_id in reversed(self._order))

    def get(self, row_id: str) -> T | None:
        """The row with that id, or None."""
        found = self._rows.get(row_id)
        return None if found is None else found[1]

    def put(self, row_id: str, row: T) -> None:
        """Add a row as the newest, or replace the one with that id in its place."""
        found = self._rows.get(row_id)
        if found is not None:
            self._rows[row_id] = (found[0], row)
            return
        self._rows[row_id] = (self._next, row)
        self._order.append((self._next, row_id))
        self._next += 1

    def remove(self, row_id: str) -> bool:
        """Take a row away; False when there was none."""
        found = self._rows.pop(row_id, None)
        if found is None:
            return False
        del self._order[bisect_left(self._order, found[0], key=_sequence_of)]
        return True

    def page(self, limit: int, offset: int, keep: Callable[[T], bool] | None = None) -> tuple[list[T], int]:
        """One page of the rows that `keep` keeps, newest first, and how many it keeps in all."""
        if keep is not None:
            kept = [row for row in self if keep(row)]
            return kept[offset : offset + limit], len(kept)
        end = max(len(self._order) - offset, 0)
        newest_first = reversed(self._order[max(end - limit, 0) : end])
        return [self._rows[row_id][1] for _, row_id in newest_first], len(self._order)
