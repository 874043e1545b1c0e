"""Two processes and one store, and a process that was frozen: who may dial, and who may not send any more."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import anyio
import pytest
from attrs import evolve, frozen

from tests.dialer.child import PATIENCE, Job, numbers_that, running
from trudy import AsyncTrudyClient
from trudy.dialer import Dialer
from trudy.dialer.placing import SEND_WITHIN
from trudy.dialer.sql_store import SqlStore
from trudy.sandbox import Sandbox


@frozen
class Served:
    sandbox: Sandbox
    job: Job

    def dialer(self) -> Dialer:
        """One in this process, for what needs no calls."""
        client = AsyncTrudyClient(base_url=self.job.environment["TRUDY_BASE_URL"], api_key=self.sandbox.api_key)
        return Dialer(client, store=self.job.store, clock=self.sandbox.clock)

    def attempts(self) -> list[tuple[str, str | None]]:
        with sqlite3.connect(self.job.store) as store:
            return store.execute("SELECT state, error FROM attempts ORDER BY intent_at").fetchall()

    def wait_until(self, moment: float) -> None:
        """Until the sandbox's clock, which no other process can be told to move, shows it."""
        until = time.monotonic() + PATIENCE
        while self.sandbox.clock.time() < moment and time.monotonic() < until:
            time.sleep(0.01)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    sandbox = Sandbox(speed=60, rate_limit=None)
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        numbers = numbers_that(20, 0, 1, 2, 3)
        yield Served(
            sandbox,
            Job(store=tmp_path / "leads.db", agent=agent.id, numbers=numbers, environment=server.environment),
        )


def test_the_second_process_is_refused_by_name_and_takes_over_when_the_first_dies(served: Served) -> None:
    with running(served.job) as first:
        first.wait_for("placed")
        with running(served.job) as second:
            refusal = second.wait_for("busy")
        assert f"process {first.process.pid}" in refusal
        assert str(served.job.store) in refusal
        first.kill()
        with running(served.job) as third:
            assert third.result().state == "done"
    served.sandbox.assert_no_number_dialed_twice()
    assert len(served.sandbox.placed_calls) == 20


