"""The shared limiter on a real PostgreSQL: loops, threads, forks, faults of the database."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import anyio
import anyio.from_thread
import psycopg
import pytest
from attrs import evolve

import trudy
from trudy.clock import SystemClock, monotonic
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit import postgres as postgres_module
from trudy.rate_limit import postgres_tables
from trudy.rate_limit.fleet import Fleet
from trudy.rate_limit.postgres import PostgresRateLimiter
from trudy.rate_limit.postgres_tables import RateTables
from trudy.rate_limit.protocol import RateLimitFacts
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio

HOUR = RateLimit(5, window=3600)
IN_USE = "FROM pg_stat_activity WHERE application_name = 'trudy rate limiter' AND datname = current_database()"
Make = Callable[..., PostgresRateLimiter]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(postgres_url: str) -> Iterator[Make]:
    """Limiters on one empty database, as processes would have them."""
    made: list[PostgresRateLimiter] = []
    groups: set[str] = set()

    def make(
        rate_limit: RateLimit | int | None = HOUR, *, url: str = postgres_url, group: str = "default"
    ) -> PostgresRateLimiter:
        if url == postgres_url and group not in groups:
            groups.add(group)
            begin_a_window(url, group, RateLimit.of(rate_limit) or RateLimit())
        made.append(PostgresRateLimiter(url, rate_limit=rate_limit, group=group))
        return made[-1]

    yield make
    for limiter in made:
        limiter.close()


def begin_a_window(url: str, group: str, pace: RateLimit) -> None:
    """Windows begin a quarter of their length before now, so that no test depends on the hour."""

    def change(fleet: Fleet) -> None:
        phase = (fleet.now - pace.window / 4) % pace.window
        fleet.limit = evolve(fleet.limit, phase=phase, learned_at=fleet.now)

    tables = RateTables(url, group, pace, is_given=True)
    tables.change(change)
    tables.close()


async def taken(limiter: PostgresRateLimiter, lane: AdmissionLane = "interactive", *, patience: float = 0) -> bool:
    try:
        permit = await limiter.admit(lane, monotonic() + 5 if patience == 0 else monotonic() + patience)
    except trudy.RateLimitError:
        return False
    await permit.settle(RateLimitFacts(refused=False))
    return True


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
        return None if row is None else row[0]


async def test_two_processes_share_one_window(make: Make, postgres_url: str) -> None:
    first, second = make(), make()
    assert [await taken(limiter) for limiter in (first, second) * 4] == [True] * 5 + [False] * 3
    assert one(postgres_url, "SELECT sum(sent) FROM trudy_rate_windows") == 5


async def test_many_tasks_at_once_take_no_more_than_the_limit(make: Make) -> None:
    limiters, went = [make(), make()], list[bool]()

    async def ask(limiter: PostgresRateLimiter) -> None:
        went.append(await taken(limiter))

    async with anyio.create_task_group() as tasks:
        for number in range(60):
            tasks.start_soon(ask, limiters[number % 2])
    assert sum(went) == 5


async def test_groups_have_windows_of_their_own(make: Make) -> None:
    assert all([await taken(make(RateLimit(1, window=3600), group=name)) for name in ("ours", "theirs")])
    assert not await taken(make(RateLimit(1, window=3600), group="ours"))


async def test_bulk_leaves_its_share_and_looks_for_lost_calls_go_first(make: Make) -> None:
    limiter = make(RateLimit(8, window=3600))
    assert [await taken(limiter, "bulk") for _ in range(8)] == [True] * 6 + [False] * 2
    assert await taken(limiter, "reconcile")
    assert await taken(limiter)
    assert not await taken(limiter, "reconcile")


async def test_a_turn_that_comes_too_late_is_told_at_once_with_the_reset(make: Make) -> None:
    limiter = make(RateLimit(1, window=3600))
    waits: list[float] = []

    async def on_wait(seconds: float) -> None:
        waits.append(seconds)

    assert await taken(limiter)
    began = monotonic()
    with pytest.raises(trudy.RateLimitError, match="fleet's rate limit lets this request go in") as caught:
        await limiter.admit("interactive", began + 30, on_wait=on_wait)
    assert monotonic() - began < 5
    assert caught.value.limit == 1
    assert caught.value.reset_at is not None
    assert timedelta(0) < caught.value.reset_at - datetime.now(UTC) <= timedelta(hours=1)
    assert waits == []


async def test_a_wait_is_announced_once_and_ends_with_the_window(make: Make) -> None:
    limiter = make(RateLimit(2, window=2))
    waits: list[float] = []

    async def on_wait(seconds: float) -> None:
        waits.append(seconds)

    for _ in range(2):
        assert await taken(limiter)
    await limiter.admit("interactive", monotonic() + 30, on_wait=on_wait)
    await limiter.admit("interactive", monotonic() + 30)
    assert len(waits) <= 1
    assert all(0 < wait <= 2.2 for wait in waits)


async def test_a_released_place_is_free_for_another_process(make: Make) -> None:
    first, second = make(RateLimit(1, window=3600)), make(RateLimit(1, window=3600))
    permit = await first.admit("interactive", monotonic() + 5)
    assert not await taken(second)
    await permit.release()
    third = make(RateLimit(1, window=3600))
    assert await taken(third)


async def test_a_release_lets_a_task_that_waits_go(make: Make) -> None:
    limiter = make(RateLimit(1, window=120))
    permit = await limiter.admit("interactive", monotonic() + 5)
    async with anyio.create_task_group() as tasks:
        waiting = anyio.Event()

        async def on_wait(seconds: float) -> None:
            waiting.set()

        async def wait() -> None:
            await limiter.admit("interactive", monotonic() + 130, on_wait=on_wait)
            tasks.cancel_scope.cancel()

        tasks.start_soon(wait)
        await waiting.wait()
        await permit.release()
        with anyio.fail_after(30):
            await anyio.sleep_forever()


async def test_a_cancelled_task_leaves_its_place_to_others(make: Make) -> None:
    limiter = make(RateLimit(1, window=120))
    permit = await limiter.admit("interactive", monotonic() + 5)
    async with anyio.create_task_group() as tasks:
        waiting = anyio.Event()

        async def on_wait(seconds: float) -> None:
            waiting.set()

        async def wait() -> None:
            await limiter.admit("interactive", monotonic() + 130, on_wait=on_wait)

        tasks.start_soon(wait)
        await waiting.wait()
        tasks.cancel_scope.cancel()
    await permit.release()
    assert await taken(limiter)


async def test_a_refusal_closes_the_window_for_all_and_teaches_the_limit(make: Make, postgres_url: str) -> None:
    first, second = make(RateLimit(100, window=3600)), make(RateLimit(100, window=3600))
    permit = await first.admit("interactive", monotonic() + 5)
    now = datetime.now(UTC)
    facts = RateLimitFacts(refused=True, limit=40, reset_at=now + timedelta(seconds=600), server_time=now)
    await permit.settle(facts)
    for limiter in (first, second):
        with pytest.raises(trudy.RateLimitError) as caught:
            await limiter.admit("interactive", monotonic() + 30)
        assert caught.value.limit == 40
    assert one(postgres_url, "SELECT stated FROM trudy_rate_limits") == 40


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


async def test_the_tables_are_made_once_by_many_at_a_time(postgres_url: str) -> None:
    limiters, went = [PostgresRateLimiter(postgres_url, rate_limit=5) for _ in range(8)], list[bool]()

    async def ask(limiter: PostgresRateLimiter) -> None:
        went.append(await taken(limiter))

    async with anyio.create_task_group() as tasks:
        for limiter in limiters:
            tasks.start_soon(ask, limiter)
    for limiter in limiters:
        limiter.close()
    assert 5 <= sum(went) <= 8
    assert one(postgres_url, "SELECT count(*) FROM trudy_rate_schema") == 1


async def test_tables_of_another_version_are_refused(make: Make, postgres_url: str) -> None:
    assert await taken(make())
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE trudy_rate_schema SET version = 7")
    with pytest.raises(trudy.ConfigurationError, match="version 7, and this library needs 1"):
        await make().admit("interactive", monotonic() + 5)


async def test_windows_of_another_length_are_refused(make: Make) -> None:
    assert await taken(make())
    with pytest.raises(trudy.ConfigurationError, match="windows of 3600 s in the database, not of 60 s"):
        await make(5).admit("interactive", monotonic() + 5)


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


@pytest.mark.parametrize(
    ("conninfo", "more", "match"),
    [
        ("", {}, "conninfo must be a URL"),
        ("nonsense secret-word", {}, "conninfo is no PostgreSQL URL"),
        ("postgresql://h/d", {"group": ""}, "group must be a name"),
        ("postgresql://h/d", {"rate_limit": False}, "rate_limit must be a number"),
        ("postgresql://h/d", {"rate_limit": 0}, "rate_limit"),
    ],
)
def test_bad_arguments_are_named(conninfo: str, more: dict[str, object], match: str) -> None:
    with pytest.raises(trudy.InvalidArgumentError, match=match) as caught:
        PostgresRateLimiter(conninfo, **more)  # type: ignore[arg-type]
    assert "secret-word" not in str(caught.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(trudy.ConfigurationError, match="dialer-postgres"):
        PostgresRateLimiter("postgresql://h/d")


def test_the_sync_client_asks_from_every_thread(make: Make) -> None:
    sandbox = Sandbox(rate_limit=None)
    with sandbox.serve() as server, server.client(rate_limiter=make(RateLimit(20, window=3600))) as client:
        threads = [threading.Thread(target=client.agents.list, kwargs={"limit": 1}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pages = [client.agents.list(limit=1) for _ in range(4)]
        assert len(pages) == 4
        for page in pages:
            list(page)
        assert len(sandbox.requests) <= 20


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
