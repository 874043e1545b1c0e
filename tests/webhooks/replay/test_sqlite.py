from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.fakes.clock import FakeClock
from tests.webhooks.forking import fork_of_c, in_child
from tests.webhooks.samples import SECRET
from trudy.testing import make_delivery
from trudy.webhooks import SQLiteReplayGuard, WebhookRouter

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

    def test_waits_while_another_process_creates_the_file(self, tmp_path: Path) -> None:
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
