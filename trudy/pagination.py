"""Pages of a list, and iteration over everything on them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from attrs import field, frozen

from trudy._cursors import PAGE_SIZE, Cursor, says_nothing
from trudy.errors import ResponseDecodeError

if TYPE_CHECKING:
    from trudy.models import Pagination, ResponseMeta

__all__ = ["PAGE_SIZE", "AsyncPage", "AsyncPager", "FetchedRows", "InvalidRow", "Page"]

T = TypeVar("T")
R = TypeVar("R")
logger = logging.getLogger("trudy")

_REMEMBERED = 1_000
_MOST_COPIES = 3
"""Pages like the one before, in a row: new rows may push all of a small page to the next, but not again and again."""


@frozen(kw_only=True)
class InvalidRow:
    """A row that could not be read: its place on the page, why, and the row itself."""

    index: int
    reason: str
    raw: object = field(repr=False)


@frozen(kw_only=True)
class FetchedRows(Generic[T]):
    """One answer of a list endpoint: what could be read, what not, and how many rows it really had."""

    items: Sequence[tuple[str | None, T]]
    """Each with the id of its row; a row without one is never taken for another."""
    invalid: Sequence[InvalidRow]
    count: int
    pagination: Pagination
    meta: ResponseMeta


Fetch = Callable[[Cursor], Awaitable[FetchedRows[T]]]


@frozen(kw_only=True)
class _Past:
    """What is kept of the pages so far: the latest ids, the last page, and how many in a row were like it."""

    seen: Mapping[str, None] = field(factory=dict[str, None])
    last: object = None
    copies: int = 0

    def and_then(self, rows: FetchedRows[T], fresh: Sequence[str]) -> _Past:
        """The past of the page after these rows, of which some ids were not seen before."""
        last = ([item if key is None else key for key, item in rows.items], rows.invalid)
        return _Past(
            seen=dict.fromkeys([*self.seen, *fresh][-_REMEMBERED:]),
            last=last,
            copies=self.copies + 1 if last == self.last else 0,
        )


class AsyncPage(Generic[T]):
    """One page of a list. Iterating goes on through the pages after it.

    Attributes:
        data: the rows of this page; rows already seen on the pages before it are left out.
        pagination: what the server says of the whole list, such as `total`.
        invalid: rows that could not be read.
        meta: request id, server time, attempts.
    """

    def __init__(self, fetch: Fetch[T], cursor: Cursor, rows: FetchedRows[T], past: _Past) -> None:
        self._fetch = fetch
        self._cursor = cursor
        self._count = rows.count
        fresh = [(key, item) for key, item in rows.items if key is None or key not in past.seen]
        self._past = past.and_then(rows, [key for key, _ in fresh if key is not None])
        # A server that does not page at all gives the same rows for ever, and tells nothing by which to stop.
        self._repeats = bool(rows.items) and not fresh and says_nothing(rows.pagination)
        self.data: Sequence[T] = [item for _, item in fresh]
        self.invalid: Sequence[InvalidRow] = rows.invalid
        self.pagination = rows.pagination
        self.meta = rows.meta

    @classmethod
    async def load(cls, fetch: Fetch[T], cursor: Cursor, past: _Past | None = None) -> AsyncPage[T]:
        """Fetch the page at a place of the list."""
        return cls(fetch, cursor, await fetch(cursor), past or _Past())

    def has_next(self) -> bool:
        """Whether the list goes on after this page, beyond the slice that was asked for too."""
        return self._following() is not None

    async def next_page(self) -> AsyncPage[T] | None:
        """The page after this one; None when this is the last. One request."""
        return await self._load(self._following())

    async def next_in_slice(self) -> AsyncPage[T] | None:
        """The page after this one as far as the caller's `limit` reaches; None at its end. One request."""
        return await self._load(None if self._repeats else self._cursor.within(self._count, self.pagination))

    def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        return _Pages(self._itself)

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(_Pages(self._itself))

    async def _itself(self) -> AsyncPage[T]:
        return self

    async def _load(self, following: Cursor | None) -> AsyncPage[T] | None:
        if following is None:
            return None
        if self._past.copies >= _MOST_COPIES:
            raise ResponseDecodeError(
                "the list promises more and gives the same page again and again", request_id=self.meta.request_id
            )
        return await self.load(self._fetch, following, self._past)

    def _following(self) -> Cursor | None:
        return None if self._repeats else self._cursor.after(self._count, self.pagination)

    def __repr__(self) -> str:
        return f"AsyncPage({len(self.data)} rows, {self.pagination!r})"


class AsyncPager(Generic[T]):
    """A list not yet fetched: `await` it for the first page, or iterate over all items with `async for`."""

    def __init__(self, fetch: Fetch[T], start: Cursor) -> None:
        self._fetch = fetch
        self._start = start

    def __await__(self) -> Generator[Any, Any, AsyncPage[T]]:
        return AsyncPage[T].load(self._fetch, self._start).__await__()

    def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """All pages, one request each."""
        return _Pages(self._first)

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(_Pages(self._first))

    async def _first(self) -> AsyncPage[T]:
        return await self


class _Pages(Generic[T]):
    """Iterates over pages. No asynchronous generator: left in the middle, that would have to be closed by its user.

    After an error it stands where it stood, and the same page can be asked for again.
    """

    def __init__(self, first: Callable[[], Awaitable[AsyncPage[T] | None]]) -> None:
        self._next = first

    def __aiter__(self) -> _Pages[T]:
        return self

    async def __anext__(self) -> AsyncPage[T]:
        page = await self._next()
        if page is None:
            raise StopAsyncIteration
        self._next = page.next_in_slice
        return page


class _Items(Generic[T]):
    """Iterates over the rows of pages."""

    def __init__(self, pages: _Pages[T]) -> None:
        self._pages = pages
        self._rows: Iterator[T] = iter(())

    def __aiter__(self) -> _Items[T]:
        return self

    async def __anext__(self) -> T:
        while True:
            for row in self._rows:
                return row
            self._rows = iter((await self._pages.__anext__()).data)


class Run(Protocol):
    """Runs an async function to its end: the sync client's bridge."""

    def __call__(self, function: Callable[..., Awaitable[R]], /, *args: object) -> R: ...


class Page(Generic[T]):
    """One page of a list. Iterating goes on through the pages after it, one request a page.

    Attributes:
        data: the rows of this page; rows already seen on the pages before it are left out.
        pagination: what the server says of the whole list, such as `total`.
        invalid: rows that could not be read.
        meta: request id, server time, attempts.
    """

    def __init__(self, page: AsyncPage[T], run: Run) -> None:
        self._page = page
        self._run = run
        self.data = page.data
        self.invalid = page.invalid
        self.pagination = page.pagination
        self.meta = page.meta

    def has_next(self) -> bool:
        """Whether the list goes on after this page, beyond the slice that was asked for too."""
        return self._page.has_next()

    def next_page(self) -> Page[T] | None:
        """The page after this one; None when this is the last. One request."""
        following = self._run(self._page.next_page)
        return None if following is None else Page(following, self._run)

    def pages(self) -> Iterator[Page[T]]:
        """This page and those after it."""
        page: AsyncPage[T] | None = self._page
        while page is not None:
            yield Page(page, self._run)
            page = self._run(page.next_in_slice)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data

    def __aiter__(self) -> AsyncIterator[T]:
        """For methods that take rows from anywhere: inside one of them there is a loop already."""
        return self._page.__aiter__()

    def __repr__(self) -> str:
        return f"Page({len(self.data)} rows, {self.pagination!r})"
