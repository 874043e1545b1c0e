"""What every replay guard promises; then what is each one's own. Redis is a real server."""

from __future__ import annotations

import itertools
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.webhooks.forking import fork_of_c, in_child
from tests.webhooks.redis_proxy import losing_one_answer
from tests.webhooks.redis_server import BINARY, redis_server
from tests.webhooks.samples import SECRET
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.testing import make_delivery
from trudy.webhooks import MemoryReplayGuard, RedisReplayGuard, ReplayGuard, SQLiteReplayGuard, WebhookRouter

Maker = Callable[[], Any]


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if BINARY is None:
        pytest.skip("no redis-server on this machine")
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make_guard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Maker]:
    """Makes guards on one store; for memory, always the same guard."""
    made: list[Any] = []

    def make() -> Any:
        match request.param:
            case "memory":
                return made[0] if made else made.append(MemoryReplayGuard()) or made[0]
            case "sqlite":
                made.append(SQLiteReplayGuard(tmp_path / "keys.db"))
            case _:
                made.append(RedisReplayGuard(request.getfixturevalue("redis_url"), prefix=f"{tmp_path.name}:"))
        return made[-1]

    yield make
    for guard in made:
        if isinstance(guard, SQLiteReplayGuard):
            guard.close()
        elif isinstance(guard, RedisReplayGuard):
            guard._redis.close()


def test_a_key_goes_from_new_to_busy_to_done(make_guard: Maker) -> None:
    guard: ReplayGuard = make_guard()
    assert guard.begin("a", 60) == "new"
    assert guard.begin("a", 60) == "busy"
    assert guard.begin("b", 60) == "new"
    guard.commit("a", 60)
    assert guard.begin("a", 60) == "done"
    assert guard.begin("b", 60) == "busy"


def test_an_abandoned_key_is_new_again(make_guard: Maker) -> None:
    guard: ReplayGuard = make_guard()
    assert guard.begin("a", 60) == "new"
    guard.abandon("a")
    assert guard.begin("a", 60) == "new"
    guard.commit("a", 60)
    guard.abandon("a")
    assert guard.begin("a", 60) == "done"


def test_abandoning_and_committing_what_was_never_begun(make_guard: Maker) -> None:
    guard: ReplayGuard = make_guard()
    guard.abandon("a")
    guard.commit("b", 60)
    assert (guard.begin("a", 60), guard.begin("b", 60)) == ("new", "done")


def test_one_of_many_threads_gets_the_key(make_guard: Maker) -> None:
    guards = [make_guard() for _ in range(4)]
    start = threading.Barrier(8)

    def claim(number: int) -> list[str]:
        start.wait()
        return [guards[number % 4].begin(f"key {key}", 60) for key in range(50)]

    with ThreadPoolExecutor(8) as pool:
        verdicts = Counter((key, verdict) for row in pool.map(claim, range(8)) for key, verdict in enumerate(row))
    assert all(verdicts[key, "new"] == 1 and verdicts[key, "busy"] == 7 for key in range(50))