def test_another_name_of_the_file_has_the_same_lock(served: Served, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(served.job.store)
    with running(served.job) as first:
        first.wait_for("placed")
        with running(evolve(served.job, store=tmp_path / "link.db")) as second:
            assert f"process {first.process.pid}" in second.wait_for("busy")


def test_a_frozen_process_keeps_its_lock(served: Served) -> None:
    with running(evolve(served.job, freeze="after")) as first:
        first.wait_for("frozen")
        with running(served.job) as second:
            second.wait_for("busy")


def test_a_thawed_process_does_not_send_what_is_too_late(served: Served) -> None:
    with running(evolve(served.job, freeze="after")) as child:
        child.wait_for("frozen")
        served.wait_until(served.sandbox.clock.time() + SEND_WITHIN + 1)
        assert not served.sandbox.placed_calls
        child.signal(signal.SIGCONT)
        assert child.result().state == "done"
    assert served.attempts()[0] == ("not_sent", "too_late")
    served.sandbox.assert_no_number_dialed_twice()
    assert len(served.sandbox.placed_calls) == 20


def test_a_thawed_process_does_not_claim_from_a_shard_that_another_has_taken(served: Served) -> None:
    async def take(campaign: str) -> int:
        store = SqlStore(served.job.store, clock=served.sandbox.clock)
        await store.open()
        fence = await store.take_shard(campaign, 0, "another")
        await store.close()
        return fence

    with running(evolve(served.job, freeze="before")) as child:
        campaign = child.wait_for("planned")
        child.wait_for("frozen")
        fence = anyio.run(take, campaign)
        child.signal(signal.SIGCONT)
        assert child.result().state == "done"
    with sqlite3.connect(served.job.store) as store:
        fences = {found for (found,) in store.execute("SELECT fence FROM attempts")}
    assert min(fences) > fence
    served.sandbox.assert_no_number_dialed_twice()


def test_a_process_that_is_frozen_again_and_again_rings_nobody_twice(served: Served) -> None:
    served.sandbox.faults.add(method="POST", path="/calls", probability=0.2, reset="after")
    with running(served.job) as child:
        child.wait_for("planned")
        for _ in range(10):
            served.wait_until(served.sandbox.clock.time() + 3)
            os.kill(child.process.pid, signal.SIGSTOP)
            served.wait_until(served.sandbox.clock.time() + 2 * SEND_WITHIN)
            os.kill(child.process.pid, signal.SIGCONT)
        assert child.result().state == "done"
    served.sandbox.assert_no_number_dialed_twice()
    assert len(served.sandbox.placed_calls) == 20


async def act(served: Served, word: Literal["pause", "resume", "stop"], campaign: str) -> int | None:
    """What another process says to a campaign, and what it is told."""
    async with served.dialer() as dialer:
        found: int | None = await getattr(dialer, word)(campaign)
        await dialer.client.aclose()
        return found


def test_another_process_pauses_a_run_and_lets_it_go_on_within_two_seconds(served: Served) -> None:
    with running(served.job) as child:
        campaign = child.wait_for("planned")
        child.wait_for("placed", 5)
        anyio.run(act, served, "pause", campaign)
        child.wait_for("paused")
        held = len(served.sandbox.placed_calls)
        paused_at = served.sandbox.clock.time()
        served.wait_until(paused_at + 120)
        assert child.process.is_alive()
        assert len(served.sandbox.placed_calls) == held < 20
        child.wait_for("ended", held)
        anyio.run(act, served, "resume", campaign)
        resumed_at = served.sandbox.clock.time()
        child.wait_for("resumed")
        assert child.result().state == "done"
    calls = sorted(call.created_at for call in served.sandbox.placed_calls)
    # The child's own time stands beside this limit: 60 simulated seconds are one of its.
    assert calls[held] - resumed_at < 2 + 60
    served.sandbox.assert_no_number_dialed_twice()
    assert len(calls) == 20


def test_another_process_stops_a_run_that_is_paused(served: Served) -> None:
    with running(served.job) as child:
        campaign = child.wait_for("planned")
        child.wait_for("placed", 5)
        anyio.run(act, served, "pause", campaign)
        child.wait_for("paused")
        anyio.run(act, served, "stop", campaign)
        assert child.result().state == "stopped"
    assert len(served.sandbox.placed_calls) < 20


def test_ctrl_c_ends_a_run_that_is_paused(served: Served) -> None:
    with running(served.job) as child:
        campaign = child.wait_for("planned")
        child.wait_for("placed", 5)
        anyio.run(act, served, "pause", campaign)
        child.wait_for("paused")
        child.signal(signal.SIGINT)
        result = child.result()
    assert (result.state, result.reason) == ("paused", "by hand")


@pytest.mark.parametrize("word", ["pause", "stop"])
def test_another_process_ends_the_wait_for_the_rate_limit(served: Served, word: Literal["pause", "stop"]) -> None:
    # Nothing is admitted any more, so that what is to be withdrawn waits for the rate limit. Several are refused, as
    # the next may be on the wire before the first one's refusal is read. A rule counts what no rule before it hits.
    for _ in range(5):
        served.sandbox.faults.add(method="POST", path="/calls", nth=6, status=429, headers={"Retry-After": "3600"})

    with running(served.job) as child:
        campaign = child.wait_for("planned")
        child.wait_for("placed", 5)
        live = anyio.run(act, served, word, campaign)
        began = served.sandbox.clock.time()
        if word == "pause":
            child.wait_for("paused")
        else:
            assert child.result().state == "stopped"
        took = served.sandbox.clock.time() - began
    assert len(served.sandbox.placed_calls) <= 6
    assert took < 60, "it waited for the rate limit"
    if word == "stop":
        assert live is not None
        assert 0 < live <= 6


def test_ctrl_c_ends_in_seconds_and_the_same_plan_goes_on(served: Served) -> None:
    with running(served.job) as child:
        child.wait_for("placed", 5)
        child.signal(signal.SIGINT)
        result = child.result()
        assert (result.state, result.reason) == ("paused", "interrupted; run the same plan again to go on")
    assert not {state for state, _ in served.attempts()} & {"intent", "unknown"}
    with running(served.job) as child:
        assert child.result().state == "done"
    served.sandbox.assert_no_number_dialed_twice()
    assert len(served.sandbox.placed_calls) == 20


def test_a_second_ctrl_c_stops_at_once(served: Served) -> None:
    served.sandbox.faults.add(method="POST", path="/calls", nth=5, delay=1e6)
    with running(served.job) as child:
        child.wait_for("placed", 4)
        # The fifth has no answer; the first Ctrl-C waits for it.
        until = time.monotonic() + PATIENCE
        while len(served.sandbox.placed_calls) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        child.signal(signal.SIGINT)
        served.wait_until(served.sandbox.clock.time() + 60)
        assert child.process.is_alive()
        until = time.monotonic() + PATIENCE
        while child.process.is_alive() and time.monotonic() < until:
            # Again and again: a system makes one of two signals that a process has not seen yet.
            child.signal(signal.SIGINT)
            child.process.join(0.5)
        assert child.result().state == "paused"
    assert ("unknown", "interrupted") in served.attempts()
