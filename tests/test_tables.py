"""Pages as tables: aware times stay so, words are text, and what is shown masks numbers."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from trudy import ConfigurationError
from trudy._cursors import Cursor, Offset
from trudy._tables import pandas_table
from trudy.models import Call, Pagination, ResponseMeta, decode
from trudy.pagination import AsyncPager, FetchedRows, Page

NUMBER = "+14155550123"


def row(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "status": "ended" if number % 2 else "in-progress",
        "to": NUMBER,
        "duration_seconds": number,
        "variables": {"name": number} if number % 3 else None,
        "metadata": {"n": [number]},
        "recording_url": "https://files.example/a.mp3?signature=abcdefgh",
        "created_at": "2026-03-01T10:00:00Z",
        "ended_at": "2026-03-01T10:00:05.25Z" if number % 2 else None,
        "new_member": "<b>",
    }


async def fetch(cursor: Cursor) -> FetchedRows[Call]:
    query = cursor.query()
    calls = [decode(Call, row(number)) for number in range(7)][query["offset"] : query["offset"] + query["limit"]]
    return FetchedRows(
        items=[(call.id, call) for call in calls],
        invalid=(),
        count=len(calls),
        pagination=Pagination(total=7),
        meta=ResponseMeta(),
    )


def pager() -> AsyncPager[Call]:
    return AsyncPager(fetch, Offset.start(None, None, 5))


async def page() -> Any:
    return await pager()


def test_a_table_of_pandas() -> None:
    table = anyio.run(page).to_pandas()
    assert len(table) == 5
    assert str(table["created_at"].dtype).endswith("UTC]")
    assert table["created_at"][0].to_pydatetime() == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert table["ended_at"].isna().tolist() == [True, False, True, False, True]
    assert table["status"].tolist() == ["in_progress", "completed"] * 2 + ["in_progress"]
    assert {type(word) for word in table["status"]} == {str}
    assert table["to"][0] == NUMBER
    assert table["metadata"][1] == {"n": [1]}
    assert not {"extra", "meta"} & set(table.columns)


def test_a_table_of_polars() -> None:
    import polars as pl

    table = anyio.run(page).to_polars()
    assert table.height == 5
    assert table.schema["created_at"] == pl.Datetime("us", "UTC")
    assert table["created_at"][0] == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert table["metadata"][1] == '{"n": [1]}'
    assert table["variables"].to_list()[:2] == [None, '{"name": 1}']
    assert table["status"][1] == "completed"


def test_tables_of_all_pages() -> None:
    async def both() -> tuple[int, int]:
        return len(await pager().to_pandas()), (await pager().to_polars()).height

    assert anyio.run(both) == (7, 7)


def test_a_table_of_nothing() -> None:
    assert pandas_table([]).empty


def test_what_a_notebook_shows() -> None:
    sync = Page(anyio.run(page), lambda *_: pytest.fail("nothing is fetched for it"))
    shown = sync._repr_html_()
    assert shown == anyio.run(page)._repr_html_()
    assert NUMBER not in shown
    assert "+1415***0123" in shown
    assert "abcdefgh" not in shown
    assert "5 rows on this page of 7" in shown
    assert shown.count("<tr>") == 6


def test_what_a_server_sends_is_no_html() -> None:
    async def hostile(cursor: Cursor) -> FetchedRows[Call]:
        call = decode(Call, {"id": "<script>alert(1)</script>", "sentiment": "<img src=x>"})
        return FetchedRows(items=[(call.id, call)], invalid=(), count=1, pagination=Pagination(), meta=ResponseMeta())

    async def show() -> str:
        return (await AsyncPager(hostile, Offset.start(None, None, 5)))._repr_html_()

    shown = anyio.run(show)
    assert "<script" not in shown
    assert "<img" not in shown


@pytest.mark.parametrize(("library", "method"), [("pandas", "to_pandas"), ("polars", "to_polars")])
def test_a_library_that_is_missing_is_named(library: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigurationError, match=f"pip install {library}"):
        getattr(anyio.run(page), method)()


def test_neither_library_is_imported_before_it_is_asked_for() -> None:
    script = "import sys, trudy, trudy.pagination, trudy.client; print({'pandas', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
