"""`kill -9` of a process that dials, again and again, while answers are lost, calls come late, and lists lag.

The sandbox judges from its own record: nobody was rung twice, nobody was lost.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.dialer.child import Job, numbers_that, running
from tests.dialer.judge import judge
from trudy.sandbox import Sandbox

SPEED = 60.0


ENDINGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 30, 31, 40, 50, 91, 92, 93]
"""Most answer; some lose the answer to the create, or are refused."""


def story(folder: Path, *, kills: int, rows: int, quirks: set[str], seed: int) -> None:
    """Dial, kill, dial again; to the end; and judge."""
    luck = random.Random(seed)
    sandbox = Sandbox(speed=SPEED, rate_limit=None, seed=seed, quirks=quirks)
    sandbox.faults.add(method="POST", path="/calls", probability=0.1, reset="after")
    sandbox.faults.add(method="POST", path="/calls", probability=0.1, reset="after", effect_after=40.0)
    sandbox.faults.add(method="POST", path="/calls", probability=0.05, reset="before")
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        job = Job(
            store=folder / "leads.db",
            agent=agent.id,
            numbers=numbers_that(rows, *ENDINGS),
            environment=server.environment,
        )
        for _ in range(kills):
            with running(job) as child:
                child.wait_for("planned")
                # At any moment of its life: while it looks for what was left over, dials, or waits for answers.
                time.sleep(luck.uniform(0.0, 1.2))
        with running(job) as child:
            result = child.result()
        assert (result.state, result.live) == ("done", 0), result
        judge(sandbox, job.store, job.numbers)


@pytest.mark.parametrize(
    "quirks", [{"lagging_calls"}, {"lagging_calls", "calls_without_variables"}], ids=["marked", "unmarked"]
)
def test_nobody_is_rung_twice_and_nobody_is_lost(tmp_path: Path, quirks: set[str]) -> None:
    story(tmp_path, kills=10, rows=60, quirks=quirks, seed=len(quirks))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    quirks = {"lagging_calls"} | ({"calls_without_variables"} if seed % 2 else set())
    story(tmp_path, kills=50, rows=220, quirks=quirks, seed=100 + seed)
