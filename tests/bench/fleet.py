"""Bulk dialing by 1, 2 and 4 worker processes on one PostgreSQL, where nothing but they themselves is the limit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from tests.bench.dialer import MIX, POLICY, number_of
from tests.bench.report import Table, Target
from tests.dialer.fleet.controller import Fleet, fleet
from tests.dialer.recount import reader
from trudy.dialer.throwaway_postgres import find_binaries, postgres_server

_WORKERS = (1, 2, 4)
_POLICY = evolve(POLICY, max_live=100_000)
"""Ends of calls free no slot that somebody waits for."""
_TICKS = os.sysconf("SC_CLK_TCK")


def bench(*, quick: bool = False) -> list[Table]:
    """A table; none where there is no PostgreSQL."""
    if find_binaries() is None:
        return []
    rows = 40 if quick else 20_000
    return [_scaling([number_of(index) for index in range(rows)], _WORKERS[:2] if quick else _WORKERS)]


def _scaling(numbers: Sequence[str], fleets: Sequence[int]) -> Table:
    lines: list[list[str]] = []
    found: dict[int, float] = {}
    for workers in fleets:
        seconds, ours, database, most = _dialed(numbers, workers)
        found[workers] = seconds
        lines.append(
            [
                f"{workers}",
                f"{seconds:.0f}",
                f"{len(numbers) / seconds:.1f}",
                f"{found[1] / seconds:.2f} x",
                f"{ours / len(numbers) * 1e3:.2f}",
                f"{database / len(numbers) * 1e3:.2f}",
                f"{most / len(numbers) * workers:.2f} x",
            ]
        )
    return Table(
        title=f"Dialer: {len(numbers):,} rows by several workers",
        columns=[
            "workers",
            "seconds",
            "calls a second",
            "/ one worker",
            "workers' CPU ms a call",
            "database's",
            "busiest / mean",
        ],
        rows=lines,
        targets=[Target(what="seconds of 2 workers / of one", value=found[2] / found[1], limit=0.7)],
        notes=(
            f"On {os.cpu_count()} cores, with the sandbox: no rate limit, no gap, all calls at a time.",
            "A store has one writer at a time, which is what more workers come to wait for.",
        ),
    )


def _dialed(numbers: Sequence[str], workers: int) -> tuple[float, float, float, int]:
    """Seconds from the first call to the last, CPU seconds of the workers and of the database, and the most calls that
    one worker placed."""
    with (
        postgres_server() as server,
        fleet(
            server.url(), numbers, seed=1, policy=_POLICY, faults=(), workers=workers, outcome_mix=MIX, speed=1.0
        ) as dialing,
    ):
        dialing.until_placed(len(numbers), patience=3_600)
        placed = [call.created_at for call in dialing.sandbox.placed_calls]
        dialing.sandbox.assert_no_number_dialed_twice()
        with reader(server.url()) as read:
            (most,) = read("SELECT count(*) AS calls FROM attempts GROUP BY worker ORDER BY 1 DESC LIMIT 1")
        seconds = max(placed) - min(placed)
        return seconds, sum(map(_cpu, _pids(dialing))), _cpu_of_database(server.pid), most["calls"]


def _pids(dialing: Fleet) -> list[int]:
    return [worker.process.pid for worker in dialing.workers]


def _cpu_of_database(pid: int | None) -> float:
    """With the processes that serve its connections, those that have ended too."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(_cpu, [pid, *children]))


def _cpu(pid: object) -> float:
    """Seconds that a process has used, and its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS
