"""A list that changes while it is read: no row that stays is skipped or given twice, on either client."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_pagination import run
from trudy import ResponseDecodeError
from trudy._cursors import Cursor, Numbered, Offset
from trudy.models import Pagination, ResponseMeta
from trudy.pagination import AsyncPager, FetchedRows, Page


class Changing:
    """A server's list, paged by position, that `change` may alter before each answer but the first."""

    def __init__(self, total: int, *, most: int = 100, tells: str = "all") -> None:
        self.rows = [f"r{number}" for number in range(total)]
        self.requests = 0
        self.change: Callable[[], None] = lambda: None
        self._most = most
        self._tells = tells

    async def fetch(self, cursor: Cursor) -> FetchedRows[str]:
        if self.requests:
            self.change()
        self.requests += 1
        assert self.requests < 2_000, "it never ends"
        query = cursor.query()
        size = min(query.get("limit", 100), self._most)
        start = query["offset"] if "offset" in query else (query["page"] - 1) * size
        rows = self.rows[start : start + size]
        total, more = len(self.rows), start + size < len(self.rows)
        if self._tells == "nothing":
            pagination = Pagination()
        elif self._tells == "no total":
            pagination = Pagination(limit=size, has_more=more)
        elif "page" in query:
            pagination = Pagination(total=total, limit=size, page=query["page"], pages=-(-total // size))
        else:
            pagination = Pagination(total=total, limit=size, offset=start, has_more=more)
        window = cursor.window(len(rows), pagination)
        return FetchedRows(
            items=[(row, row) for row in rows[window]],
            invalid=(),
            count=len(rows),
            pagination=pagination,
            meta=ResponseMeta(),
        )


@frozen
class Style:
    start: Callable[[int | None, int | None, int], Any]
    tells: str


STYLES = {
    "offset": Style(Offset.start, "all"),
    "page": Style(Numbered.start, "all"),
    "offset without total": Style(Offset.start, "no total"),
    "offset without facts": Style(Offset.start, "nothing"),
    "page without total": Style(Numbered.start, "no total"),
    "page without facts": Style(Numbered.start, "nothing"),
}
KEEP_UP = ("offset", "offset without total", "page")
"""Those that notice what others delete between any two requests; the rest notice what goes while rows are read."""
styles = pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))


def walk(server: Changing, style: Style, client: str, page_size: int, each: Callable[[str], None]) -> list[str]:
    """Every row that an iteration gives, each shown to the user's code first."""
    seen: list[str] = []

    async def async_walk() -> None:
        async for row in AsyncPager(server.fetch, style.start(None, None, page_size)):
            seen.append(row)
            each(row)

    if client == "async":
        anyio.run(async_walk)
    else:
        for row in Page(run(lambda: AsyncPager(server.fetch, style.start(None, None, page_size))), run):
            seen.append(row)
            each(row)
    return seen


