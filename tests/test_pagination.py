from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, Cursor, InvalidRow, Offset, Page, Rows

T = TypeVar("T")


class Server:
    """A list of numbers behind limit and offset; counts what it is asked."""

    def __init__(self, total: int, *, says_more: Callable[[bool], bool | None] = lambda more: more) -> None:
        self.rows = list(range(total))
        self.asked: list[tuple[int, int]] = []
        self._says_more = says_more
        self.on_request: Callable[[], None] = lambda: None

    async def fetch(self, cursor: Cursor) -> Rows[int]:
        query = cursor.query()
        limit, offset = query["limit"], query["offset"]
        self.asked.append((limit, offset))
        rows = self.rows[offset : offset + limit]
        more = self._says_more(offset + limit < len(self.rows))
        answer = Rows(
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


pytestmark = pytest.mark.anyio


async def everything(pager: AsyncPager[int]) -> list[int]:
    return [row async for row in pager]


@given(st.integers(0, 60), st.none() | st.integers(1, 30), st.none() | st.integers(0, 70), st.integers(1, 30))
def test_a_list_is_the_slice_that_was_asked_for(
    total: int, limit: int | None, offset: int | None, page_size: int
) -> None:
    server = Server(total)
    rows = anyio.run(everything, server.pager(limit, offset, page_size))
    start = offset or 0
    assert rows == server.rows[start : None if limit is None else start + limit]
    assert len(server.asked) <= total // page_size + 1


async def test_awaiting_gives_the_first_page_and_its_facts() -> None:
    server = Server(25)
    page = await server.pager()
    assert isinstance(page, AsyncPage)
    assert page.data == list(range(10))
    assert page.pagination.total == 25
    assert page.has_next()
    assert server.asked == [(10, 0)]


async def test_pages_by_hand_go_beyond_the_slice() -> None:
    server = Server(25)
    page: AsyncPage[int] | None = await server.pager(limit=10, offset=0)
    seen: list[int] = []
    while page is not None:
        seen += page.data
        page = await page.next_page()
    assert seen == server.rows


async def test_iterating_a_page_goes_on_to_the_end() -> None:
    server = Server(25)
    page = await server.pager()
    assert [row async for row in page] == server.rows
    assert [row async for row in page] == server.rows


async def test_a_server_that_always_promises_more_ends_at_an_empty_page() -> None:
    server = Server(20, says_more=lambda _: True)
    assert await everything(server.pager()) == server.rows
    assert server.asked == [(10, 0), (10, 10), (10, 20)]


async def test_a_server_that_says_nothing_ends_at_a_short_page() -> None:
    server = Server(25, says_more=lambda _: None)
    assert await everything(server.pager()) == server.rows
    assert len(server.asked) == 3


async def test_a_server_that_gives_fewer_than_asked_is_asked_again() -> None:
    server = Server(25)
    whole = server.fetch

    async def stingy(cursor: Cursor) -> Rows[int]:
        assert isinstance(cursor, Offset)
        return await whole(Offset(limit=min(7, cursor.limit), offset=cursor.offset))

    pager = AsyncPager(stingy, Offset.start(20, 0, 20))
    assert await everything(pager) == server.rows[:20]


async def test_rows_that_shift_between_pages_are_given_once() -> None:
    server = Server(25)

    def insert() -> None:
        server.rows.insert(0, 1000 + len(server.asked))

    server.on_request = insert
    assert await everything(server.pager()) == list(range(25))


def run(function: Callable[..., Awaitable[T]], /, *args: object) -> T:
    async def call() -> T:
        return await function(*args)

    return anyio.run(call)


def test_a_page_of_the_sync_client() -> None:
    server = Server(25)
    page = Page(run(lambda: server.pager()), run)
    assert list(page) == list(page) == server.rows
    assert [len(each.data) for each in page.pages()] == [10, 10, 5]
    following = page.next_page()
    assert following is not None
    assert following.data == list(range(10, 20))
    assert following.has_next()
    last = following.next_page()
    assert last is not None
    assert not last.has_next()
    assert last.next_page() is None
    assert repr(last).startswith("Page(5 rows")
    with pytest.raises(TypeError):
        len(page)  # type: ignore[arg-type]


def test_an_invalid_row_keeps_the_row_but_does_not_show_it() -> None:
    row = InvalidRow(index=3, reason="no id", raw={"phone_number": "+14155550123"})
    assert "+14155550123" not in repr(row)
