"""Pages of a list, and iteration over everything on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar, overload

from trudy._cursors import PAGE_SIZE, Cursor, says_nothing
from trudy._walk import FetchedRows, InvalidRow, Walk
from trudy.errors import ResponseDecodeError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from trudy.models import Pagination

__all__ = ["PAGE_SIZE", "AsyncPage", "AsyncPager", "FetchedRows", "InvalidRow", "Page"]

T = TypeVar("T")
R = TypeVar("R")

Fetch = Callable[[Cursor], Awaitable[FetchedRows[T]]]
OnWalk: TypeAlias = Callable[[int, int | None], object]
"""Called after each page with the rows read so far, and the server's count of the whole list (None if unknown)."""


class _Rows(Generic[T]):
    """What the pages of both clients have: the rows of one page as a sequence, and as a table."""

    data: Sequence[T]
    pagination: Pagination

    def __len__(self) -> int:
        """How many rows this page has; `pagination.total` is the server's count of the whole list."""
        return len(self.data)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        """A row of this page, or some of them."""
        return self.data[index]

    def to_pandas(self) -> pd.DataFrame:
        """The rows of this page as a table of pandas, a column an attribute; pandas must be installed.

        Times stay aware; words are text. `extra` and `meta` are left out. Numbers are whole.
        """
        from trudy._tables import pandas_table

        return pandas_table(self.data)

    def to_polars(self) -> pl.DataFrame:
        """The rows of this page as a table of polars, a column an attribute; polars must be installed.

        Times stay aware; words are text, objects and lists of objects JSON text. `extra` and `meta` are left out.
        """
        from trudy._tables import polars_table

        return polars_table(self.data)

    def _repr_html_(self) -> str:
        """What a notebook shows: the rows of this page, with numbers masked."""
        from trudy._tables import html_table

        return html_table(self.data, self.pagination.total)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.data)} rows, {self.pagination!r})"


class AsyncPage(_Rows[T]):
    """One page of a list. Iterating goes on through the pages after it.

    Indexing, `len` and `data` are of this page alone.

    Attributes:
        data: the rows of this page; rows already seen on the pages before it are left out.
        pagination: what the server says of the whole list, such as `total`.
        invalid: rows that could not be read.
        meta: request id, server time, attempts.
    """

    # Python would otherwise let a plain `for` run by indexing, and stop at the end of this page.
    __iter__: ClassVar[None] = None

    def __init__(self, fetch: Fetch[T], cursor: Cursor, rows: FetchedRows[T], walk: Walk) -> None:
        self._fetch = fetch
        self._cursor = cursor
        self._count = rows.count
        step = walk.with_page(cursor, rows)
        self._back_to = step.back_to
        self._walk = step.walk
        # A server that does not page gives the same rows at each request, and does not say where the list ends.
        self._repeats = (
            bool(rows.items) and not step.fresh and not walk.expects_seen_rows and says_nothing(rows.pagination)
        )
        self.data: Sequence[T] = step.fresh
        self.invalid: Sequence[InvalidRow] = rows.invalid
        self.pagination = rows.pagination
        self.meta = rows.meta

    @classmethod
    async def load(cls, fetch: Fetch[T], cursor: Cursor, walk: Walk | None = None) -> AsyncPage[T]:
        """Fetch the page at a place of the list."""
        return cls(fetch, cursor, await fetch(cursor), walk or Walk(read_to=cursor.position))

    def has_next(self) -> bool:
        """Whether the list goes on after this page, beyond the slice that was asked for too."""
        return self._following() is not None

    async def next_page(self) -> AsyncPage[T] | None:
        """The page after this one; None when this is the last. One request."""
        return await self._load(in_slice=False)

    async def next_in_slice(self) -> AsyncPage[T] | None:
        """The page after this one as far as the caller's `limit` reaches; None at its end. One request."""
        return await self._load(in_slice=True)

    def pages(self, *, progress: OnWalk | None = None) -> AsyncIterator[AsyncPage[T]]:
        """This page and those after it."""
        return _Pages(self._itself, progress)

    def rows(self, *, progress: OnWalk | None = None) -> AsyncIterator[T]:
        """All rows from this page on, as iterating gives them; `progress` is told after each page."""
        return _Items(_Pages(self._itself, progress))

    async def first(self) -> T | None:
        """The first row, from this page or those after it; None where there is none."""
        async for row in self:
            return row
        return None

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(_Pages(self._itself))

    async def _itself(self) -> AsyncPage[T]:
        return self

    async def _load(self, *, in_slice: bool) -> AsyncPage[T] | None:
        following = self._following(in_slice=in_slice)
        if following is None:
            return None
        cursor, walk = following
        if (why := walk.is_stuck) is not None:
            raise ResponseDecodeError(why, request_id=self.meta.request_id)
        page = await self.load(self._fetch, cursor, walk)
        if walk.is_again and not page.data:  # nothing has moved to this page since it was read
            return await (page.next_in_slice() if in_slice else page.next_page())
        return page

    def _following(self, *, in_slice: bool = False) -> tuple[Cursor, Walk] | None:
        if self._repeats:
            return None
        if self._back_to is not None and (back := self._cursor.back_to(self._back_to, self.pagination)) is not None:
            place = back.having_given(len(self.data) + len(self.invalid)) if in_slice else back
            return None if place is None else (place, self._walk.going_back(place))
        step = self._cursor.within if in_slice else self._cursor.after
        following = step(self._count, self.pagination)
        if following is None:
            return None
        if self.data and self._walk.may_overlap and (again := self._cursor.again()) is not None:
            return again, self._walk.reading_again()
        place = following.overlapping() if self._walk.may_overlap else following
        return place, self._walk.going_on(following, overlaps=place is not following)


