"""The bulk dialer: a plan of a million rows, our CPU a call, the time to the first call, and 1,000 rows at a limit."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench.report import Table, Target
from trudy import AsyncTrudyClient, RateLimit
from trudy.dialer import Attempts, Breaker, Dialer, DialEvent, Hours, Plan, Policy
from trudy.sandbox import JumpingClock, Sandbox

_AREAS = (212, 213, 305, 312, 404, 415, 512, 602, 702, 713, 206, 303, 617, 214, 201, 310, 718, 773, 503, 614)
_LIMIT = 100
_START = 1_750_000_020.0
_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""In memory, where there is such a place: what the system spends on a disk is no CPU of ours."""
MIX = {"completed": 2, "no_answer": 1}
POLICY = Policy(
    hours=Hours.always(),
    gap=0,
    max_live=500,
    attempts=Attempts(a_day=9),
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, shorter_than=0),
)


def bench(*, quick: bool = False) -> list[Table]:
    """Each in a table of its own."""
    return [
        _plan(2_000 if quick else 1_000_000),
        _cpu(20 if quick else 500),
        _first_dial(100 if quick else 1_000),
        _at_a_limit(150 if quick else 1_000),
    ]


def _plan(rows: int) -> Table:
    # In a process of its own, whose memory is nobody else's.
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.dialer", str(rows)], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return Table(
        title=f"Dialer: a plan of {rows:,} rows from a CSV",
        columns=["rows", "seconds", "CPU seconds", "us a row", "peak MB"],
        rows=[
            [
                f"{rows:,}",
                f"{found['wall']:.1f}",
                f"{found['cpu']:.1f}",
                f"{found['cpu'] / rows * 1e6:.0f}",
                f"{found['peak']:.0f}",
            ]
        ],
        targets=[
            Target(what="seconds / 120", value=found["wall"] / 120, limit=1),
            Target(what="peak", value=found["peak"], limit=300, unit="MB"),
        ],
    )


def _cpu(rows: int) -> Table:
    dialed, requests = _run(rows, rate_limit=None)
    plain = _same_requests(requests)
    ours = (dialed["cpu"] - plain) / rows * 1e3
    return Table(
        title=f"Dialer: CPU of a campaign of {rows:,} calls",
        columns=["what", "ms a call"],
        rows=[
            ["the campaign, client and sandbox included", f"{dialed['cpu'] / rows * 1e3:.2f}"],
            ["the same requests by the client alone", f"{plain / rows * 1e3:.2f}"],
            ["the dialer's own", f"{ours:.2f}"],
        ],
        targets=[Target(what="ms a call / 3", value=ours / 3, limit=1)],
        notes=(
            "In process and on simulated time: CPU seconds, with the store in memory, where there is such a place.",
        ),
    )


def _first_dial(rows: int) -> Table:
    planned, first = asyncio.run(_until_first(rows))
    return Table(
        title=f"Dialer: from opening the store to the first call, {rows:,} rows",
        columns=["until", "seconds"],
        rows=[["the plan is there", f"{planned:.2f}"], ["the first call is placed", f"{first:.2f}"]],
        targets=[Target(what="seconds to the first call / 5", value=first / 5, limit=1)],
    )


