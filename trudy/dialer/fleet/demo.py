"""`python -m trudy.dialer demo --workers 3`: a campaign that several processes dial, of which one is killed on the way.

It starts a PostgreSQL of its own, and a sandbox on which a minute takes a second. No phone rings.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

import anyio
from attrs import frozen

from trudy.dialer.audit import reason_told
from trudy.dialer.dialer import Dialer
from trudy.dialer.plan import Plan
from trudy.dialer.policy import Attempts, Breaker, Hours, Policy, RetryAfter
from trudy.dialer.throwaway_postgres import MISSING, find_binaries, postgres_server
from trudy.sandbox import Sandbox, SandboxServer

ROWS: Final = 200
SPEED: Final = 15.0
"""Sandbox seconds for each real one: more would leave the workers no time to dial, less nobody the patience to
watch."""
START: Final = 1_780_676_940.0
"""2026-06-05 12:29 in New York, a Friday."""
POLICY: Final = Policy(
    hours=Hours.always(),
    gap=0,
    max_live=80,
    attempts=Attempts(a_day=2),
    retry={"no_answer": None, "busy": RetryAfter(seconds=60, most=2), "failed": None},
    breaker=Breaker(failed_share=1),
    unresolved_after=60,
)
"""More at a time and sooner again than a real campaign should, and calls are given up early: it is a show."""
KILL_AFTER: Final = 30
"""Calls after which a worker is killed: early, as the others wait ten seconds for a sign of life."""
_SHOW_EVERY: Final = 40
"""Calls between two lines of the campaign's state: a fifth of them all."""
_LOOK_EVERY: Final = 0.1
"""Real seconds between two looks at the store: more often would slow the workers down, as they share the machine."""
_LONGEST: Final = 120.0
"""Real seconds until the demo is given up; it takes twenty unless the machine is busy."""

_BY_WORKER: Final = """
SELECT count(call_id), count(*) FILTER (WHERE is_found), count(*) FILTER (WHERE state = 'unresolved')
FROM (SELECT *, id IN (SELECT attempt FROM events WHERE kind = 'found') AS is_found FROM attempts) AS attempts
WHERE worker LIKE %s
"""

_NEEDED: Final = ("jinja2", "procrastinate", "psycopg")
_BEFORE_THE_END: Final = ("waiting", "claimed", "live")

Say: TypeAlias = Callable[[str], None]


class DemoError(Exception):
    """The demo cannot go on."""


