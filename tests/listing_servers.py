"""Servers of lists, and how they page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import TypeVar

import anyio
from attrs import evolve
from hypothesis import strategies as st

from trudy._cursors import Cursor, Numbered, Offset
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, FetchedRows

T = TypeVar("T")


class Server:
    """A list of numbers behind limit and offset; counts what it is asked."""

    def __init__(self, total: int, *, says_more: Callable[[bool], bool | None] = lambda more: more) -> None:
        self.rows = list(range(total))
        self.asked: list[tuple[int, int]] = []
        self._says_more = says_more
        self.on_request: Callable[[], None] = lambda: None

    async def fetch(self, cursor: Cursor) -> FetchedRows[int]:
        query = cursor.query()
        limit, offset = query["limit"], query["offset"]
        self.asked.append((limit, offset))
        rows = self.rows[offset : offset + limit]
        more = self._says_more(offset + limit < len(self.rows))
        answer = FetchedRows(
            items=[(str(row), row) for row in rows],
            invalid=(),
            count=len(rows),
            pagination=Pagination(total=len(self.rows), limit=limit, offset=offset, has_more=more),
            meta=ResponseMeta(),
        )
        self.on_request()
        return answer

    def pager(self, limit: int | None = None, offset: int | None = None, page_size: int = 10) -> AsyncPager[int]:
        return AsyncPager(self.fetch, Offset.start(limit, offset, page_size))


async def everything(pager: AsyncPager[int]) -> list[int]:
    return [row async for row in pager]


def run(function: Callable[..., Awaitable[T]], /, *args: object) -> T:
    async def call() -> T:
        return await function(*args)

    return anyio.run(call)


class PageServer:
    """The same list behind page numbers.

    Args:
        most: the largest page it gives, whatever is asked.
        always: the size of its pages, whatever is asked.
        ignores_page: pages by offset only, as servers of 2026-03 do.
        clamps: gives its last page to whoever asks for a later one.
        says: what becomes of the facts that it tells.
    """

    def __init__(
        self,
        total: int,
        *,
        most: int = 100,
        always: int | None = None,
        size_name: str = "limit",
        ignores_page: bool = False,
        clamps: bool = False,
        says: Callable[[Pagination], Pagination] = lambda pagination: pagination,
    ) -> None:
        self.rows = list(range(total))
        self.asked: list[dict[str, int]] = []
        self._most = most
        self._always = always
        self._size_name = size_name
        self._ignores_page = ignores_page
        self._clamps = clamps
        self._says = says

    async def fetch(self, cursor: Cursor) -> FetchedRows[int]:
        query = dict(cursor.query())
        self.asked.append(query)
        assert len(self.asked) <= 2 * len(self.rows) + 3  # without a total each page is read twice
        if self._ignores_page and "page" in query:
            query = {"limit": query[self._size_name], "offset": 0}
        size = self._always or min(query.get(self._size_name, 50), self._most)
        total = len(self.rows)
        if "offset" in query:
            start = query["offset"]
            pagination = Pagination(total=total, limit=size, offset=start, has_more=start + size < total)
        else:
            pages = -(-total // size)
            page = min(query["page"], max(pages, 1)) if self._clamps else query["page"]
            start = (page - 1) * size
            pagination = Pagination(page=page, limit=size, total=total, pages=pages)
        pagination = self._says(pagination)
        rows = self.rows[start : start + size]
        window = cursor.window(len(rows), pagination)
        return FetchedRows(
            items=[(str(row), row) for row in rows[window]],
            invalid=(),
            count=len(rows),
            pagination=pagination,
            meta=ResponseMeta(),
        )

    def pager(self, limit: int | None = None, offset: int | None = None, page_size: int = 100) -> AsyncPager[int]:
        return AsyncPager(self.fetch, Numbered.start(limit, offset, page_size))


slices = (st.integers(0, 260), st.none() | st.integers(1, 100), st.none() | st.integers(0, 300), st.integers(1, 100))


class Habitual:
    """A list behind page numbers and offsets alike, with pages of the size that its habit makes of the one asked for.

    Args:
        tells: the facts of its answers; "count" is a `limit` that is the number of rows given.
    """

    def __init__(self, total: int, habit: Callable[[int], int], tells: AbstractSet[str]) -> None:
        self.rows = list(range(total))
        self.asked: list[dict[str, int]] = []
        self._habit = habit
        self._tells = tells

    async def fetch(self, cursor: Cursor) -> FetchedRows[int]:
        query = dict(cursor.query())
        self.asked.append(query)
        assert len(self.asked) <= len(self.rows) + 3
        size = self._habit(query["limit"])
        start = (query["page"] - 1) * size if "page" in query else query["offset"]
        rows = self.rows[start : start + size]
        facts = {
            "has_more": start + size < len(self.rows),
            "total": len(self.rows),
            "limit": len(rows) if "count" in self._tells else size,
            "offset": start,
            "pages": -(-len(self.rows) // size),
            "page": query.get("page"),
        }
        told = self._tells | {"limit"} if "count" in self._tells else self._tells
        pagination = evolve(Pagination(), **{name: facts[name] for name in told if name in facts})
        return FetchedRows(
            items=[(None, row) for row in rows[cursor.window(len(rows), pagination)]],
            invalid=(),
            count=len(rows),
            pagination=pagination,
            meta=ResponseMeta(),
        )


async def by_hand(pager: AsyncPager[int]) -> list[int]:
    page: AsyncPage[int] | None = await pager
    seen: list[int] = []
    while page is not None:
        seen += page.data
        page = await page.next_page()
    return seen


HABITS: dict[str, Callable[[int, int], int]] = {
    "honest": lambda asked, _: asked,
    "at most": min,
    "at least": max,
    "always": lambda _, size: size,
}
FACTS = ("has_more", "total", "limit", "count", "page", "pages", "offset")


def slice_of(rows: list[int], limit: int | None, offset: int | None) -> list[int]:
    start = offset or 0
    return rows[start : None if limit is None else start + limit]
