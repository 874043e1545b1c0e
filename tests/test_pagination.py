from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import TypeVar

import anyio
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from trudy import ResponseDecodeError
from trudy._cursors import Cursor, Numbered, Offset, Whole, covering
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, FetchedRows, InvalidRow, Page

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
        return FetchedRows(
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


@settings(max_examples=400)
@given(*slices, st.sampled_from(sorted(HABITS)), st.sampled_from((1, 7, 25, 50, 150)), st.sets(st.sampled_from(FACTS)))
def test_an_offset_list_loses_no_row_whatever_the_server_is_used_to(
    total: int, limit: int | None, offset: int | None, page_size: int, habit: str, size: int, tells: set[str]
) -> None:
    assume(habit == "honest" or tells & {"has_more", "total", "limit", "count", "pages"})
    server = Habitual(total, lambda asked: HABITS[habit](asked, size), tells)
    start = Offset.start(limit, offset, page_size)
    assert anyio.run(everything, AsyncPager(server.fetch, start)) == slice_of(server.rows, limit, offset)
    server.asked.clear()
    assert anyio.run(by_hand, AsyncPager(server.fetch, start)) == server.rows[offset or 0 :]


@settings(max_examples=400)
@given(*slices, st.sampled_from(sorted(HABITS)), st.sampled_from((1, 7, 25, 50, 150)), st.sets(st.sampled_from(FACTS)))
def test_a_list_by_page_numbers_loses_no_row_unnoticed_whatever_the_server_is_used_to(
    total: int, limit: int | None, offset: int | None, page_size: int, habit: str, size: int, tells: set[str]
) -> None:
    honest = habit == "honest"
    sized = "limit" in tells and "count" not in tells
    ends = bool(tells & {"has_more", "total", "pages"})
    if not offset:
        assume(honest or sized or ends or "count" in tells)
    elif "count" in tells:
        assume(honest and ends)
    else:
        assume(honest or sized or "total" in tells)
    server = Habitual(total, lambda asked: HABITS[habit](asked, size), tells)
    start = Numbered.start(limit, offset, page_size)
    try:
        rows = anyio.run(everything, AsyncPager(server.fetch, start))
    except ValueError:
        # FetchedRows in the middle of a list may have no place, where the size of its pages is not told.
        assert offset
        assert not sized
        assert "count" in tells or not honest
    else:
        assert rows == slice_of(server.rows, limit, offset)


@pytest.mark.parametrize("tells", ["page total pages", "page pages", "has_more", "total", ""])
async def test_a_server_that_calls_the_number_of_its_rows_the_limit_is_read_to_the_end(tells: str) -> None:
    server = Habitual(137, lambda asked: asked, {"count", *tells.split()})
    assert await everything(AsyncPager(server.fetch, Numbered.start(None, None, 100))) == server.rows
    assert server.asked[:2] == [{"page": 1, "limit": 100}, {"page": 2, "limit": 100}]


@pytest.mark.parametrize("tells", ["limit", "has_more", "total"])
@pytest.mark.parametrize(("style", "page_size", "size"), [(Offset, 100, 150), (Offset, 10, 50), (Numbered, 10, 20)])
async def test_rows_beyond_those_asked_for_are_kept(
    style: type[Offset | Numbered], page_size: int, size: int, tells: str
) -> None:
    server = Habitual(137, lambda _: size, {tells})
    assert await everything(AsyncPager(server.fetch, style.start(None, None, page_size))) == server.rows
    assert len(server.asked) <= 137 // size + 2


async def test_a_total_tells_that_a_short_page_is_not_the_last() -> None:
    server = Habitual(137, lambda _: 25, {"total"})
    assert await everything(AsyncPager(server.fetch, Offset.start(None, None, 100))) == server.rows


def whole_list(total: int) -> Callable[[Cursor], Awaitable[FetchedRows[int]]]:
    """A server that gives everything at once, whatever it is asked, and says nothing of pages."""

    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        pagination = Pagination()
        rows = list(range(total))[cursor.window(total, pagination)]
        return FetchedRows(
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

    async def fetch(cursor: Cursor) -> FetchedRows[int]:
        return await server.fetch(Offset(limit=50) if isinstance(cursor, Whole) else cursor)

    assert await everything(AsyncPager(fetch, Whole())) == server.rows


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