def _at_a_limit(rows: int) -> Table:
    shares = (1.0, RateLimit().bulk_share)
    lines: list[list[str]] = []
    targets: list[Target] = []
    for share in shares:
        found, requests = _run(rows, rate_limit=_LIMIT, client=RateLimit(_LIMIT, bulk_share=share))
        # A person may ask in any answered call not to be called again; what is heard after the last call costs no time.
        needed = rows + int(found["transcripts"])
        ideal = (-(-needed // (int(_LIMIT * share) - 1)) - 1) * 60.0
        bare = (-(-rows // int(_LIMIT * share)) - 1) * 60.0
        others = len(requests) - sum(each == "POST /calls" or each.endswith("/transcript") for each in requests)
        ratio = found["last"] / ideal
        lines.append(
            [
                f"{share:.0%}",
                f"{rows:,}",
                f"{found['transcripts']:,.0f}",
                f"{others:,}",
                f"{found['last']:.0f}",
                f"{ratio:.2f} x",
                f"{found['last'] / bare:.2f} x",
            ]
        )
        targets.append(Target(what=f"time to the last call / ideal, {share:.0%}", value=ratio, limit=1.05))
    return Table(
        title=f"Dialer: {rows:,} rows at {_LIMIT} requests a minute, simulated time",
        columns=["of a window", "rows", "transcripts", "other requests", "seconds", "/ ideal", "/ creates alone"],
        rows=lines,
        targets=targets,
        notes=(
            "Ideal: the creates, the transcripts that were read before the last of them, and one list a window, in"
            " whole windows of as many requests as the bulk lane may use.",
            "The lane's share is the client's policy: the rest of each window is kept for others of the credential.",
            "Creates alone: as if nobody heard what was said.",
        ),
    )


def _run(rows: int, *, rate_limit: int | None, client: RateLimit | None = None) -> tuple[dict[str, float], list[str]]:
    """CPU seconds, simulated ones to the last call, and transcripts before it; all requests, such as `POST /calls`."""
    clock = JumpingClock(start=_START)
    sandbox = Sandbox(clock=clock, rate_limit=rate_limit, seed=1, outcome_mix=MIX)

    async def main() -> dict[str, float]:
        async with _dialer(sandbox, client) as (dialer, plan_of):
            plan = await plan_of(rows)
            began, cpu = clock.time(), time.process_time()
            result = await dialer.run(plan, confirm=plan.hash)
            assert result.counts == {"done": rows}, result
            used = time.process_time() - cpu
            last = sandbox.placed_calls[-1].created_at
            heard = sum(
                request.path.endswith("/transcript") and request.received_at.timestamp() <= last
                for request in sandbox.requests
            )
            return {"cpu": used, "last": last - began, "transcripts": heard}

    found = clock.run(main())
    sandbox.assert_no_number_dialed_twice()
    requests = [f"{request.method} {request.path}" for request in sandbox.requests]
    return found, [each for each in requests if "/calls" in each]


def _same_requests(requests: list[str]) -> float:
    """CPU seconds of as many creates, transcripts and lists by a client without a dialer."""
    sandbox = Sandbox(clock=JumpingClock(start=_START), rate_limit=None, seed=1, outcome_mix=MIX)

    async def main() -> float:
        async with sandbox.async_client() as client:
            agent = await _agent(client, sandbox)
            answered = await client.calls.create(agent_id=agent, phone_number="+12125550100")
            sandbox.advance(minutes=5)
            numbers = map(number_of, count())
            cpu = time.process_time()
            for each in requests:
                if each.startswith("POST"):
                    number = next(numbers)
                    variables = {"name": "x", "trudy_ref": number}
                    await client.calls.create(agent_id=agent, phone_number=number, variables=variables)
                elif each.endswith("/transcript"):
                    await client.calls.get_transcript(answered.id)
                else:
                    await client.calls.list(page_size=100)
            return time.process_time() - cpu

    with asyncio.Runner() as runner:
        return runner.run(main())


async def _until_first(rows: int) -> tuple[float, float]:
    sandbox = Sandbox(rate_limit=None, seed=1, outcome_mix=MIX)
    began = time.perf_counter()
    seen: list[float] = []
    async with _dialer(sandbox) as (dialer, plan_of):
        plan = await plan_of(rows)
        planned = time.perf_counter() - began

        def tell(event: DialEvent) -> None:
            if event.kind == "placed" and not seen:
                seen.append(time.perf_counter() - began)
                asyncio.get_running_loop().create_task(dialer.stop(plan.campaign))

        await dialer.run(plan, confirm=plan.hash, on_event=tell)
    return planned, seen[0]


@asynccontextmanager
async def _dialer(sandbox: Sandbox, rate_limit: RateLimit | None = None) -> AsyncIterator[tuple[Dialer, Any]]:
    with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
        leads = Path(folder) / "leads.csv"
        async with (
            sandbox.async_client(max_rate_limit_wait=1e6, rate_limit=rate_limit) as client,
            Dialer(client, store=Path(folder) / "leads.db") as dialer,
        ):
            agent = await _agent(client, sandbox)

            async def plan_of(rows: int) -> Plan:
                _write(leads, rows)
                return await dialer.plan(leads, agent=agent, consent="bench", policy=POLICY, region="US", rejects=None)

            yield dialer, plan_of


async def _agent(client: AsyncTrudyClient, sandbox: Sandbox) -> str:
    return (await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="Hi {{name}}")).id


def _write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone", "name", "city", "state"])
        writer.writerows([number_of(index), f"Person {index}", "Springfield", "NY"] for index in range(rows))


def number_of(index: int) -> str:
    areas = len(_AREAS)
    return f"+1{_AREAS[index % areas]}{200 + index // areas % 700}{index // areas // 700:04d}"


async def _plan_alone(rows: int) -> dict[str, float]:
    sandbox = Sandbox(rate_limit=None)
    async with _dialer(sandbox) as (_, plan_of):
        wall, cpu = time.perf_counter(), time.process_time()
        plan = await plan_of(rows)
        assert plan.waiting == rows, plan.counts
        return {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_plan_alone(int(sys.argv[1])))))
