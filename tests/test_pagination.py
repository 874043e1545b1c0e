from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from trudy import ResponseDecodeError
from trudy._cursors import Cursor, Numbered, Offset, Whole, covering
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, InvalidRow, Page, Rows

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

    async def fetch(self, cursor: Cursor) -> Rows[int]:
        query = dict(cursor.query())
        self.asked.append(query)
        assert len(self.asked) <= len(self.rows) + 3
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
        return Rows(
            items=[(str(row), row) for row in rows[window]],
            invalid=(),
            count=len(rows),
            pagination=pagination,
            meta=ResponseMeta(),
        )

    def pager(self, limit: int | None = None, offset: int | None = None, page_size: int = 100) -> AsyncPager[int]:
        return AsyncPager(self.fetch, Numbered.start(limit, offset, page_size))


SAID: dict[str, Callable[[Pagination], Pagination]] = {
    "all": lambda said: said,
    "nothing of the whole": lambda said: evolve(said, total=None, pages=None),
    "no page": lambda said: evolve(said, page=None),
    "no size": lambda said: evolve(said, limit=None),
    "a total of nothing": lambda said: evolve(said, total=0, pages=0),
    "more only": lambda said: Pagination(has_more=said.has_more or (said.page or 0) < (said.pages or 0)),
    "nothing": lambda _: Pagination(),
}
TELLS_ITS_SIZE = ("all", "nothing of the whole", "no page", "a total of nothing")
slices = (st.integers(0, 260), st.none() | st.integers(1, 100), st.none() | st.integers(0, 300), st.integers(1, 100))


@given(*slices, st.sampled_from((100, 50, 7)), st.booleans())
def test_a_list_by_page_numbers_is_the_slice_that_was_asked_for(
    total: int, limit: int | None, offset: int | None, page_size: int, most: int, ignores_page: bool
) -> None:
    server = PageServer(total, most=most, ignores_page=ignores_page)
    rows = anyio.run(everything, server.pager(limit, offset, page_size))
    start = offset or 0
    assert rows == server.rows[start : None if limit is None else start + limit]


@given(
    *slices, st.sampled_from((100, 50, 7)), st.none() | st.sampled_from((20, 1, 130)), st.sampled_from(TELLS_ITS_SIZE)
)
def test_pages_of_a_size_of_the_servers_own_are_the_slice_too(
    total: int, limit: int | None, offset: int | None, page_size: int, most: int, always: int | None, says: str
) -> None:
    server = PageServer(total, most=most, always=always, says=SAID[says])
    rows = anyio.run(everything, server.pager(limit, offset, page_size))
    start = offset or 0
    assert rows == server.rows[start : None if limit is None else start + limit]


