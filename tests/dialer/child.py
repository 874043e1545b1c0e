"""A process of its own that dials, for tests that kill it, freeze it, or fill its disk."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

import anyio
from attrs import define, field, frozen

from trudy import AsyncTrudyClient, RateLimit
from trudy.clock import SANDBOX_CLOCK, SharedClock
from trudy.dialer import Breaker, Dialer, DueRow, Hours, Policy, RunResult, StoreBusyError
from trudy.dialer.records import Claim, Miss
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import StoreError
from trudy.rate_limit.postgres import PostgresRateLimiter

POLICY = Policy(
    hours=Hours.always(),
    gap=0.5,
    max_live=8,
    price=1.0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)
AREAS = ("212", "213", "214", "215", "303", "305", "312", "313", "404", "415")
"""Area codes of the United States; a fictional number is an area code, 55501 and two digits that choose its outcome."""
PATIENCE = 60.0
"""Real seconds that a test waits for a child; it is over in a few unless something hangs."""
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__, "alembic.command", "phonenumbers.tzdata", "trudy.dialer.plan"])


@frozen(kw_only=True)
class Job:
    """What a child dials.

    Attributes:
        environment: of the sandbox's server.
        freeze: stop itself, as SIGSTOP does, once, before or after the commit of an intent.
        limit: the requests a window that workers share, and its seconds.
        room: bytes that any file may grow to from where a store in a file stands after planning; None for no limit.
    """

    store: Path | str
    agent: str
    numbers: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    policy: Policy = POLICY
    freeze: Literal["before", "after"] | None = None
    limit: RateLimit | None = None
    room: int | None = None


@define(kw_only=True, eq=False)
class Child:
    """A child that runs, and what it said so far."""

    process: Any
    connection: Connection
    said: list[tuple[str, Any]] = field(factory=list[tuple[str, Any]])

    @classmethod
    def start(cls, job: Job, *, is_worker: bool = False) -> Child:
        """One that plans a campaign and runs it alone, or a worker of those that are started."""
        ours, theirs = _processes.Pipe(duplex=False)
        process = _processes.Process(target=_main, args=(job, theirs, is_worker), daemon=True)
        process.start()
        theirs.close()
        return cls(process=process, connection=ours)

    def wait_for(self, kind: str, times: int = 1, *, patience: float = PATIENCE) -> Any:
        """The details of what it says; AssertionError where it is over without having said so."""
        until = time.monotonic() + patience
        while sum(each[0] == kind for each in self.said) < times:
            if not self.connection.poll(max(0.0, until - time.monotonic())):
                raise AssertionError(f"the child did not say {kind!r} but {self.said[-5:]}")
            try:
                self.said.append(self.connection.recv())
            except EOFError:
                raise AssertionError(f"the child ended, and said {self.said[-5:]}") from None
        return [each[1] for each in self.said if each[0] == kind][times - 1]

    def all_said(self) -> list[tuple[str, Any]]:
        """What it has said until now."""
        with suppress(EOFError):
            while self.connection.poll():
                self.said.append(self.connection.recv())
        return self.said

    def result(self, *, patience: float = PATIENCE) -> RunResult:
        result: RunResult = self.wait_for("result", patience=patience)
        self.process.join(PATIENCE)
        return result

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """`kill -9`, and gone when this returns."""
        self.process.kill()
        self.process.join(PATIENCE)
        self.connection.close()


@contextmanager
def running(job: Job) -> Iterator[Child]:
    """A child that is gone at the end of the block, however that ends."""
    child = Child.start(job)
    try:
        yield child
    finally:
        child.kill()


class FreezingStore(SqlStore):
    """Stops its process at the first claim, as SIGSTOP from outside would."""

    def __init__(self, url: Path | str, clock: SharedClock, when: str, say: Callable[[str, object], None]) -> None:
        super().__init__(url, clock=clock)
        self._when: str | None = when
        self._say = say

    async def claim(self, contact: DueRow, **members: Any) -> Claim | Miss:
        if self._when == "before":
            self._freeze()
        claim = await super().claim(contact, **members)
        if self._when == "after":
            self._freeze()
        return claim

    def _freeze(self) -> None:
        self._when = None
        self._say("frozen", None)
        os.kill(os.getpid(), signal.SIGSTOP)


def numbers_that(count: int, *endings: int) -> list[str]:
    """Fictional numbers with these endings by turns."""
    return [f"+1{AREAS[index // len(endings)]}55501{endings[index % len(endings)]:02d}" for index in range(count)]


def _main(job: Job, connection: Connection, is_worker: bool) -> None:
    os.environ.update(job.environment)

    def say(kind: str, detail: object) -> None:
        connection.send((kind, detail))

    try:
        anyio.run(_work if is_worker else _dial, job, say)
    except* StoreBusyError as refused:
        say("busy", str(refused.exceptions[0]))
    except* StoreError as fault:
        say("fault", str(fault.exceptions[0]))


async def _dial(job: Job, say: Callable[[str, object], None]) -> None:
    clock = SharedClock.parse(os.environ[SANDBOX_CLOCK])
    store = job.store if job.freeze is None else FreezingStore(job.store, clock, job.freeze, say)
    async with AsyncTrudyClient() as client, Dialer(client, store=store, clock=clock) as dialer:
        rows = [{"phone": number} for number in job.numbers]
        plan = await dialer.plan(rows, agent=job.agent, consent="form", policy=job.policy, region="US", rejects=None)
        if job.room is not None:
            most = max(path.stat().st_size for path in Path(job.store).parent.iterdir()) + job.room
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        say("planned", plan.campaign)
        say("result", await dialer.run(plan, confirm=plan.hash, on_event=lambda event: say(event.kind, event.detail)))


async def _work(job: Job, say: Callable[[str, object], None]) -> None:
    limits: dict[str, Any] = {"rate_limit": False}
    if job.limit is not None:
        limits = {"rate_limiter": PostgresRateLimiter(str(job.store), rate_limit=job.limit)}
    async with AsyncTrudyClient(**limits) as client, Dialer(client, store=job.store) as dialer:
        say("works", None)
        await dialer.work()
