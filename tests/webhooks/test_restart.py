"""What survives a restart of the receiver: over an orderly one everything, exactly once; over a kill, at least once."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import SECRET
from tests.webhooks.sender import Sender
from trudy.testing import Delivery
from trudy.webhooks import CallEnded, SQLiteReplayGuard, WebhookRouter


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_deliveries_over_restarts(tmp_path: Path) -> None:
    """Duplicates, reordering, failing handlers, four orderly restarts. Ten thousand: test_sandbox_delivery.py."""
    handled: Counter[str | None] = Counter()
    failing = random.Random(5)
    sender = Sender(secret=SECRET, sent_at=NOON, seed=11)
    ids = [f"call-{number}" for number in range(1_400)]

    def open_receiver() -> tuple[WebhookRouter, SQLiteReplayGuard]:
        guard = SQLiteReplayGuard(tmp_path / "keys.db")
        router = WebhookRouter(secret=SECRET, clock=FakeClock(), replay_guard=guard)

        @router.on("call.ended")
        async def ended(event: CallEnded) -> None:
            if failing.random() < 0.1:
                raise OSError("database is away")
            await anyio.lowlevel.checkpoint()
            handled[event.call_id] += 1

        return router, guard

    router, guard = open_receiver()
    life = 0

    async def post(delivery: Delivery) -> int | None:
        nonlocal router, guard, life
        if sender.sent % 500 == 0:
            life += 1
            guard.close()
            router, guard = open_receiver()
            return None
        return (await router.handle("POST", delivery.headers, delivery.body)).status

    await sender.run(ids, post)
    guard.close()
    assert sender.sent > 2_000
    assert life >= 4
    assert set(handled) == set(ids), "lost"
    assert set(handled.values()) == {1}, "handled twice"


_RECEIVER = """
import json, sqlite3, sys, time
from tests.webhooks.receivers import flask
from trudy.webhooks import SQLiteReplayGuard, WebhookRouter
directory, secret, seconds, options = sys.argv[1:]
router = WebhookRouter(secret=secret, replay_guard=SQLiteReplayGuard(directory + "/keys.db"), **json.loads(options))
@router.on("call.ended")
def ended(event):
    with sqlite3.connect(directory + "/handled.db", timeout=30, isolation_level=None) as database:
        database.execute("INSERT INTO handled VALUES (?)", (event.call_id,))
    database.close()
    time.sleep(float(seconds))
with flask(router) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Process:
    """A receiver in a process of its own, to be ended or killed."""

    def __init__(self, directory: Path, *, seconds: float = 0, **options: Any) -> None:
        """`seconds` are what its handler takes for each event."""
        root = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RECEIVER, str(directory), SECRET, str(seconds), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def end(self) -> None:
        """Ask it to stop, and wait until it has handled what it acknowledged."""
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def handled_database(directory: Path) -> sqlite3.Connection:
    database = sqlite3.connect(directory / "handled.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE handled (call_id TEXT)")
    return database


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_kills(tmp_path: Path) -> None:
    def start() -> Process:
        return Process(tmp_path, lease=0.05)

    database = handled_database(tmp_path)
    ids = [f"call-{number}" for number in range(150)]
    sender = Sender(secret=SECRET, sent_at=time.time(), seed=3)
    receivers, dead = [start()], list[Process]()
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:

        async def post(delivery: Delivery) -> int | None:
            status: int | None = None
            async with anyio.create_task_group() as group:
                if sender.sent % 60 == 0:
                    group.start_soon(kill_in_the_middle)
                try:
                    response = await client.post(receivers[-1].url, content=delivery.body, headers=delivery.headers)
                    status = response.status_code
                except httpx.TransportError:
                    dead.append(receivers[-1])
            if dead and dead[-1] is receivers[-1]:
                receivers.append(await anyio.to_thread.run_sync(start))
            return status

        async def kill_in_the_middle() -> None:
            await anyio.lowlevel.checkpoint()
            await anyio.to_thread.run_sync(receivers[-1].kill)

        await sender.run(ids, post, tries=14)
    for receiver in receivers:
        receiver.kill()
    handled: Any = Counter(row[0] for row in database.execute("SELECT call_id FROM handled"))
    database.close()
    assert len(receivers) > 2
    assert set(handled) == set(ids), "lost"
    # A kill can fall between a handler's end and the mark that says so; nothing else repeats an event.
    assert sum(handled.values()) - len(ids) <= len(receivers) - 1
