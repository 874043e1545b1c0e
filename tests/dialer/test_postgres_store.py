"""A campaign whose store is a real PostgreSQL: it restarts, its connections are lost, somebody else takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text

import trudy
from tests.dialer.claiming import A, Worker, campaign_of, contacts
from tests.dialer.conftest import START
from tests.dialer.full_disk import full_disk
from tests.dialer.test_disk import NUMBERS, Campaign, campaign
from tests.fakes.clock import FakeClock
from trudy.dialer import Mix, sql_postgres
from trudy.dialer.placing import Dial
from trudy.dialer.records import DueRow
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import StoreBusyError, StoreError
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.sandbox import JumpingClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def end_connections(url: str) -> None:
    """All of the database but the one that says it."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def check_all_called_once(night: Campaign, url: str) -> None:
    """However the run went: the same plan again finishes it, each number rang once, each call has its intent."""
    store = SqlStore(url, clock=night.sandbox.clock)
    await night.dialer.store.close()
    async with trudy.dialer.Dialer(night.dialer.client, store=store, clock=night.sandbox.clock) as dialer:
        plan = await night.plan(dialer)
        result = await dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": len(NUMBERS)}, result.reason
    night.sandbox.assert_no_number_dialed_twice()
    assert len(night.sandbox.placed_calls) == len(NUMBERS)
    with psycopg.connect(url) as connection:
        known = {attempt for (attempt,) in connection.execute("SELECT id FROM attempts")}
    assert {call.variables["trudy_ref"].partition("/")[2] for call in night.sandbox.placed_calls} <= known


def test_a_campaign_is_dialed_and_not_again(postgres_url: str) -> None:
    clock = JumpingClock(start=START)

    async def main() -> None:
        async with campaign(clock, SqlStore(postgres_url, clock=clock)) as night:
            result = await night.run()
            assert (result.state, result.counts) == ("done", {"done": len(NUMBERS)})
            await check_all_called_once(night, postgres_url)

    clock.run(main())


def test_what_is_in_postgresql_is_rehearsed_told_and_exported(postgres_url: str, tmp_path: Path) -> None:
    clock = JumpingClock(start=START)

    async def main() -> None:
        async with campaign(clock, SqlStore(postgres_url, clock=clock)) as night:
            plan, dialer = await night.plan(), night.dialer
            found = await dialer.rehearse(plan, mix=Mix(answered=1.0))
            assert found.statistics.outcomes == {"answered": len(NUMBERS)}
            assert night.sandbox.placed_calls == []
            await night.run()
            await dialer.report(plan.campaign, tmp_path / "report.html", rehearsal=found)
            assert (tmp_path / "report.html").read_text().count("<svg") == 10
            for suffix in (".csv", ".jsonl", ".parquet"):
                path = tmp_path / f"results{suffix}"
                assert await dialer.export(plan.campaign, path) == len(NUMBERS)
                assert await dialer.export(plan.campaign, path, rows="attempts") == len(night.sandbox.placed_calls)
            assert len(await dialer.to_polars(plan.campaign)) == len(NUMBERS)

    clock.run(main())


def test_a_database_that_restarts_in_mid_run(postgres: PostgresServer, postgres_url: str) -> None:
    clock, calls = JumpingClock(start=START), count(1)

    async def should_dial(row: DueRow) -> Dial:
        if next(calls) in (8, 20):
            postgres.stop("immediate")
            postgres.start()
        return Dial()

    async def main() -> None:
        async with campaign(clock, SqlStore(postgres_url, clock=clock)) as night:
            result = await night.run(should_dial=should_dial)
            assert result.state == "done" or result.reason
            await check_all_called_once(night, postgres_url)

    clock.run(main())


def test_a_disk_that_is_full_halts_and_loses_nothing(postgres: PostgresServer, postgres_url: str) -> None:
    clock, calls = JumpingClock(start=START), count(1)

    async def main(full: ExitStack) -> None:
        async def should_dial(row: DueRow) -> Dial:
            if next(calls) == 8:
                full.enter_context(full_disk(postgres, postgres_url))
            return Dial()

        async with campaign(clock, SqlStore(postgres_url, clock=clock)) as night:
            result = await night.run(should_dial=should_dial)
            assert result.state == "halted"
            assert "could not extend file" in (result.reason or "")
            assert 7 <= len(night.sandbox.placed_calls) < len(NUMBERS)
            full.close()
            await check_all_called_once(night, postgres_url)

    with ExitStack() as full:
        clock.run(main(full))


