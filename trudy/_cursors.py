"""Where a page stands in its list, one class for each style of paging. Pure: what to ask for, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, Protocol

from attrs import evolve, frozen

if TYPE_CHECKING:
    from trudy.models import Pagination

PAGE_SIZE: Final = 100
"""The most rows the API gives at a time: requests are the scarce resource."""


class Cursor(Protocol):
    """Where a page stands in its list. Pure; one class for each style of paging."""

    def query(self) -> Mapping[str, int]:
        """The parameters that ask for this page."""
        ...

    def window(self, count: int, pagination: Pagination) -> slice:
        """Which rows of the answer belong to this page; not all where a style cannot ask for exactly these.

        Raises `ValueError` where the answer leaves open which rows they are.
        """
        ...

    def after(self, count: int, pagination: Pagination) -> Cursor | None:
        """The place of the next page, given how many rows the answer had; None when this was the last."""
        ...

    def within(self, count: int, pagination: Pagination) -> Cursor | None:
        """Likewise, but None too at the end of the slice that the caller asked for."""
        ...


@frozen(kw_only=True)
class Offset:
    """Paging by `limit` and `offset`. `left` counts the rows of the caller's slice still to come; None for all."""

    limit: int
    offset: int = 0
    left: int | None = None

    @classmethod
    def start(cls, limit: int | None, offset: int | None, page_size: int) -> Offset:
        """The first page of everything, or of the slice `[offset : offset + limit]`."""
        return cls(limit=page_size if limit is None else limit, offset=offset or 0, left=limit)

    def query(self) -> Mapping[str, int]:
        return {"limit": self.limit, "offset": self.offset}

    def window(self, count: int, pagination: Pagination) -> slice:
        if is_whole(count, self.limit, pagination):
            return slice(self.offset, None if self.left is None else self.offset + self.limit)
        return slice(self.limit)

    def after(self, count: int, pagination: Pagination) -> Offset | None:
        if is_whole(count, self.limit, pagination):
            reached = self.offset + self.limit
            return evolve(self, offset=reached) if self.left is not None and reached < count else None
        more = pagination.has_more if pagination.has_more is not None else count >= self.limit
        return evolve(self, offset=self.offset + count) if count and more else None

    def within(self, count: int, pagination: Pagination) -> Offset | None:
        following = self.after(count, pagination)
        if following is None or self.left is None:
            return following
        left = self.left - (following.offset - self.offset)
        return evolve(following, left=left, limit=min(self.limit, left)) if left > 0 else None


