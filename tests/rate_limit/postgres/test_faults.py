"""A database that is down, hangs or keeps a lock, and connections that are lost, closed or forked."""

from __future__ import annotations

import os
import signal
import socket
import threading
from datetime import UTC, datetime, timedelta

import anyio
import anyio.from_thread
import psycopg
import pytest

import trudy
from tests.rate_limit.postgres.conftest import HOUR, IN_USE, Make, one, taken
from trudy.clock import SystemClock, monotonic
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.options import RateLimit
from trudy.rate_limit import postgres as postgres_module
from trudy.rate_limit import postgres_tables
from trudy.rate_limit.fleet import Fleet
from trudy.rate_limit.postgres_tables import RateTables
from trudy.rate_limit.protocol import RateLimitFacts
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_one_connection_a_process_however_many_tasks_and_threads(make: Make, postgres_url: str) -> None:
    limiter = make(RateLimit(1000, window=3600))

    def in_a_loop_of_its_own() -> None:
        async def ask() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(taken, limiter)

        anyio.run(ask)

    threads = [threading.Thread(target=in_a_loop_of_its_own) for _ in range(8)]
    for thread in threads:
        thread.start()
    await anyio.to_thread.run_sync(lambda: [thread.join() for thread in threads])
    assert one(postgres_url, "SELECT count(*) " + IN_USE) == 1
    assert one(postgres_url, "SELECT max(sent) FROM trudy_rate_windows") == 80


async def test_a_database_that_is_down_stops_calls_and_one_that_is_back_lets_them_go(
    make: Make, postgres: PostgresServer
) -> None:
    limiter = make()
    assert await taken(limiter)
    postgres.stop("immediate")
    try:
        with pytest.raises(trudy.APIConnectionError, match="database cannot be used") as caught:
            await limiter.admit("interactive", monotonic() + 30)
    finally:
        postgres.start()
    assert caught.value.code == "rate_limiter_unavailable"
    assert caught.value.retryable
    assert not caught.value.request_sent
    assert [await taken(limiter) for _ in range(5)] == [True] * 4 + [False]


async def test_a_connection_that_was_lost_in_between_is_replaced(make: Make, postgres: PostgresServer) -> None:
    limiter = make()
    assert await taken(limiter)
    postgres.stop("immediate")
    postgres.start()
    assert await taken(limiter)


async def test_a_place_is_not_given_back_twice_and_a_refusal_is_written_later(
    make: Make, postgres: PostgresServer, postgres_url: str
) -> None:
    limiter = make()
    permits = [await limiter.admit("interactive", monotonic() + 5) for _ in range(5)]
    now = datetime.now(UTC)
    facts = RateLimitFacts(refused=True, limit=3, reset_at=now + timedelta(seconds=900), server_time=now)
    postgres.stop("immediate")
    try:
        with pytest.raises(trudy.APIConnectionError):
            await permits[0].release()
        with pytest.raises(trudy.APIConnectionError):
            await permits[1].settle(facts)
    finally:
        postgres.start()
    assert not await taken(limiter)
    assert one(postgres_url, "SELECT stated FROM trudy_rate_limits") == 3
    assert one(postgres_url, "SELECT max(sent) FROM trudy_rate_windows") == 5