def test_a_guard_of_a_dead_process_gives_way(make_guard: Maker) -> None:
    dead, alive = make_guard(), make_guard()
    assert dead.begin("a", 0.001) == "new"
    deadline = threading.Event()
    for _ in range(1000):
        if (verdict := alive.begin("a", 60)) == "new":
            break
        assert verdict == "busy"
        deadline.wait(0.001)
    assert alive.begin("a", 60) == "busy"
    if dead is not alive:
        # It was not dead after all: what it gives up is no longer its own.
        dead.abandon("a")
        assert alive.begin("a", 60) == "busy"
        dead.commit("a", 60)
        assert alive.begin("a", 60) == "done"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_fork_amid_the_calls_of_other_threads(kind: str, tmp_path: Path) -> None:
    """The threads are not in the child, and what they held must not be held there."""
    guard = MemoryReplayGuard() if kind == "memory" else SQLiteReplayGuard(tmp_path / "keys.db")
    stop = threading.Event()

    def work(number: int) -> None:
        for turn in itertools.count():
            if stop.is_set():
                break
            guard.begin(f"{number}:{turn}", 60)
            guard.commit(f"{number}:{turn}", 60)

    with ThreadPoolExecutor(2) as pool:
        pool.map(work, range(2))
        try:
            for _ in range(30):
                in_child(lambda: guard.begin("child", 60))
        finally:
            stop.set()
    if isinstance(guard, SQLiteReplayGuard):
        guard.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_time(kind: str, tmp_path: Path) -> None:
    clock = FakeClock()
    guard = MemoryReplayGuard(clock=clock) if kind == "memory" else SQLiteReplayGuard(tmp_path / "k.db", clock=clock)
    assert guard.begin("a", 10) == "new"
    clock.advance(9.9)
    assert guard.begin("a", 10) == "busy"
    clock.advance(0.2)
    assert guard.begin("a", 10) == "new"
    guard.commit("a", 100)
    clock.advance(99)
    assert guard.begin("a", 10) == "done"
    clock.advance(2)
    assert guard.begin("a", 10) == "new"
    if isinstance(guard, SQLiteReplayGuard):
        guard.close()


class TestMemory:
    def test_bounded(self) -> None:
        guard = MemoryReplayGuard(max_keys=100)
        for number in range(1000):
            assert guard.begin(str(number), 60) == "new"
            guard.commit(str(number), 60)
        assert len(guard) == 100
        assert guard.begin("999", 60) == "done"
        assert guard.begin("899", 60) == "new"

    def test_claims_are_never_pushed_out(self) -> None:
        guard = MemoryReplayGuard(max_keys=1)
        assert guard.begin("slow", 60) == "new"
        for number in range(10):
            guard.begin(str(number), 60)
            guard.commit(str(number), 60)
        assert guard.begin("slow", 60) == "busy"

    def test_forgets_what_is_over(self) -> None:
        clock = FakeClock()
        guard = MemoryReplayGuard(clock=clock)
        for number in range(10):
            guard.commit(str(number), 60)
        clock.advance(61)
        guard.commit("last", 60)
        assert len(guard) == 1

    def test_no_room_at_all(self) -> None:
        with pytest.raises(InvalidArgumentError):
            MemoryReplayGuard(max_keys=0)


_CLAIM = """
import sys
from trudy.webhooks import SQLiteReplayGuard
guard = SQLiteReplayGuard(sys.argv[1])
sys.stdin.readline()
won = [key for key in range(200) if guard.begin(f"key {key}", 60) == "new"]
for key in won[::2]:
    guard.commit(f"key {key}", 60)
print(*won)
"""


_FORK_AMID_A_CALL = """
import os, signal, sys
from trudy.webhooks import SQLiteReplayGuard

def fork(*_):
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print("forked")

def interrupted():
    signal.raise_signal(signal.SIGUSR1)
    return open_file()

signal.signal(signal.SIGUSR1, fork)
guard = SQLiteReplayGuard(sys.argv[1])
open_file, guard._open = guard._open, interrupted
print(guard.begin("a", 60))
"""


