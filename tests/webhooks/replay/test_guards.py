"""What every replay guard promises. Redis is a real server."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.webhooks.forking import in_child
from trudy.webhooks import MemoryReplayGuard, RedisReplayGuard, ReplayGuard, SQLiteReplayGuard

Maker = Callable[[], Any]


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
