"""`kill -9` of a process that dials, or of its database, while answers are lost, calls come late, and lists lag.

The sandbox judges from its own record: nobody was rung twice, nobody was lost.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from attrs import frozen

from tests.dialer.child import PATIENCE, Job, numbers_that, running
from tests.dialer.judge import judge
from tests.dialer.stores import NewStore
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.sandbox import Sandbox

SPEED = 60.0
ENDINGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 30, 31, 40, 50, 91, 92, 93]
"""Most answer; some lose the answer to the create, or are refused."""
LONG = 600.0
"""Real seconds that a soak waits for the end of what is left over."""
MARKED = frozenset({"lagging_calls"})
UNMARKED = MARKED | {"calls_without_variables"}


@frozen
class Night:
    """A campaign that is dialed to its end, whatever happens to who dials it."""

    sandbox: Sandbox
    job: Job
    luck: random.Random

    def kill(self, times: int) -> None:
        """Lives that end at any moment: while they look for what was left over, dial, or wait for answers."""
        for _ in range(times):
            with running(self.job) as child:
                child.wait_for("planned")
                time.sleep(self.luck.uniform(0.0, 1.2))

    def finish(self, *, patience: float = PATIENCE) -> None:
        """The life that nobody ends, and the judge's word."""
        with running(self.job) as child:
            result = child.result(patience=patience)
        assert (result.state, result.live) == ("done", 0), result
        judge(self.sandbox, self.job.store, self.job.numbers)


@contextmanager
def night(store: str, *, rows: int, quirks: frozenset[str], seed: int) -> Iterator[Night]:
    """A sandbox that loses answers, and calls placed when nobody waits for them any more."""
    sandbox = Sandbox(speed=SPEED, rate_limit=None, seed=seed, quirks=quirks)
    sandbox.faults.add(method="POST", path="/calls", probability=0.1, reset="after")
    sandbox.faults.add(method="POST", path="/calls", probability=0.1, reset="after", effect_after=40.0)
    sandbox.faults.add(method="POST", path="/calls", probability=0.05, reset="before")
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        job = Job(store=store, agent=agent.id, numbers=numbers_that(rows, *ENDINGS), environment=server.environment)
        yield Night(sandbox, job, random.Random(seed))


@pytest.mark.parametrize(
    ("new_store", "kills", "quirks"),
    [("sqlite", 10, MARKED), ("sqlite", 10, UNMARKED), ("postgresql", 5, MARKED)],
    ids=["marked", "unmarked", "postgresql"],
    indirect=["new_store"],
)
def test_nobody_is_rung_twice_and_nobody_is_lost(new_store: NewStore, kills: int, quirks: frozenset[str]) -> None:
    with night(new_store(), rows=60, quirks=quirks, seed=len(quirks)) as it:
        it.kill(kills)
        it.finish()


def restart(it: Night, server: PostgresServer, times: int) -> None:
    """Lives in which the database ends: each halts and says so, or was over."""
    for _ in range(times):
        with running(it.job) as child:
            child.wait_for("planned")
            time.sleep(it.luck.uniform(0.0, 1.2))
            server.stop("immediate")
            server.start()
            result = child.result()
        assert result.state == "done" or result.reason, result


def test_a_database_that_restarts(postgres: PostgresServer, postgres_url: str) -> None:
    with night(postgres_url, rows=60, quirks=MARKED, seed=3) as it:
        restart(it, postgres, 3)
        it.finish()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_kills(new_store: NewStore, seed: int) -> None:
    with night(new_store(), rows=220, quirks=UNMARKED if seed % 2 else MARKED, seed=100 + seed) as it:
        it.kill(50)
        it.finish(patience=LONG)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_twenty_restarts(postgres: PostgresServer, postgres_url: str) -> None:
    with night(postgres_url, rows=220, quirks=UNMARKED, seed=104) as it:
        restart(it, postgres, 20)
        it.finish(patience=LONG)