@frozen
class Worker:
    """One process that dials, and where its log goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def end(self, number: signal.Signals) -> None:
        """Send a signal, and wait until it is gone."""
        self.process.send_signal(number)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def show(workers: int, report: Path, say: Say) -> int:
    """Run the demo. Returns the exit code."""
    lacking = _lacking(report)
    if lacking is not None:
        say(lacking)
        return 1
    try:
        with _interrupted_once():
            _show(workers, report, say)
    except DemoError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted: the database and the workers are gone.")
        return 130
    return 0


def _lacking(report: Path) -> str | None:
    """What would fail at the end, told before the begin."""
    if find_binaries() is None:
        return MISSING
    modules = [name for name in _NEEDED if find_spec(name) is None]
    if modules:
        return f"It needs {', '.join(modules)}: pip install 'trudy-python-sdk[dialer-postgres,report]'"
    if report.is_dir() or not os.access(report.parent, os.W_OK | os.X_OK):
        return f"{report} cannot be written: say --report FILE"
    return None


@contextmanager
def _interrupted_once() -> Generator[None, None, None]:
    """The first signal ends the demo; those that come while it cleans up change nothing."""

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(count: int, report: Path, say: Say) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trudy-dialer-")))
        url = stack.enter_context(postgres_server()).url()
        sandbox = Sandbox(speed=SPEED, start=START, rate_limit=None, seed=1)
        server = stack.enter_context(sandbox.serve())

        def start(name: str) -> Worker:
            return stack.enter_context(_worker(name, folder, url, server))

        say(f"A PostgreSQL of its own, and a sandbox whose minutes take {60 / SPEED:g} seconds: no phone")
        say("rings. It is Friday, 12:29 in New York.\n")
        anyio.run(_dial, server, url, count, start, report, say)


@contextmanager
def _worker(name: str, folder: Path, url: str, server: SandboxServer) -> Generator[Worker, None, None]:
    command = [sys.executable, "-m", "trudy.dialer", "worker", "--store", url]
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        # In a session of its own: a terminal's Ctrl-C is for the demo, which ends it.
        process = subprocess.Popen(  # noqa: S603
            command, env=os.environ | server.environment, stdout=file, stderr=file, start_new_session=True
        )
    worker = Worker(name, process, log)
    try:
        yield worker
    finally:
        worker.end(signal.SIGTERM)


async def _dial(
    server: SandboxServer, url: str, count: int, start: Callable[[str], Worker], report: Path, say: Say
) -> None:
    sandbox = server.sandbox
    async with server.async_client() as client, Dialer(client, store=url, clock=sandbox.clock) as dialer:
        # Workers are started before the plan is made, as a process takes a while to begin.
        workers = [start(f"worker {number}") for number in range(1, count + 1)]
        agent = await client.agents.create(
            name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Remind {{name}} of the appointment."
        )
        plan = await dialer.plan(_leads(), agent=agent.id, consent="demo", policy=POLICY, region="US", rejects=None)
        say(plan.summary())
        await dialer.start(plan, confirm=plan.hash)
        say(f"\nThe run: {count} workers")
        show = _Show(dialer, plan, workers, url, sandbox, say)
        await show.the_run()
        await show.the_result()
        show.the_judgement()
        await dialer.report(plan.campaign, report)
        say(f"\nThe report: {report}")


def _leads() -> list[dict[str, str]]:
    """Numbers of fiction, whose last two digits say how their calls go; two lose the answer to the create."""
    known = [f"+1{212 + index // 60}55501{index % 60:02d}" for index in range(ROWS - 2)]
    numbers = [*known, "+12175550191", "+12175550192"]
    return [{"phone": number, "name": f"Person {index}"} for index, number in enumerate(numbers)]


@frozen
class _Show:
    """What is shown of the run, and done to it."""

    dialer: Dialer
    plan: Plan
    workers: Sequence[Worker]
    url: str
    sandbox: Sandbox
    say: Say

    async def the_run(self) -> None:
        """How it goes; a worker is killed on the way."""
        until, shown = time.monotonic() + _LONGEST, 0
        alive = list(self.workers)
        while (status := await self.dialer.status(self.plan.campaign)).state == "running":
            if status.dialed >= shown + _SHOW_EVERY:
                shown = status.dialed
                over = sum(count for state, count in status.counts.items() if state not in _BEFORE_THE_END)
                self._say_at(f"{status.dialed:3} calls, the end of {status.live:2} not known yet; {over:3} rows over")
            if len(alive) == len(self.workers) > 1 and status.dialed >= KILL_AFTER:
                busiest = self._busiest()
                alive.remove(busiest)
                busiest.process.kill()
                self._say_at(f"kill -9 of {busiest.name}; in ten seconds the others take over what it had")
            for worker in alive:
                if worker.process.poll() is not None:
                    raise DemoError(f"{worker.name} has ended:\n{worker.log.read_text(errors='replace')[-2000:]}")
            if time.monotonic() > until:
                raise DemoError(f"the campaign is not done after {_LONGEST:.0f} seconds: {status}")
            await anyio.sleep(_LOOK_EVERY)

    async def the_result(self) -> None:
        """What the dialer says of it."""
        status = await self.dialer.status(self.plan.campaign)
        counts = ", ".join(f"{number} {state}" for state, number in sorted(status.counts.items()))
        self.say(f"\nThe result: {status.state}, {counts}")
        for reason, count in (await self.dialer.store.uncalled(self.plan.campaign)).items():
            self.say(f"  {count} rows without a call: {reason_told(reason)}")
        for worker in self.workers:
            calls, found, held = self._calls_of(worker)
            told = f", {found} of them found after their answers were lost" if found else ""
            self.say(f"  {worker.name}: {calls:3} calls{told}")
            if held:
                self.say(f"            {held:3} held: nobody knows whether the request left")

    def the_judgement(self) -> None:
        """What the sandbox has seen, whatever the dialer says of itself; raises where the two differ."""
        self.sandbox.assert_no_ref_placed_twice()
        self.sandbox.assert_no_overlapping_calls()
        calls = Counter(call.to for call in self.sandbox.placed_calls)
        again = sum(1 for count in calls.values() if count > 1)
        most = self.sandbox.max_concurrent_calls
        if most > POLICY.max_live:
            raise DemoError(f"{most} calls at a time, and the policy allows {POLICY.max_live}")
        self.say("\nThe sandbox judges, by its own record")
        self.say(f"  {sum(calls.values())} calls to {len(calls)} numbers; {again} busy ones were tried a second time")
        self.say("  no attempt was placed twice, no number called during another call to it")
        self.say(f"  at most {most} calls at a time, of {POLICY.max_live} that the policy allows")

    def _say_at(self, text: str) -> None:
        """With the time in New York."""
        minutes, seconds = divmod(round(self.sandbox.clock.time() - START), 60)
        self.say(f"  {12 + (29 + minutes) // 60}:{(29 + minutes) % 60:02}:{seconds:02}  {text}")

    def _busiest(self) -> Worker:
        return max(self.workers, key=self._calls_of)

    def _calls_of(self, worker: Worker) -> tuple[int, int, int]:
        """By the table of attempts: its calls, those whose answer was lost, and requests that nobody knows of."""
        import psycopg

        with psycopg.connect(self.url) as connection:
            (found,) = connection.execute(_BY_WORKER, (f"%process {worker.process.pid}%",)).fetchall()
        return found
