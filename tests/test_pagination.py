from __future__ import annotations

import gc

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.listing_servers import Server, everything, run
from trudy import ResponseDecodeError
from trudy._cursors import Cursor, Numbered, Offset
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, FetchedRows, InvalidRow, Page

pytestmark = pytest.mark.anyio


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

    async def stingy(cursor: Cursor) -> FetchedRows[int]:
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
    assert len(page) == 10
    assert (page[0], page[-1], page[2:4]) == (0, 9, [2, 3])
    assert page.first() == 0


async def test_a_long_walk_tells_how_far_it_has_come() -> None:
    server, told = Server(25), list[tuple[int, int | None]]()

    async def progress(done: int, total: int | None) -> None:
        told.append((done, total))

    expected = [(10, 25), (20, 25), (25, 25)]
    assert [row async for row in server.pager().rows(progress=progress)] == server.rows
    assert told == expected
    page = await server.pager()
    pages = [each async for each in page.pages(progress=lambda done, total: told.append((done, total)))]
    assert (len(pages), told) == (3, expected * 2)
    assert [row async for row in (await server.pager()).rows()] == server.rows


def test_a_long_walk_of_the_sync_client_tells_it_too() -> None:
    server, told = Server(25), list[tuple[int, int | None]]()
    page = Page(run(lambda: server.pager()), run)
    assert list(page.rows(progress=lambda done, total: told.append((done, total)))) == server.rows
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert [len(each) for each in page.pages(progress=lambda done, total: told.append((done, total)))] == [10, 10, 5]
    assert told == [(10, 25), (20, 25), (25, 25)] * 2


def test_an_invalid_row_keeps_the_row_but_does_not_show_it() -> None:
    row = InvalidRow(index=3, reason="no id", raw={"phone_number": "+14155550123"})
    assert "+14155550123" not in repr(row)


async def test_rows_without_an_id_are_never_taken_for_each_other() -> None:
    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        offset = cursor.query()["offset"]
        rows = [offset, offset + 1] if offset < 4 else []
        return FetchedRows(
            items=[(None, row) for row in rows],
            invalid=(),
            count=len(rows),
            pagination=Pagination(has_more=bool(rows)),
            meta=ResponseMeta(),
        )

    assert await everything(AsyncPager(fetch, Offset.start(None, None, 2))) == [0, 1, 2, 3]


@pytest.mark.parametrize("start", [Offset.start(None, None, 2), Numbered.start(None, None, 2)], ids=["offset", "page"])
@pytest.mark.parametrize(
    ("items", "invalid"),
    [
        ([("a", 1), ("b", 2)], ()),
        ([(None, 1), (None, 2)], ()),
        ([], (InvalidRow(index=0, reason="no id", raw={"name": "x"}),)),
    ],
    ids=["with ids", "without ids", "unreadable"],
)
async def test_a_server_that_gives_one_page_for_ever_and_promises_more_is_left(
    start: Cursor, items: list[tuple[str | None, int]], invalid: tuple[InvalidRow, ...]
) -> None:
    asked: list[Cursor] = []

    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        asked.append(cursor)
        assert len(asked) < 10
        return FetchedRows(
            items=items,
            invalid=invalid,
            count=2,
            pagination=Pagination(has_more=True),
            meta=ResponseMeta(request_id="r"),
        )

    with pytest.raises(ResponseDecodeError, match="the same page again and again") as caught:
        await everything(AsyncPager(fetch, start))
    assert caught.value.request_id == "r"
    assert len(asked) == 4


async def test_rows_that_move_back_while_pages_are_read_end_nothing() -> None:
    server = Server(20)

    def insert() -> None:
        if len(server.asked) in (3, 4, 7):
            server.rows.insert(0, 100 + len(server.asked))

    server.on_request = insert
    assert await everything(server.pager(page_size=1)) == list(range(20))


async def test_a_page_of_the_sync_client_can_be_read_inside_a_loop() -> None:
    page = Page(await Server(25).pager(), run)
    assert [row async for row in page] == list(range(25))


async def test_iteration_can_be_left_and_gone_on_with_after_an_error() -> None:
    server = Server(25)
    faults = [LookupError("no connection")]

    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        if server.asked and faults:
            raise faults.pop()
        return await server.fetch(cursor)

    rows = aiter(AsyncPager(fetch, Offset.start(None, None, 10)))
    seen = [await anext(rows) for _ in range(10)]
    with pytest.raises(LookupError):
        await anext(rows)
    seen += [row async for row in rows]
    assert seen == server.rows
    assert [row async for row in rows] == []


async def test_leaving_in_the_middle_leaves_nothing_open() -> None:
    async for row in Server(25).pager():
        if row == 12:
            break
    async for page in Server(25).pager().pages():
        assert page.data
        break
    gc.collect()  # trio would warn of an asynchronous generator here


async def test_a_page_is_a_sequence_of_its_own_rows() -> None:
    page = await Server(25).pager()
    assert (len(page), page[0], page[-1], page[2:4], await page.first()) == (10, 0, 9, [2, 3], 0)
    with pytest.raises(IndexError):
        page[10]
    with pytest.raises(TypeError):
        for _ in page:  # type: ignore[attr-defined]
            pass


async def test_the_first_row_of_a_list() -> None:
    server = Server(25)
    assert await server.pager().first() == 0
    assert server.asked == [(10, 0)]
    assert await Server(0).pager().first() is None
    assert await (await Server(0).pager()).first() is None


@pytest.mark.parametrize("of", ["pages", "rows"])
def test_a_sync_iterator_goes_on_after_an_error(of: str) -> None:
    server = Server(25)
    faults = [LookupError("no connection"), KeyboardInterrupt()]

    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        if server.asked and faults:
            raise faults.pop()
        return await server.fetch(cursor)

    page = Page(run(lambda: AsyncPager(fetch, Offset.start(None, None, 10))), run)
    walk = iter(page.pages() if of == "pages" else page)
    seen: list[object] = []
    stops = 0
    while True:
        try:
            found = next(walk)
        except (LookupError, KeyboardInterrupt):
            stops += 1
            continue
        except StopIteration:
            break
        seen += found.data if isinstance(found, Page) else [found]
    assert stops == 2
    assert seen == server.rows