class TestSQLite:
    def test_processes_that_open_the_file_at_once(self, tmp_path: Path) -> None:
        path = str(tmp_path / "keys.db")
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", _CLAIM, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(4)
        ]
        won: list[str] = []
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            out, _ = worker.communicate(timeout=60)
            assert worker.returncode == 0
            won += out.split()
        assert sorted(won, key=int) == [str(key) for key in range(200)]

    def test_waits_for_one_who_is_about_to_make_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.db"
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        guard = SQLiteReplayGuard(path)
        threading.Timer(0.2, other.execute, ["COMMIT"]).start()
        assert guard.begin("a", 60) == "new"
        guard.close()
        other.close()

    def test_what_is_done_outlives_the_guard(self, tmp_path: Path) -> None:
        first = SQLiteReplayGuard(tmp_path / "keys.db")
        first.begin("a", 60)
        first.commit("a", 60)
        first.begin("b", 60)
        first.close()
        second = SQLiteReplayGuard(tmp_path / "keys.db")
        assert (second.begin("a", 60), second.begin("b", 60)) == ("done", "busy")
        second.close()

    def test_uses_wal(self, tmp_path: Path) -> None:
        guard = SQLiteReplayGuard(tmp_path / "keys.db")
        guard.begin("a", 60)
        with sqlite3.connect(tmp_path / "keys.db") as database:
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.close()
        guard.close()

    def test_sweeps(self, tmp_path: Path) -> None:
        clock = FakeClock()
        guard = SQLiteReplayGuard(tmp_path / "keys.db", clock=clock)
        for number in range(1500):
            guard.begin(str(number), 60)
            guard.commit(str(number), 60)
        clock.advance(61)
        for number in range(1500, 2001):
            guard.begin(str(number), 60)
        assert guard._connection is not None
        assert guard._connection.execute("SELECT count(*) FROM trudy_webhook_keys").fetchone()[0] <= 501
        guard.close()

    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_file_that_another_process_locks_stalls_neither_other_files_nor_forks(self, tmp_path: Path) -> None:
        guard, free = SQLiteReplayGuard(tmp_path / "keys.db"), SQLiteReplayGuard(tmp_path / "other.db")
        guard.begin("a", 60)
        other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(guard.begin, "b", 60)
            for number in range(20):
                assert free.begin(str(number), 60) == "new"
                in_child(lambda: free.begin("child", 60))
            assert not waiting.done()
            other.execute("COMMIT")
            assert waiting.result(60) == "new"
        for each in (guard, free, other):
            each.close()

    def test_a_file_that_stays_locked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("trudy.webhooks.replay.sqlite._BUSY_WAIT", 0.05)
        guard = SQLiteReplayGuard(tmp_path / "keys.db")
        other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            guard.begin("a", 60)
        other.execute("COMMIT")
        assert guard.begin("a", 60) == "new"
        guard.close()
        other.close()

    def test_a_file_that_stays_locked_costs_a_delivery_less_than_the_sender_waits(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 0.0

        def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds

        monkeypatch.setattr("trudy.webhooks.replay.sqlite.monotonic", lambda: now)
        monkeypatch.setattr("trudy.webhooks.replay.sqlite.time", SimpleNamespace(sleep=sleep))
        guard = SQLiteReplayGuard(tmp_path / "keys.db")
        router = WebhookRouter(secret=SECRET, replay_guard=guard)
        other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        made = make_delivery("call.ended", secret=SECRET)
        assert router.handle_blocking("POST", made.headers, made.body).status == 500
        assert 2 < now < 10
        other.execute("COMMIT")
        assert router.handle_blocking("POST", made.headers, made.body).status == 204
        guard.close()
        other.close()

    def test_a_signal_handler_may_fork_amid_a_call(self, tmp_path: Path) -> None:
        run = subprocess.run(
            [sys.executable, "-c", _FORK_AMID_A_CALL, str(tmp_path / "keys.db")],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert run.stdout.split() == ["forked", "new"]

    def test_a_path_that_cannot_be(self, tmp_path: Path) -> None:
        with pytest.raises(sqlite3.OperationalError):
            SQLiteReplayGuard(tmp_path / "nowhere" / "keys.db").begin("a", 60)

    @pytest.mark.parametrize("fork", [os.fork, fork_of_c])
    def test_fork(self, tmp_path: Path, fork: Callable[[], int]) -> None:
        guard = SQLiteReplayGuard(tmp_path / "keys.db")
        assert guard.begin("parent", 60) == "new"
        parents = guard._connection

        def use() -> None:
            guard.abandon("parent")  # not the child's to give up
            assert (guard.begin("parent", 60), guard.begin("child", 60)) == ("busy", "new")
            assert guard._connection is not parents

        in_child(use, fork=fork)
        assert guard.begin("child", 60) == "busy"
        guard.commit("parent", 60)
        assert guard.begin("parent", 60) == "done"
        guard.close()


class TestRedis:
    def test_a_client_that_decodes(self, redis_url: str, tmp_path: Path) -> None:
        import redis

        with redis.Redis.from_url(redis_url, decode_responses=True) as client:
            guard = RedisReplayGuard(client, prefix=f"{tmp_path.name}:")
            assert (guard.begin("a", 60), guard.begin("a", 60)) == ("new", "busy")
            guard.abandon("a")
            assert guard.begin("a", 60) == "new"
            guard.commit("a", 60)
            assert guard.begin("a", 60) == "done"

    def test_keys_expire_by_themselves(self, redis_url: str, tmp_path: Path) -> None:
        import redis

        with redis.Redis.from_url(redis_url) as client:
            guard = RedisReplayGuard(client, prefix=f"{tmp_path.name}:")
            guard.begin("a", 60)
            guard.begin("b", 60)
            guard.commit("b", 3600)
            assert 0 < client.pttl(f"{tmp_path.name}:a") <= 60_000
            assert 60_000 < client.pttl(f"{tmp_path.name}:b") <= 3_600_000

    def test_a_forked_child_is_another_owner(self, redis_url: str, tmp_path: Path) -> None:
        guard = RedisReplayGuard(redis_url, prefix=f"{tmp_path.name}:")
        assert guard.begin("parent", 60) == "new"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                guard.abandon("parent")  # not the child's to give up
                code = 0 if guard.begin("parent", 60) == "busy" else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        guard.abandon("parent")
        assert guard.begin("parent", 60) == "new"

    def test_a_url_gets_time_limits_unless_it_names_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import redis

        made: list[dict[str, Any]] = []
        from_url = redis.Redis.from_url

        def spy(url: str, **options: Any) -> redis.Redis:
            made.append(options)
            return from_url(url, **options)

        monkeypatch.setattr(redis.Redis, "from_url", spy)
        guard = RedisReplayGuard("redis://127.0.0.1:1/0?socket_timeout=1")
        assert isinstance(guard, RedisReplayGuard)
        assert made == [{"socket_timeout": 5.0, "socket_connect_timeout": 5.0}]
        settings = guard._redis.connection_pool.connection_kwargs
        assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == (1.0, 5.0)

    @pytest.mark.parametrize("retries", [0, 1])
    def test_a_claim_whose_answer_was_lost_blocks_nothing(self, redis_url: str, tmp_path: Path, retries: int) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        seen: list[str | None] = []
        made = make_delivery("call.ended", secret=SECRET)
        retry: dict[str, Any] = {"retry": Retry(NoBackoff(), retries), "retry_on_error": [redis.ConnectionError]}
        with losing_one_answer(redis_url) as url, redis.Redis.from_url(url, **retry) as client:
            router = WebhookRouter(secret=SECRET, replay_guard=RedisReplayGuard(client, prefix=f"{tmp_path.name}:"))
            router.on("call.ended")(lambda event: seen.append(event.call_id))
            answers = [router.handle_blocking("POST", made.headers, made.body).status for _ in range(3)]
        assert answers == ([204, 204, 204] if retries else [500, 204, 204])
        assert len(seen) == 1

    def test_an_async_client_is_refused(self) -> None:
        import redis.asyncio

        for client in (redis.asyncio.Redis(), redis.asyncio.RedisCluster(host="127.0.0.1")):
            with pytest.raises(InvalidArgumentError, match="async client") as caught:
                RedisReplayGuard(client)  # type: ignore[arg-type]
            assert caught.value.argument == "redis"

    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match=r"trudy-python-sdk\[redis\]"):
            RedisReplayGuard("redis://127.0.0.1:1/0")