class AsyncPager(Generic[T]):
    """A list not yet fetched: `await` it for the first page, or iterate over all items with `async for`."""

    def __init__(self, fetch: Fetch[T], start: Cursor) -> None:
        self._fetch = fetch
        self._start = start

    def __await__(self) -> Generator[Any, Any, AsyncPage[T]]:
        return AsyncPage[T].load(self._fetch, self._start).__await__()

    def pages(self, *, progress: OnWalk | None = None) -> AsyncIterator[AsyncPage[T]]:
        """All pages, one request each."""
        return _Pages(self._first, progress)

    def rows(self, *, progress: OnWalk | None = None) -> AsyncIterator[T]:
        """All rows, as iterating gives them; `progress`, sync or async, is told after each page."""
        return _Items(_Pages(self._first, progress))

    async def first(self) -> T | None:
        """The first row, None where there is none. One request, as a rule."""
        async for row in self:
            return row
        return None

    async def to_pandas(self) -> pd.DataFrame:
        """The rows of all pages as a table of pandas, as `AsyncPage.to_pandas` makes it of one."""
        from trudy._tables import pandas_table

        return pandas_table([row async for row in self])

    async def to_polars(self) -> pl.DataFrame:
        """The rows of all pages as a table of polars, as `AsyncPage.to_polars` makes it of one."""
        from trudy._tables import polars_table

        return polars_table([row async for row in self])

    def __aiter__(self) -> AsyncIterator[T]:
        return _Items(_Pages(self._first))

    async def _first(self) -> AsyncPage[T]:
        return await self


class _Pages(Generic[T]):
    """Iterates over pages. Not an async generator, which a caller who stops early would have to close.

    After an error the same page can be asked for again.
    """

    def __init__(self, first: Callable[[], Awaitable[AsyncPage[T] | None]], progress: OnWalk | None = None) -> None:
        self._next = first
        self._progress = progress
        self._done = 0

    def __aiter__(self) -> _Pages[T]:
        return self

    async def __anext__(self) -> AsyncPage[T]:
        page = await self._next()
        if page is None:
            raise StopAsyncIteration
        self._next = page.next_in_slice
        self._done += len(page.data)
        if self._progress is not None and isawaitable(told := self._progress(self._done, page.pagination.total)):
            await told
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


class Page(_Rows[T]):
    """One page of a list. Iterating goes on through the pages after it, one request a page.

    Indexing, `len` and `data` are of this page alone.

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

    def pages(self, *, progress: OnWalk | None = None) -> Iterator[Page[T]]:
        """This page and those after it."""
        return _SyncPages(self, progress)

    def rows(self, *, progress: OnWalk | None = None) -> Iterator[T]:
        """All rows from this page on, as iterating gives them; `progress` is told after each page."""
        return _SyncItems(_SyncPages(self, progress))

    def first(self) -> T | None:
        """The first row, from this page or those after it; None where there is none."""
        return next(iter(self), None)

    def __iter__(self) -> Iterator[T]:
        return _SyncItems(_SyncPages(self))

    def __aiter__(self) -> AsyncIterator[T]:
        """For methods that take rows from any iterable: a loop runs inside them, where the plain iterator cannot."""
        return self._page.__aiter__()

    def next_in_slice(self) -> Page[T] | None:
        """The page after this one as far as the caller's `limit` reaches; None at its end. One request."""
        following = self._run(self._page.next_in_slice)
        return None if following is None else Page(following, self._run)


class _SyncPages(Generic[T]):
    """Iterates over pages, as `_Pages` does. Not a generator, which would end after an error as if the list had."""

    def __init__(self, first: Page[T], progress: OnWalk | None = None) -> None:
        self._next: Callable[[], Page[T] | None] = lambda: first
        self._progress = progress
        self._done = 0

    def __iter__(self) -> _SyncPages[T]:
        return self

    def __next__(self) -> Page[T]:
        page = self._next()
        if page is None:
            raise StopIteration
        self._next = page.next_in_slice
        self._done += len(page.data)
        if self._progress is not None:
            self._progress(self._done, page.pagination.total)
        return page


class _SyncItems(Generic[T]):
    """Iterates over the rows of pages."""

    def __init__(self, pages: _SyncPages[T]) -> None:
        self._pages = pages
        self._rows: Iterator[T] = iter(())

    def __iter__(self) -> _SyncItems[T]:
        return self

    def __next__(self) -> T:
        while True:
            for row in self._rows:
                return row
            self._rows = iter(next(self._pages).data)
