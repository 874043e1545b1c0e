"""Where a page stands in its list, one class for each style of paging. Pure: what to ask for, and what comes next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, Protocol

from attrs import evolve, frozen

if TYPE_CHECKING:
    from trudy.models import Pagination

PAGE_SIZE: Final = 100
"""Rows in a page, the most the API gives: smaller pages would cost more of the 100 requests a minute."""


class Cursor(Protocol):
    """Where a page stands in its list. Pure; one class for each style of paging."""

    @property
    def position(self) -> int:
        """How many rows of the list stand before this page."""
        ...

    @property
    def is_start(self) -> bool:
        """Whether the caller's slice begins here."""
        ...

    def query(self) -> Mapping[str, int]:
        """The parameters that ask for this page."""
        ...

    def window(self, count: int, pagination: Pagination) -> slice:
        """Which rows of the answer belong to this page: a style that counts in pages may have to ask for more.

        Raises `ValueError` where the answer does not tell which rows of the list it has.
        """
        ...

    def after(self, count: int, pagination: Pagination) -> Cursor | None:
        """The place of the next page, given how many rows the answer had; None when this was the last."""
        ...

    def within(self, count: int, pagination: Pagination) -> Cursor | None:
        """Likewise, but None too at the end of the slice that the caller asked for."""
        ...

    def back_to(self, position: int, pagination: Pagination) -> Cursor | None:
        """A place before this one, not before the start; None where this is the start."""
        ...

    def having_given(self, given: int) -> Cursor | None:
        """This place, after `given` rows of the caller's slice have come; None when the slice is complete."""
        ...

    def overlapping(self) -> Cursor:
        """This place and one row before it, where the style can ask for that."""
        ...

    def again(self) -> Cursor | None:
        """This place, where only reading it once more shows what has moved to it; None where the next page overlaps."""
        ...


@frozen(kw_only=True)
class _Place(ABC):
    """The rows from `offset` on, asked for `limit` at a time. A server may give more or fewer; all are kept."""

    limit: int
    offset: int = 0
    left: int | None = None
    """Rows of the caller's slice still to come; None where everything was asked for."""
    floor: int = 0
    """Where the caller's slice begins."""

    @property
    def position(self) -> int:
        return self.offset

    @property
    def is_start(self) -> bool:
        return self.offset <= self.floor

    def having_given(self, given: int) -> Offset | Numbered | None:
        if self.left is None:
            return self._self()
        return evolve(self._self(), left=self.left - given) if given < self.left else None

    def overlapping(self) -> Offset | Numbered:
        return self._self()

    def again(self) -> Numbered | None:
        return None

    @abstractmethod
    def back_to(self, position: int, pagination: Pagination) -> Offset | Numbered | None: ...

    @abstractmethod
    def _self(self) -> Offset | Numbered: ...

    def window(self, count: int, pagination: Pagination) -> slice:
        start = self.offset - self._first(count, pagination)
        return slice(start, None if self.left is None else start + self.left) if start >= 0 else slice(0)

    @abstractmethod
    def after(self, count: int, pagination: Pagination) -> Offset | Numbered | None: ...

    def within(self, count: int, pagination: Pagination) -> Offset | Numbered | None:
        following = self.after(count, pagination)
        if following is None or self.left is None:
            return following
        left = self.left - (following.offset - self.offset)
        return evolve(following, left=left, limit=min(following.limit, left)) if left > 0 else None

    @abstractmethod
    def _first(self, count: int, pagination: Pagination) -> int:
        """The position of the answer's first row; raises as `window` does."""

    def _reached(self, first: int, count: int) -> int:
        """The position after the last row taken of an answer."""
        if not first <= self.offset <= first + count:
            return self.offset
        return first + count if self.left is None else min(first + count, self.offset + self.left)