@pytest.mark.parametrize("statement", ["INSERT INTO attempts", "UPDATE attempts", "UPDATE rows", "COMMIT"])
def test_a_connection_that_is_lost_in_a_transaction_halts_and_says_so(postgres_url: str, statement: str) -> None:
    clock = JumpingClock(start=START)
    moments = count(1)

    async def main() -> None:
        store = SqlStore(postgres_url, clock=clock)

        def cut(*happening: object) -> None:
            told = happening[2] if len(happening) > 2 else "COMMIT"
            if str(told).startswith(statement) and next(moments) == 9:
                end_connections(postgres_url)

        async with campaign(clock, store) as night:
            plan = await night.plan()
            event.listen(store._database._engine, "commit" if statement == "COMMIT" else "before_cursor_execute", cut)
            result = await night.dialer.run(plan, confirm=plan.hash)
            assert result.state == "halted"
            assert "terminating connection" in (result.reason or "") or "connection" in (result.reason or "")
            await check_all_called_once(night, postgres_url)

    clock.run(main())


@pytest.fixture
def stores(postgres_url: str) -> Iterator[Callable[[], SqlStore]]:
    made: list[SqlStore] = []

    def make() -> SqlStore:
        made.append(SqlStore(postgres_url, clock=FakeClock()))
        return made[-1]

    yield make
    for store in made:
        store._database._engine.dispose()


async def test_who_lost_the_connection_dials_no_more_once_another_does(
    stores: Callable[[], SqlStore], postgres_url: str
) -> None:
    first, second = stores(), stores()
    await first.open()
    await second.open()
    await first.lock("the first")
    with pytest.raises(StoreBusyError, match="dialed from by the first"):
        await second.lock("the second")
    end_connections(postgres_url)
    await second.lock("the second")
    with pytest.raises(StoreError, match="connection was lost, and the second dials"):
        await first.add_hint("call.ended", None, 1.0)
    await second.close()
    await first.add_hint("call.ended", None, 1.0)
    with pytest.raises(StoreBusyError, match="the first"):
        await second.lock("the second")


async def test_what_is_read_is_of_one_moment_however_many_statements_read_it(
    stores: Callable[[], SqlStore], postgres_url: str
) -> None:
    store = stores()
    await store.open()
    change = await store.server_change()
    await store.guarded(change and change.server)
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)

    def ends(*happening: object) -> None:
        if "FROM attempts" in str(happening[2]):
            with psycopg.connect(postgres_url) as connection:
                connection.execute("UPDATE attempts SET state = 'ended'")

    event.listen(store.database._engine, "after_cursor_execute", ends)
    assert [found.id for found in await store.open_attempts()] == [attempt]
    assert [found.id for found in await store.open_attempts()] == []


async def test_commits_are_durable_whatever_the_servers_default(
    stores: Callable[[], SqlStore], postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[call-overload]
    store = stores()
    await store.open()
    setting = await store._database.in_transaction(lambda it: it.execute(text("SHOW synchronous_commit")).scalar_one())
    assert setting == "on"


async def test_a_write_waits_only_so_long_for_a_process_that_hangs(
    stores: Callable[[], SqlStore], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stores()
    await store.open()
    one_writer = sql_postgres._ONE_WRITER
    monkeypatch.setattr(sql_postgres, "_ONE_WRITER", one_writer.replace("'5000'", "'50'"))
    with psycopg.connect(postgres_url) as hanging:
        hanging.execute(one_writer.encode())
        with pytest.raises(StoreError, match="lock timeout"):
            await store.add_do_not_call([A], "by hand", START)
    assert await store.add_do_not_call([A], "by hand", START) == 1


async def test_a_database_that_is_away_is_told_without_the_password() -> None:
    store = SqlStore("postgresql://ada:secret-word@127.0.0.1:9/leads", clock=FakeClock())
    with pytest.raises(StoreError, match="refused") as caught:
        await store.open()
    assert "secret-word" not in str(caught.value)
