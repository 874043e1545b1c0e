"""Workers that dial one campaign together, and what may happen to them; the sandbox judges."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import time as time_of_day
from typing import Any

import anyio
from attrs import define, field

from tests.dialer.child import POLICY, Child, Job
from tests.dialer.judge import judge
from tests.dialer.recount import reader
from trudy import RateLimit
from trudy.dialer import Dialer, Policy
from trudy.dialer.zones import zones_of
from trudy.sandbox import Sandbox, SandboxServer

SPEED = 20.0
"""An intent is sent within five seconds or not at all: at a higher speed a busy machine would send few."""
START = 1_780_678_680.0
"""2026-06-05 12:58 in New York, a Friday: two minutes before Los Angeles may be called."""
FAULTS: Sequence[Mapping[str, Any]] = (
    {"probability": 0.1, "reset": "after"},
    {"probability": 0.1, "reset": "after", "effect_after": 40.0},
    {"probability": 0.05, "reset": "before"},
)
"""What becomes of creates: the answer is lost, the call comes when nobody waits for it any more, nothing arrives."""
_LONGEST = 200.0
"""Real seconds until a campaign must be done after all that was done to it."""


@define(kw_only=True, eq=False)
class Fleet:
    """Workers, one of which is replaced whenever it is killed.

    Attributes:
        kills: workers that were killed while the campaign was not done.
    """

    sandbox: Sandbox
    job: Job
    campaign: str
    luck: random.Random
    workers: list[Child] = field(factory=list[Child], init=False)
    stopped: list[Child] = field(factory=list[Child], init=False)
    kills: int = field(default=0, init=False)

    def start(self, count: int) -> None:
        """So many workers."""
        for _ in range(count):
            self.workers.append(Child.start(self.job, is_worker=True))

    def kill_while_it_dials(self, least: float, most: float) -> None:
        """At a random moment after one more call was placed, however slow the machine is."""
        self.until_placed(self.placed() + 1)
        self.rest(least, most)
        self.kill()

    def kill(self) -> None:
        """`kill -9` of one of them that is not stopped, and another one in its place."""
        index = self.luck.randrange(len(self.workers))
        self.kills += not self.is_done()
        self.workers[index].kill()
        self.workers[index] = Child.start(self.job, is_worker=True)

    def stop(self) -> Child:
        """SIGSTOP of the one that has most shards; it is left alone until `thaw`."""
        worker = max(self.workers, key=self.shards_of)
        self.workers.remove(worker)
        worker.signal(signal.SIGSTOP)
        self.stopped.append(worker)
        return worker

    def thaw(self, worker: Child) -> None:
        """SIGCONT."""
        self.stopped.remove(worker)
        self.workers.append(worker)
        worker.signal(signal.SIGCONT)

    def shards_of(self, worker: Child) -> int:
        """Shards of which it had the last turn."""
        with reader(self.job.store) as read:
            return sum(f"process {worker.process.pid}," in each["worker"] for each in read("SELECT worker FROM leases"))

    def rest(self, least: float, most: float) -> None:
        """Any time between these, in real seconds."""
        time.sleep(self.luck.uniform(least, most))

    def placed(self) -> int:
        """Calls that the sandbox has."""
        return len(self.sandbox.placed_calls)

    def until(self, holds: Callable[[], bool], patience: float = _LONGEST) -> None:
        """AssertionError where it does not hold within so many real seconds, or a worker has ended of itself."""
        until = time.monotonic() + patience
        while not holds():
            self._start_again()
            assert time.monotonic() < until, self._stands()
            time.sleep(0.05)

    def until_placed(self, calls: int, patience: float = _LONGEST) -> None:
        """Until the sandbox has so many."""
        self.until(lambda: self.placed() >= calls, patience)

    def is_done(self) -> bool:
        """Whether the campaign is."""
        return self._campaign()["state"] == "done"

    def until_done(self, patience: float = _LONGEST) -> None:
        """Until the campaign is done."""
        self.until(self.is_done, patience)

    def _start_again(self) -> None:
        """As whatever runs a fleet does: a worker may end where the database is away while it begins, and says so."""
        for index, worker in enumerate(self.workers):
            if not worker.process.is_alive():
                assert worker.all_said()[-1][0] == "fault", worker.said
                self.workers[index] = Child.start(self.job, is_worker=True)

    def end(self) -> None:
        """Of all workers."""
        for worker in [*self.workers, *self.stopped]:
            worker.kill()

    def judge(self) -> None:
        """Nobody was rung twice, nobody lost, no more called at a time than allowed, none out of hours."""
        judge(self.sandbox, self.job.store, self.job.numbers)
        assert self.sandbox.max_concurrent_calls <= self.job.policy.max_live

    def _campaign(self) -> dict[str, Any]:
        with reader(self.job.store) as read:
            return read("SELECT state, reason, live, dialed FROM campaigns")[0]

    def _stands(self) -> list[dict[str, Any]]:
        """Where it stands, for whoever wonders why it is not done."""
        with reader(self.job.store) as read:
            return [
                *read("SELECT state, reason, live, dialed FROM campaigns"),
                *read("SELECT state, reason, count(*) FROM rows GROUP BY 1, 2 ORDER BY 1, 2"),
                *read("SELECT state, error, count(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"),
                *read("SELECT status, queue_name, count(*) FROM procrastinate_jobs GROUP BY 1, 2 ORDER BY 1, 2"),
            ]

    def check_hours(self) -> None:
        """No phone rang before its day began."""
        self.sandbox.assert_called_only_within(
            time_of_day(10), time_of_day(18), timezone=lambda number: zones_of(1, number[2:])
        )


@contextmanager
def fleet(
    url: str,
    numbers: Sequence[str],
    *,
    seed: int,
    policy: Policy = POLICY,
    faults: Sequence[Mapping[str, Any]] = FAULTS,
    workers: int = 3,
    limit: RateLimit | None = None,
    **options: Any,
) -> Generator[Fleet, None, None]:
    """A campaign that is started, workers that dial it, and a sandbox that loses answers; options of the sandbox."""
    sandbox = Sandbox(**{"speed": SPEED, "start": START, "rate_limit": None, "seed": seed, **options})
    for fault in faults:
        sandbox.faults.add(method="POST", path="/calls", **fault)
    with sandbox.serve() as server:
        agent, campaign = anyio.run(_start, server, url, numbers, policy)
        job = Job(store=url, agent=agent, numbers=numbers, environment=server.environment, policy=policy, limit=limit)
        made = Fleet(sandbox=sandbox, job=job, campaign=campaign, luck=random.Random(seed))
        try:
            made.start(workers)
            yield made
        finally:
            made.end()


async def _start(server: SandboxServer, url: str, numbers: Sequence[str], policy: Policy) -> tuple[str, str]:
    clock = server.sandbox.clock
    async with server.async_client() as client, Dialer(client, store=url, clock=clock) as dialer:
        agent = await client.agents.create(name="Ada", voice_id=server.sandbox.voices[0].id, system_prompt="Greet.")
        rows = [{"phone": number} for number in numbers]
        plan = await dialer.plan(rows, agent=agent.id, consent="form", policy=policy, region="US", rejects=None)
        await dialer.start(plan, confirm=plan.hash)
        return agent.id, plan.campaign