@given(*slices, st.sampled_from(sorted(SAID)), st.booleans())
def test_pages_by_number_need_no_facts(
    total: int, limit: int | None, offset: int | None, page_size: int, says: str, clamps: bool
) -> None:
    server = PageServer(total, says=SAID[says], clamps=clamps and says == "all")
    rows = anyio.run(everything, server.pager(limit, offset, page_size))
    start = offset or 0
    assert rows == server.rows[start : None if limit is None else start + limit]


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (lambda said: evolve(said, page=(said.page or 0) - 1), "page 0 .* page 1"),
        (lambda said: evolve(said, page=1), "page 1 .* page 2"),
        (lambda said: evolve(said, limit=20 - (said.page or 0)), "18 rows.* 19"),
    ],
)
async def test_pages_that_cannot_be_placed_are_an_error(says: Callable[[Pagination], Pagination], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await everything(PageServer(120, most=20, says=says).pager())


@given(st.integers(0, 150), st.integers(1, 40), st.integers(0, 100), st.sampled_from((100, 30)))
def test_pages_by_number_go_beyond_the_slice_by_hand(total: int, limit: int, offset: int, most: int) -> None:
    server = PageServer(total, most=most)

    async def by_hand() -> list[int]:
        page: AsyncPage[int] | None = await server.pager(limit, offset)
        seen: list[int] = []
        while page is not None:
            seen += page.data
            page = await page.next_page()
        return seen

    assert anyio.run(by_hand) == server.rows[offset:]


async def test_pages_by_number_take_as_few_requests_as_there_are_pages() -> None:
    server = PageServer(250)
    assert await everything(server.pager()) == server.rows
    assert server.asked == [{"page": n, "limit": 100} for n in (1, 2, 3)]


@given(st.integers(0, 10_000), st.integers(1, 100), st.integers(1, 100))
def test_a_page_that_covers_begins_at_or_before_the_position(position: int, wanted: int, most: int) -> None:
    size = covering(position, wanted, most)
    assert 1 <= size <= most
    start = position // size * size
    assert start <= position < start + size
    if any(position // s == (position + wanted - 1) // s for s in range(wanted, most + 1)):
        assert position + wanted <= start + size


async def test_a_search_names_the_size_of_its_pages_otherwise() -> None:
    server = PageServer(120, most=50, size_name="page_size")
    pager = AsyncPager(server.fetch, Numbered.start(None, None, 100, size_name="page_size"))
    assert await everything(pager) == server.rows
    assert server.asked == [{"page": 1, "page_size": 100}, {"page": 2, "page_size": 50}, {"page": 3, "page_size": 50}]


@given(*slices)
def test_no_page_is_larger_than_may_be_asked_for(
    total: int, limit: int | None, offset: int | None, page_size: int
) -> None:
    server = PageServer(total)
    start = Numbered.start(limit, offset, page_size, most=page_size)
    rows = anyio.run(everything, AsyncPager(server.fetch, start))
    begin = offset or 0
    assert rows == server.rows[begin : None if limit is None else begin + limit]
    assert all(query["limit"] <= page_size for query in server.asked)


def whole_list(total: int) -> Callable[[Cursor], Awaitable[Rows[int]]]:
    """A server that gives everything at once, whatever it is asked, and says nothing of pages."""

    async def fetch(cursor: Cursor) -> Rows[int]:
        pagination = Pagination()
        rows = list(range(total))[cursor.window(total, pagination)]
        return Rows(
            items=[(str(row), row) for row in rows],
            invalid=(),
            count=total,
            pagination=pagination,
            meta=ResponseMeta(),
        )

    return fetch


@pytest.mark.parametrize("style", [Offset, Numbered])
@given(st.integers(0, 60), st.none() | st.integers(1, 30), st.none() | st.integers(0, 70), st.integers(1, 30))
def test_a_server_that_does_not_page_still_gives_the_slice_once(
    style: type[Offset | Numbered], total: int, limit: int | None, offset: int | None, page_size: int
) -> None:
    start = style.start(limit, offset, page_size)
    rows = anyio.run(everything, AsyncPager(whole_list(total), start))
    if total > start.query()["limit"]:
        begin = offset or 0
        assert rows == list(range(total))[begin : None if limit is None else begin + limit]
    elif style is Offset:
        assert rows == list(range(total))


async def test_a_whole_list_is_fetched_once() -> None:
    for start in (Offset.start(None, None, 10), Numbered.start(None, None, 10)):
        page = await AsyncPager(whole_list(35), start)
        assert page.data == list(range(35))
        assert not page.has_next()


async def test_a_list_without_pages_comes_at_once() -> None:
    assert await everything(AsyncPager(whole_list(7), Whole())) == list(range(7))
    assert Whole().query() == {}


async def test_a_list_that_a_server_has_come_to_page_goes_on() -> None:
    server = Server(120)

    async def fetch(cursor: Cursor) -> Rows[int]:
        return await server.fetch(Offset(limit=50) if isinstance(cursor, Whole) else cursor)

    assert await everything(AsyncPager(fetch, Whole())) == server.rows


async def test_rows_without_an_id_are_never_taken_for_each_other() -> None:
    async def fetch(cursor: Cursor) -> Rows[int]:
        offset = cursor.query()["offset"]
        rows = [offset, offset + 1] if offset < 4 else []
        return Rows(
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

    async def fetch(cursor: Cursor) -> Rows[int]:
        asked.append(cursor)
        assert len(asked) < 10
        return Rows(
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

    async def fetch(cursor: Cursor) -> Rows[int]:
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
