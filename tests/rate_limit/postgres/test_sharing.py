"""One limit for several processes: windows, waits, refusals and places that are shared in a real PostgreSQL."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta

import anyio
import anyio.from_thread
import psycopg
import pytest
from anyio.abc import TaskGroup

import trudy
from tests.rate_limit.postgres.conftest import Make, one, taken
from trudy.clock import monotonic
from trudy.options import RateLimit
from trudy.rate_limit.postgres import PostgresRateLimiter
from trudy.rate_limit.protocol import RateLimitFacts
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


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


async def start_waiting(tasks: TaskGroup, limiter: PostgresRateLimiter) -> None:
    """A task that waits for a place when this returns, and ends the group once it has it."""
    waiting = anyio.Event()

    async def on_wait(seconds: float) -> None:
        waiting.set()

    async def wait() -> None:
        await limiter.admit("interactive", monotonic() + 130, on_wait=on_wait)
        tasks.cancel_scope.cancel()

    tasks.start_soon(wait)
    await waiting.wait()


async def test_a_release_lets_a_task_that_waits_go(make: Make) -> None:
    limiter = make(RateLimit(1, window=120))
    permit = await limiter.admit("interactive", monotonic() + 5)
    async with anyio.create_task_group() as tasks:
        await start_waiting(tasks, limiter)
        await permit.release()
        with anyio.fail_after(30):
            await anyio.sleep_forever()


async def test_a_cancelled_task_leaves_its_place_to_others(make: Make) -> None:
    limiter = make(RateLimit(1, window=120))
    permit = await limiter.admit("interactive", monotonic() + 5)
    async with anyio.create_task_group() as tasks:
        await start_waiting(tasks, limiter)
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


async def test_a_role_that_lacks_a_right_is_told_so_and_needs_none_to_make_tables(
    make: Make, postgres_url: str
) -> None:
    url = postgres_url.replace("postgres@", "web@")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE web LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        try:
            for _ in ("there are no tables", "it may not use them"):
                with pytest.raises(trudy.ConfigurationError, match="SELECT, INSERT, UPDATE and DELETE") as caught:
                    await make(url=url).admit("interactive", monotonic() + 5)
                assert "trudy_rate_" in str(caught.value)
                assert await taken(make())
            admin.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO web")
            assert await taken(make(url=url))
        finally:
            admin.execute("DROP OWNED BY web; DROP ROLE web")


async def test_windows_of_another_length_are_refused(make: Make) -> None:
    assert await taken(make())
    with pytest.raises(trudy.ConfigurationError, match="windows of 3600 s in the database, not of 60 s"):
        await make(5).admit("interactive", monotonic() + 5)


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