@styles
@pytest.mark.parametrize("client", ["async", "sync"])
@pytest.mark.parametrize("total", [0, 1, 99, 100, 101, 150, 200, 250, 1_000])
def test_each_row_is_deleted_as_it_comes(style: Style, client: str, total: int) -> None:
    server = Changing(total, tells=style.tells)
    seen = walk(server, style, client, 100, server.rows.remove)
    assert sorted(seen) == sorted(f"r{number}" for number in range(total))
    assert server.rows == []
    assert server.requests <= 3 * (total // 100) + 4


@styles
@pytest.mark.parametrize("client", ["async", "sync"])
def test_some_rows_are_deleted_as_they_come(style: Style, client: str) -> None:
    server = Changing(250, tells=style.tells)
    seen = walk(server, style, client, 100, lambda row: server.rows.remove(row) if int(row[1:]) % 3 else None)
    assert sorted(seen) == sorted(f"r{number}" for number in range(250))
    assert len(server.rows) == 84


@styles
@pytest.mark.parametrize("seed", range(5))
def test_half_of_each_page_is_deleted(style: Style, seed: int) -> None:
    chance = random.Random(seed)
    server = Changing(330, tells=style.tells)
    seen: list[str] = []

    async def delete() -> None:
        async for page in AsyncPager(server.fetch, style.start(None, None, 100)).pages():
            seen.extend(page.data)
            for row in chance.sample(page.data, len(page) // 2):
                server.rows.remove(row)

    anyio.run(delete)
    assert sorted(seen) == sorted(f"r{number}" for number in range(330))


@styles
def test_rows_are_deleted_page_by_page(style: Style) -> None:
    server = Changing(250, tells=style.tells)

    async def by_page() -> int:
        count = 0
        async for page in AsyncPager(server.fetch, style.start(None, None, 100)).pages():
            count += len(page)
            for row in page.data:
                server.rows.remove(row)
        return count

    assert anyio.run(by_page) == 250
    assert server.rows == []


@styles
def test_a_slice_in_small_pages_is_deleted_as_it_comes(style: Style) -> None:
    server = Changing(250, most=20, tells=style.tells if style.tells == "all" else "all")

    async def delete() -> list[str]:
        seen: list[str] = []
        async for row in AsyncPager(server.fetch, style.start(90, None, 100)):
            seen.append(row)
            server.rows.remove(row)
        return seen

    seen = anyio.run(delete)
    assert len(seen) == len(set(seen)) == 90
    assert len(server.rows) == 160


@settings(max_examples=300, deadline=None)
@given(
    style=st.sampled_from(KEEP_UP),
    client=st.sampled_from(("async", "sync")),
    total=st.integers(0, 120),
    page_size=st.integers(1, 40),
    most=st.sampled_from((100, 30, 7)),
    seed=st.integers(0, 2**32),
    busy=st.floats(0, 0.5),
    deletes=st.floats(0, 1),
)
def test_what_stays_is_given_once_whatever_else_goes(
    style: str, client: str, total: int, page_size: int, most: int, seed: int, busy: float, deletes: float
) -> None:
    """Others delete rows anywhere between two requests, the user deletes what he has seen; some requests fail."""
    chance = random.Random(seed)
    server = Changing(total, most=most, tells=STYLES[style].tells)
    everything = list(server.rows)

    def change() -> None:
        # Now and then, so that the walk has a chance to keep up.
        if server.rows and chance.random() < busy:
            for row in chance.sample(server.rows, chance.randint(1, min(5, len(server.rows)))):
                server.rows.remove(row)

    def each(row: str) -> None:
        if chance.random() < deletes and row in server.rows:
            server.rows.remove(row)

    server.change = change
    seen = walk(server, STYLES[style], client, page_size, each)
    assert len(seen) == len(set(seen))
    assert set(server.rows) <= set(seen) <= set(everything)


@settings(max_examples=200, deadline=None)
@given(total=st.integers(0, 120), page_size=st.integers(2, 40), seed=st.integers(0, 2**32), busy=st.floats(0, 0.4))
def test_without_a_total_rows_may_come_and_go(total: int, page_size: int, seed: int, busy: float) -> None:
    """New rows may hide in the total that others have gone; pages that overlap show it all the same."""
    chance = random.Random(seed)
    server = Changing(total, tells="no total")
    everything = list(server.rows)

    def change() -> None:
        if chance.random() < busy:
            for row in chance.sample(server.rows, min(3, len(server.rows))):
                server.rows.remove(row)
            server.rows[:0] = [f"new{server.requests}-{number}" for number in range(chance.randint(0, 3))]

    server.change = change
    seen = walk(server, STYLES["offset without total"], "async", page_size, lambda _: None)
    assert len(seen) == len(set(seen))
    assert {row for row in server.rows if row in everything} <= set(seen)


@styles
def test_a_list_that_stays_takes_no_more_requests_than_it_has_pages(style: Style) -> None:
    server = Changing(250, tells=style.tells)
    assert walk(server, style, "async", 100, lambda _: None) == server.rows
    reads_twice = style.start == Numbered.start and style.tells != "all"
    assert server.requests == (5 if reads_twice else 3)


def test_a_total_that_flickers_costs_requests_but_no_rows() -> None:
    server = Changing(500)
    inner = server.fetch

    async def fetch(cursor: Cursor) -> FetchedRows[str]:
        answer = await inner(cursor)
        lower = evolve(answer.pagination, total=(answer.pagination.total or 0) - 30 * (server.requests % 2))
        return evolve(answer, pagination=lower)

    async def everything() -> list[str]:
        return [row async for row in AsyncPager(fetch, Offset.start(None, None, 50))]

    assert sorted(anyio.run(everything)) == sorted(server.rows)
    assert server.requests < 60


@pytest.mark.parametrize("style", [Offset.start, Numbered.start])
def test_a_total_that_is_the_number_of_rows_on_the_page_means_nothing(style: Any) -> None:
    async def fetch(cursor: Cursor) -> FetchedRows[str]:
        query = cursor.query()
        asked.append(dict(query))
        start = query["offset"] if "offset" in query else (query["page"] - 1) * query["limit"]
        rows = [f"r{number}" for number in range(130)][start : start + query["limit"]]
        return FetchedRows(
            items=[(row, row) for row in rows],
            invalid=(),
            count=len(rows),
            pagination=Pagination(total=len(rows), has_more=start + len(rows) < 130),
            meta=ResponseMeta(),
        )

    asked: list[dict[str, int]] = []

    async def everything() -> list[str]:
        return [row async for row in AsyncPager(fetch, style(None, None, 50))]

    assert len(anyio.run(everything)) == 130
    assert len(asked) <= 4


@pytest.mark.parametrize("falls", [0, 1])
def test_a_list_that_turns_in_a_circle_is_an_error(falls: int) -> None:
    asked: list[int] = []

    async def fetch(cursor: Cursor) -> FetchedRows[str]:
        offset = cursor.query()["offset"]
        asked.append(offset)
        assert len(asked) < 500
        rows = [f"r{number % 300}" for number in range(offset, offset + 100)]
        return FetchedRows(
            items=[(row, row) for row in rows],
            invalid=(),
            count=100,
            pagination=Pagination(total=10**6 - falls * len(asked), has_more=True),
            meta=ResponseMeta(request_id="r"),
        )

    async def everything() -> list[str]:
        return [row async for row in AsyncPager(fetch, Offset.start(None, None, 100))]

    with pytest.raises(ResponseDecodeError, match="page after page has no new row") as caught:
        anyio.run(everything)
    assert caught.value.request_id == "r"