@frozen(kw_only=True)
class Offset(_Place):
    """Paging by `limit` and `offset`."""

    overlaps: bool = False
    """Whether the page begins one row before the first unread one."""

    @classmethod
    def start(cls, limit: int | None, offset: int | None, page_size: int) -> Offset:
        """The first page of everything, or of the slice `[offset : offset + limit]`."""
        begin = offset or 0
        return cls(limit=page_size if limit is None else limit, offset=begin, left=limit, floor=begin)

    def query(self) -> Mapping[str, int]:
        return {"limit": self.limit, "offset": self.offset}

    def after(self, count: int, pagination: Pagination) -> Offset | None:
        first = self._first(count, pagination)
        end = first + count
        reached = self._reached(first, count)
        whole = is_whole(count, self.limit, pagination)
        # A server whose pages are larger than asked for counts `pages` by its own size.
        page = self.offset // max(count, self.limit) + 1
        more = reached < end or (not whole and has_more(count, end, _least(self.limit, pagination), pagination, page))
        return evolve(self, offset=reached) if count and more else None

    def back_to(self, position: int, pagination: Pagination) -> Offset | None:
        return evolve(self, offset=max(self.floor, position)) if self.offset > self.floor else None

    def overlapping(self) -> Offset:
        if self.left is not None:
            return self
        # Room for a new row beside the one that was read already.
        limit = max(self.limit, 2)
        return evolve(self, offset=self.offset - 1, limit=limit, overlaps=True)

    def _self(self) -> Offset:
        return self

    def _first(self, count: int, pagination: Pagination) -> int:
        return 0 if is_whole(count, self.limit, pagination) else self.offset


