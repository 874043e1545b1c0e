"""Pages of a list, and iteration over everything on them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from attrs import evolve, field, frozen

if TYPE_CHECKING:
    from trudy.models import Pagination, ResponseMeta

T = TypeVar("T")
R = TypeVar("R")
logger = logging.getLogger("trudy")

PAGE_SIZE: Final = 100
"""The most rows the API gives at a time: requests are the scarce resource."""
_REMEMBERED = 1_000


@frozen(kw_only=True)
class InvalidRow:
    """A row that could not be read: its place on the page, why, and the row itself."""

    index: int
    reason: str
    raw: object = field(repr=False)


@frozen(kw_only=True)
class Rows(Generic[T]):
    """One answer of a list endpoint: what could be read, what not, and how many rows it really had."""

    items: Sequence[tuple[str, T]]
    """Each with the id of its row."""
    invalid: Sequence[InvalidRow]
    count: int
    pagination: Pagination
    meta: ResponseMeta


class Cursor(Protocol):
    """Where a page stands in its list. Pure; one class for each style of paging."""

    def query(self) -> Mapping[str, int]:
        """The parameters that ask for this page."""
        ...

    def after(self, count: int, pagination: Pagination) -> Cursor | None:
        """The place of the next page, given how many rows this one had; None when this was the last."""
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

    def after(self, count: int, pagination: Pagination) -> Offset | None:
        more = pagination.has_more if pagination.has_more is not None else count >= self.limit
        return evolve(self, offset=self.offset + count) if count and more else None

    def within(self, count: int, pagination: Pagination) -> Offset | None:
        following = self.after(count, pagination)
        if following is None or self.left is None:
            return following
        left = self.left - count
        return evolve(following, left=left, limit=min(self.limit, left)) if left > 0 else None


Fetch = Callable[[Cursor], Awaitable[Rows[T]]]


class AsyncPage(Generic[T]):
    """One page of a list. Iterating goes on through the pages after it.

    Attributes:
        data: the rows of this page; rows already seen on the pages before it are left out.
        pagination: what the server says of the whole list, such as `total`.
        invalid: rows that could not be read.
        meta: request id, server time, attempts.
    """

    def __init__(self, fetch: Fetch[T], cursor: Cursor, rows: Rows[T], seen: Mapping[str, None]) -> None:
        self._fetch = fetch
        self._cursor = cursor
        self._count = rows.count
        fresh = [(key, item) for key, item in rows.items if key not in seen]
        self._seen = dict.fromkeys([*seen, *(key for key, _ in fresh)][-_REMEMBERED:])
        self.data: Sequence[T] = [item for _, item in fresh]
        self.invalid: Sequence[InvalidRow] = rows.invalid
        self.pagination = rows.pagination
        self.meta = rows.meta

    @classmethod
    async def load(cls, fetch: Fetch[T], cursor: Cursor, seen: Mapping[str, None] | None = None) -> AsyncPage[T]:
        """Fetch the page at a place of the list."""
        return cls(fetch, cursor, await fetch(cursor), seen or {})

    def has_next(self) -> bool:
        """Whether the list goes on after this page, beyond the slice that was asked for too."""
        return self._cursor.after(self._count, self.pagination) is not None

    async def next_page(self) -> AsyncPage[T] | None:
        """The page after this one; None when this is the last. One request."""
        following = self._cursor.after(self._count, self.pagination)
        return None if following is None else await self.load(self._fetch, following, self._seen)

    async def next_in_slice(self) -> AsyncPage[T] | None:
        """The page after this one as far as the caller's `limit` reaches; None at its end. One request."""
        following = self._cursor.within(self._count, self.pagination)
        return None if following is None else await self.load(self._fetch, following, self._seen)

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        page: AsyncPage[T] | None = self
        while page is not None:
            yield page
            page = await page.next_in_slice()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item

    def __repr__(self) -> str:
        return f"AsyncPage({len(self.data)} rows, {self.pagination!r})"


class AsyncPager(Generic[T]):
    """A list not yet fetched: `await` it for the first page, or iterate over all items with `async for`."""

    def __init__(self, fetch: Fetch[T], start: Cursor) -> None:
        self._fetch = fetch
        self._start = start

    def __await__(self) -> Generator[Any, Any, AsyncPage[T]]:
        return AsyncPage[T].load(self._fetch, self._start).__await__()

    async def pages(self) -> AsyncIterator[AsyncPage[T]]:
        """All pages, one request each."""
        async for page in (await self).pages():
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.data:
                yield item


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

    def __repr__(self) -> str:
        return f"Page({len(self.data)} rows, {self.pagination!r})"
