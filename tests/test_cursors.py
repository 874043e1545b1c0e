"""Cursors: which pages are fetched, whatever the server does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.listing_servers import FACTS, HABITS, Habitual, PageServer, Server, by_hand, everything, slice_of, slices
from trudy._cursors import Cursor, Numbered, Offset, Whole, covering
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPage, AsyncPager, FetchedRows

pytestmark = pytest.mark.anyio


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