@frozen(kw_only=True)
class Numbered(_Place):
    """Paging by page numbers: `page` and `limit`, or in a search `page` and `page_size`.

    Pages begin at multiples of their size, a caller's slice begins anywhere. So the page that holds the row at `offset`
    is asked for, and its rows outside the slice are left out.
    """

    told: int | None = None
    """Rows in one of the server's pages; None until an answer has shown it."""
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
        asked = page_size if limit is None else limit
        begin = offset or 0
        return cls(limit=asked, offset=begin, left=limit, floor=begin, most=most, size_name=size_name)

    def query(self) -> Mapping[str, int]:
        size = self._asked()
        return {"page": self.offset // size + 1, self.size_name: size}

    def after(self, count: int, pagination: Pagination) -> Numbered | Offset | None:
        first = self._first(count, pagination)
        end = first + count
        reached = self._reached(first, count)
        if _is_by_offset(pagination):
            more = first > self.offset or (count and (reached < end or self._has_more(count, end, pagination)))
            return Offset(limit=self.limit, offset=reached, floor=self.floor) if more else None
        if is_whole(count, self._asked(), pagination):
            return evolve(self, offset=reached) if reached < end else None
        size = self._size(count, pagination)
        if not first <= self.offset < first + max(count, size):
            # The server's pages are of another size than was asked for, so this page number meant other rows.
            return evolve(self, told=size) if size != self._asked() else None
        if reached >= end:
            if not count or not self._has_more(count, end, pagination):
                return None
            reached = first + size
        return evolve(self, offset=reached, told=size)

    def back_to(self, position: int, pagination: Pagination) -> Offset | Numbered | None:
        if self.offset <= self.floor:
            return None
        place = max(self.floor, position)
        if _is_by_offset(pagination):
            return Offset(limit=self.limit, offset=place, left=self.left, floor=self.floor)
        return evolve(self, offset=place, told=self._asked())

    def again(self) -> Numbered | None:
        # Nobody deletes what a search finds.
        return self if self.left is None and self.size_name == "limit" else None

    def _self(self) -> Numbered:
        return self

    def _asked(self) -> int:
        return self.told or covering(self.offset, self.limit, self.most)

    def _page(self, pagination: Pagination) -> int:
        return self.offset // self._asked() + 1 if pagination.page is None else pagination.page

    def _first(self, count: int, pagination: Pagination) -> int:
        if is_whole(count, self._asked(), pagination):
            return 0
        if _is_by_offset(pagination):
            return pagination.offset or 0
        size = self._size(count, pagination)
        page = self._page(pagination)
        number = self.offset // self._asked() + 1
        if count and page != number and self._has_more(count, page * size, pagination):
            raise ValueError(f"it is page {page} of the list, and page {number} was asked for")
        return (page - 1) * size

    def _size(self, count: int, pagination: Pagination) -> int:
        """How many rows the server's pages have; raises as `window` does."""
        asked = self._asked()
        given = _given_size(pagination)
        before = (self._page(pagination) - 1) * asked
        # Some servers put the number of rows they give into `limit`; on the last page that is not the page size.
        is_count = given == count and not self._has_more(count, before + count, pagination)
        if self.told is not None:
            if count and given not in (None, asked) and not (is_count and count < asked):
                raise ValueError(f"its pages have {given} rows, and had {asked} before")
            return asked
        if given is not None and (given == asked or not is_count):
            return given
        if before <= 0:
            own = count > asked or self._has_more(count, count, pagination)
            return given or (count if count and own else asked)
        sizes = [size for size in {given or asked, asked} if self._fits(size, count, pagination)]
        if len(sizes) != 1:
            raise ValueError("it does not tell which rows of the list these are")
        return sizes[0]

    def _fits(self, size: int, count: int, pagination: Pagination) -> bool:
        """Whether pages of this size could have given so many rows."""
        before = (self._page(pagination) - 1) * size
        if pagination.total is not None and pagination.total >= count:
            return count == min(size, max(pagination.total - before, 0))
        return count == size or (count < size and not (count and self._has_more(count, before + count, pagination)))

    def _has_more(self, count: int, end: int, pagination: Pagination) -> bool:
        page = None if _is_by_offset(pagination) else self._page(pagination)
        full = self.told or _least(self._asked(), pagination)
        return has_more(count, end, full, pagination, page)


def covering(position: int, wanted: int, most: int) -> int:
    """The smallest page size, at most `most`, at which one page holds all `wanted` rows from `position` on.

    Where there is none, the size at which one page holds the most of them.
    """
    sizes = range(min(wanted, most), most + 1)
    for size in sizes:
        if position // size == (position + wanted - 1) // size:
            return size
    return max(sizes, key=lambda size: size - position % size)


def has_more(count: int, end: int, full: int, pagination: Pagination, page: int | None = None) -> bool:
    """Whether rows follow the `count` rows of an answer, which end at the position `end`.

    The answer's `has_more`, `pages` or `total` decides, unless its rows contradict it; without any of them, rows follow
    if this page has as many as a `full` one.
    """
    if pagination.has_more is not None:
        return pagination.has_more
    if page is not None and pagination.pages is not None and page <= pagination.pages:
        return page < pagination.pages
    if pagination.total is not None and end <= pagination.total:
        return end < pagination.total
    return count >= full


def says_nothing(pagination: Pagination) -> bool:
    """Whether an answer has none of `has_more`, `total` and `pages`, which tell where the list ends."""
    return pagination.has_more is None and pagination.total is None and pagination.pages is None


def is_whole(count: int, asked: int, pagination: Pagination) -> bool:
    """Whether these rows are the whole list: a server that gives more than it was asked for, and none of `has_more`,
    `total` and `pages`, does not page."""
    return count > (_given_size(pagination) or asked) and says_nothing(pagination)


def _is_by_offset(pagination: Pagination) -> bool:
    return pagination.offset is not None and pagination.page is None and pagination.pages is None


def _least(asked: int, pagination: Pagination) -> int:
    """The rows of a full page, at the least: a server's pages may be smaller than asked for."""
    return min(_given_size(pagination) or asked, asked)


def _given_size(pagination: Pagination) -> int | None:
    return pagination.limit if pagination.limit and pagination.limit > 0 else None


@frozen(kw_only=True)
class Whole:
    """A list that comes in one answer. If the server says `has_more` all the same, the rest is read by offset."""

    @property
    def position(self) -> int:
        return 0

    @property
    def is_start(self) -> bool:
        return True

    def query(self) -> Mapping[str, int]:
        return {}

    def window(self, count: int, pagination: Pagination) -> slice:
        return slice(0, count)

    def after(self, count: int, pagination: Pagination) -> Offset | None:
        return Offset(limit=count, offset=count) if count and pagination.has_more else None

    def within(self, count: int, pagination: Pagination) -> Offset | None:
        return self.after(count, pagination)

    def back_to(self, position: int, pagination: Pagination) -> None:
        return None

    def having_given(self, given: int) -> Whole:
        return self

    def overlapping(self) -> Whole:
        return self

    def again(self) -> None:
        return None
