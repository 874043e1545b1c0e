"""What ends a run from outside, also where its database does not answer."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import cast

import anyio
import psycopg
import pytest
from attrs import define, field

from tests.fakes.clock import FakeClock
from trudy.dialer import interrupts
from trudy.dialer.interrupts import until_interrupted
from trudy.dialer.running import CampaignRun
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import StoreError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@define(eq=False)
class Hanging:
    """A run in the middle of a transaction that does not end of itself, and its store."""

    ends_when_cut: bool
    cuts: list[float] = field(factory=list[float])
    failure: None = None
    interrupted: anyio.Event = field(factory=anyio.Event)
    over: anyio.Event = field(factory=anyio.Event)

    @property
    def store(self) -> Hanging:
        return self

    def cut(self, after: float) -> None:
        self.cuts.append(after)
        if self.ends_when_cut and self.interrupted.is_set():
            self.over.set()

    async def interrupt(self) -> None:
        self.interrupted.set()

    async def until_over(self) -> None:
        await anyio.wait_all_tasks_blocked()  # until signals are listened for
        signal.raise_signal(signal.SIGINT)
        await self.interrupted.wait()
        if not self.ends_when_cut:
            signal.raise_signal(signal.SIGTERM)
        await self.over.wait()


async def test_a_transaction_that_hangs_is_cut_off_when_a_run_is_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "_LOOKS_EVERY", 0.01)
    run = Hanging(ends_when_cut=True)
    with anyio.fail_after(20):
        assert await until_interrupted(cast(CampaignRun, run))
    assert run.cuts[-1] == 10.0
    assert set(run.cuts[:-1]) <= {60.0}, "while it goes on, a slow database has more time"


async def test_a_second_signal_cuts_it_off_at_once() -> None:
    run = Hanging(ends_when_cut=False)
    with anyio.fail_after(20):
        assert await until_interrupted(cast(CampaignRun, run), signal.SIGTERM)
    assert run.cuts == [0.0]
    assert not run.over.is_set()


async def test_a_transaction_of_a_database_that_does_not_answer_can_be_cut_off(postgres_url: str) -> None:
    store = SqlStore(postgres_url, clock=FakeClock())
    await store.open()
    with psycopg.connect(postgres_url) as other:
        [(pid,)] = other.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'trudy dialer'").fetchall()

    async def read() -> None:
        with suppress(StoreError):  # or it asks again, on another connection
            await store.campaigns()
        ended.set()

    ended = anyio.Event()
    os.kill(pid, signal.SIGSTOP)
    try:
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read)
                while store.database._began_at is None:  # noqa: ASYNC110  # another thread sets it
                    await anyio.sleep(0.01)
                store.cut(1000.0)
                with anyio.move_on_after(0.2):
                    await ended.wait()
                assert not ended.is_set()
                store.cut(0.0)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await store.campaigns() == []
    store.cut(0.0)
    assert await store.campaigns() == [], "where nothing is under way, nothing is cut"
    await store.close()