@frozen(kw_only=True)
class Numbered:
    """Paging by page numbers: `page` and `limit`, or in a search `page` and `page_size`.

    A page whose number can be asked for need not begin where the caller's slice does: the numbers are found for the
    rows from `position` on, and rows outside are left out.
    """

    position: int
    wanted: int
    """The most rows of this page."""
    left: int | None = None
    """Rows of the caller's slice still to come; None for all."""
    told: int | None = None
    """How many rows the server's pages have, where it gives no others."""
    most: int = PAGE_SIZE
    """The largest page to ask for."""
    size_name: Literal["limit", "page_size"] = "limit"

    @classmethod
    def start(
        cls,
        limit: int | None,
        offset: int | None,
        page_size: int,
        *,
        most: int = PAGE_SIZE,
        size_name: Literal["limit", "page_size"] = "limit",
    ) -> Numbered:
        """The first page of everything, or of the slice `[offset : offset + limit]`."""
        wanted = page_size if limit is None else limit
        return cls(position=offset or 0, wanted=wanted, left=limit, most=most, size_name=size_name)

    def query(self) -> Mapping[str, int]:
        size = self._size()
        return {"page": self.position // size + 1, self.size_name: size}

    def window(self, count: int, pagination: Pagination) -> slice:
        if is_whole(count, self._size(), pagination):
            return slice(self.position, None if self.left is None else self.position + self.wanted)
        start = self.position - self._first(count, pagination)
        return slice(start, start + self.wanted) if start >= 0 else slice(0)

    def after(self, count: int, pagination: Pagination) -> Numbered | Offset | None:
        if not count:
            return None
        if is_whole(count, self._size(), pagination):
            reached = self.position + self.wanted
            return evolve(self, position=reached) if self.left is not None and reached < count else None
        first = self._first(count, pagination)
        end = first + count
        size = _given_size(pagination) or self._size()
        told = self.told if size == self._size() else size
        by_offset = _is_by_offset(pagination)
        if not first <= self.position < end and not by_offset:
            # Its pages are of another size than was asked for, so that this number meant another page.
            return evolve(self, told=told) if told != self.told else None
        reached = max(self.position, min(end, self.position + self.wanted))
        if reached >= end:
            if not self._has_more(count, end, pagination):
                return None
            reached = max(reached, end if by_offset else first + max(count, size))
        if by_offset:
            return Offset(limit=self.wanted, offset=reached)
        return evolve(self, position=reached, told=told)

    def within(self, count: int, pagination: Pagination) -> Numbered | Offset | None:
        following = self.after(count, pagination)
        if following is None or self.left is None:
            return following
        if isinstance(following, Offset):
            left = self.left - (following.offset - self.position)
            return evolve(following, left=left, limit=min(following.limit, left)) if left > 0 else None
        left = self.left - (following.position - self.position)
        return evolve(following, left=left, wanted=min(following.wanted, left)) if left > 0 else None

    def _size(self) -> int:
        return self.told or covering(self.position, self.wanted, self.most)

    def _first(self, count: int, pagination: Pagination) -> int:
        """The position of the answer's first row, as far as the answer itself tells it; raises as `window` does."""
        if _is_by_offset(pagination):
            return pagination.offset or 0
        asked = self._size()
        size = _given_size(pagination) or asked
        number = self.position // asked + 1
        page = number if pagination.page is None else pagination.page
        if count and page != number and self._has_more(count, page * size, pagination):
            raise ValueError(f"it is page {page} of the list, and page {number} was asked for")
        if count and self.told not in (None, size):
            raise ValueError(f"its pages have {size} rows, and had {self.told} before")
        return (page - 1) * size

    def _has_more(self, count: int, end: int, pagination: Pagination) -> bool:
        """Facts that the rows themselves contradict are none."""
        if pagination.has_more is not None:
            return pagination.has_more
        if pagination.page is not None and pagination.pages is not None and pagination.page <= pagination.pages:
            return pagination.page < pagination.pages
        if pagination.total is not None and end <= pagination.total:
            return end < pagination.total
        return count >= (_given_size(pagination) or self._size())


def covering(position: int, wanted: int, most: int) -> int:
    """The size of pages, at most `most`, of which one holds the rows from `position` on: all `wanted`, else many."""
    sizes = range(min(wanted, most), most + 1)
    for size in sizes:
        if position // size == (position + wanted - 1) // size:
            return size
    return max(sizes, key=lambda size: size - position % size)


def says_nothing(pagination: Pagination) -> bool:
    """Whether an answer has no facts by which to tell where the list ends."""
    return pagination.has_more is None and pagination.total is None and pagination.pages is None


def is_whole(count: int, asked: int, pagination: Pagination) -> bool:
    """A server that gives more than it was asked for, and no facts, does not page: this is the whole list."""
    return count > (_given_size(pagination) or asked) and says_nothing(pagination)


def _is_by_offset(pagination: Pagination) -> bool:
    return pagination.offset is not None and pagination.page is None


def _given_size(pagination: Pagination) -> int | None:
    return pagination.limit if pagination.limit and pagination.limit > 0 else None


@frozen(kw_only=True)
class Whole:
    """A list that comes at once. Where a server has come to page it, as it then says, it goes on by offset."""

    def query(self) -> Mapping[str, int]:
        return {}

    def window(self, count: int, pagination: Pagination) -> slice:
        return slice(0, count)

    def after(self, count: int, pagination: Pagination) -> Offset | None:
        return Offset(limit=count, offset=count) if count and pagination.has_more else None

    def within(self, count: int, pagination: Pagination) -> Offset | None:
        return self.after(count, pagination)
