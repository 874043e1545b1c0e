"""The file under a store: whose it is, of which version, and what is no file at all."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from trudy import InvalidArgumentError
from trudy.clock import SystemClock
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import StoreError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


async def opened(path: Path | str) -> SqlStore:
    store = SqlStore(path, clock=SystemClock())
    try:
        await store.open()
        await store.campaigns()
    finally:
        await store.close()
    return store


async def test_a_file_that_is_empty_becomes_a_store_and_stays_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "leads.db").touch()
    first = await opened(tmp_path / "leads.db")
    assert first.id
    assert (await opened(tmp_path / "leads.db")).id == first.id


def test_threads_that_open_stores_at_once_get_each_their_own(tmp_path: Path) -> None:
    """As dialers of a web app do, and two rehearsals."""
    paths = [tmp_path / f"{index}.db" for index in range(6)]
    with ThreadPoolExecutor(len(paths)) as threads:
        stores = list(threads.map(lambda path: anyio.run(opened, path), paths))
    assert len({store.id for store in stores}) == len(paths)


@pytest.mark.parametrize("table", ["cats", "store", "alembic_version", "campaigns"])
async def test_the_file_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, table: str) -> None:
    path = tmp_path / "cats.db"
    change(path, f"CREATE TABLE {table} (x)", f"INSERT INTO {table} VALUES (1)")  # noqa: S608
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        await opened(path)
    with closing(sqlite3.connect(path)) as file:
        assert [name for (name,) in file.execute("SELECT name FROM sqlite_master")] == [table]
    assert table == "store" or path.read_bytes() == before


@pytest.mark.parametrize(
    "change_to", ["UPDATE store SET schema = 99", "UPDATE alembic_version SET version_num = '0099'"]
)
async def test_a_store_of_a_newer_version_is_refused(tmp_path: Path, change_to: str) -> None:
    await opened(tmp_path / "leads.db")
    change(tmp_path / "leads.db", change_to)
    with pytest.raises(StoreError, match="newer version of trudy"):
        await opened(tmp_path / "leads.db")


async def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("phone\n+12125550100\n" * 300)
    with pytest.raises(StoreError, match=r"leads\.csv"):
        await opened(tmp_path / "leads.csv")
    with pytest.raises(StoreError, match="folder is not there"):
        await opened(tmp_path / "missing" / "leads.db")
    with pytest.raises(StoreError):
        await opened(tmp_path)


@pytest.mark.parametrize("url", ["", " ", ":memory:", "sqlite://", "sqlite:///:memory:", "nosuch://host/x", "://"])
def test_what_cannot_be_a_store_is_refused_by_name(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        SqlStore(url, clock=SystemClock())
    assert refused.value.argument == "store"


async def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="async with"):
        await SqlStore(tmp_path / "leads.db", clock=SystemClock()).campaigns()


@pytest.mark.parametrize("url", ["mysql://ada:secret@db/leads", "oracle://db", "ftp://db/leads", "://"])
def test_databases_of_other_kinds_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="SQLite or PostgreSQL") as refused:
        SqlStore(url, clock=SystemClock())
    assert refused.value.argument == "store"
    assert "secret" not in str(refused.value)


async def test_pythons_own_driver_opens_sqlite_whichever_is_named(tmp_path: Path) -> None:
    assert (await opened(f"sqlite+aiosqlite:///{tmp_path}/leads.db")).id
    assert (tmp_path / "leads.db").exists()