async def test_a_database_that_hangs_is_given_up(
    make: Make, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    assert await taken(limiter)
    pid = one(postgres_url, "SELECT pid " + IN_USE)
    assert isinstance(pid, int)
    monkeypatch.setattr(postgres_module, "_HANGS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(trudy.APIConnectionError, match=r"did not answer in 0\.5 s"):
            await limiter.admit("interactive", monotonic() + 60)
    finally:
        os.kill(pid, signal.SIGCONT)
    monkeypatch.undo()
    assert await taken(limiter)


async def test_a_lock_that_is_kept_is_not_waited_for_for_ever(
    make: Make, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = make()
    assert await taken(limiter)
    monkeypatch.setattr(postgres_tables, "_STATEMENT", 1.5)
    with psycopg.connect(postgres_url) as stopped:
        stopped.execute("SELECT 1 FROM trudy_rate_limits FOR UPDATE")
        with pytest.raises(trudy.APIConnectionError, match="QueryCanceled"):
            await limiter.admit("interactive", monotonic() + 60)
    assert await taken(limiter)


async def test_a_process_that_is_stopped_in_mid_transaction_loses_the_lock_and_its_places(
    make: Make, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = RateTables(postgres_url, "default", HOUR, is_given=True)
    monkeypatch.setattr(postgres_tables, "_STATEMENT", 0.5)
    is_in, may_go_on = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def stop(fleet: Fleet) -> None:
        fleet.take(bulk=False)
        is_in.set()
        may_go_on.wait(60)

    def change() -> None:
        try:
            stopped.change(stop)
        except psycopg.Error as error:
            failures.append(error)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        await anyio.to_thread.run_sync(is_in.wait)
        monkeypatch.setattr(postgres_tables, "_STATEMENT", 20)
        assert [await taken(make(), patience=40) for _ in range(6)] == [True] * 5 + [False]
    finally:
        may_go_on.set()
        thread.join()
        stopped.close()
    assert len(failures) == 1


async def test_an_address_that_never_answers_fails_in_seconds(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        limiter = make(url=f"postgresql://a:secret-word@127.0.0.1:{silent.getsockname()[1]}/b?connect_timeout=2")
        with pytest.raises(trudy.APIConnectionError) as caught:
            await limiter.admit("interactive", monotonic() + 60)
        assert "secret-word" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_a_connection_of_its_own(make: Make, postgres_url: str) -> None:
    limiter = make()
    assert anyio.run(taken, limiter)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if [anyio.run(taken, limiter) for _ in range(3)] == [True] * 3 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [anyio.run(taken, limiter) for _ in range(2)] == [True, False]


def test_a_loop_that_was_closed_keeps_no_place(make: Make, postgres_url: str) -> None:
    limiter = make(RateLimit(1, window=120))

    async def abandons() -> None:
        await limiter.admit("interactive", monotonic() + 5)
        with anyio.move_on_after(0.2):
            await limiter.admit("interactive", monotonic() + 200)

    anyio.run(abandons)
    assert one(postgres_url, "SELECT max(sent) FROM trudy_rate_windows") == 1


def test_a_closed_limiter_says_so(make: Make) -> None:
    limiter = make()
    assert anyio.run(taken, limiter)
    limiter.close()
    with pytest.raises(trudy.APIConnectionError, match="is closed"):
        anyio.run(taken, limiter)


async def test_while_the_database_is_down_nothing_is_sent(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sandbox = Sandbox()
    limiter = make(url=f"postgresql://a@127.0.0.1:{port}/b")
    async with sandbox.async_client(rate_limiter=limiter, max_retries=1, clock=SystemClock()) as client:
        with pytest.raises(trudy.APIConnectionError) as caught:
            await client.agents.get("a1")
    assert caught.value.code == "rate_limiter_unavailable"
    assert sandbox.requests == []


def test_what_another_thread_has_closed_is_cut_without_an_error(postgres_url: str) -> None:
    tables = RateTables(postgres_url, "default", HOUR, is_given=True)
    tables.change(lambda fleet: None)
    connection = tables._connection
    assert connection is not None
    connection.close()  # as when its own thread finds it lost
    tables.cut()
    assert tables.change(lambda fleet: "again") == "again"
    tables.close()


def test_places_are_durable_whatever_the_servers_default(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[call-overload]
    tables = RateTables(postgres_url, "default", HOUR, is_given=True)
    for _ in ("a new connection", "the same one, in its next transaction"):
        assert tables._begun().execute("SHOW synchronous_commit").fetchone() == ("on",)
        tables.change(lambda fleet: None)
    tables.close()
