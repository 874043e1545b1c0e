"""A small GET, again and again: CPU time of the client's process and requests a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeAlias

from tests.bench.clients import ASYNC, SYNC
from tests.bench.report import Table, Target, ratio
from tests.bench.rounds import Cost, interleaved, workers
from tests.bench.server import serve

Costs: TypeAlias = dict[str, Cost]
Promise: TypeAlias = tuple[int, str, str, float]
"""In flight, a client, another, and at most how much of the other's CPU time the first may take."""
_OTHERS = ("httpx", "openai", "openai, aiohttp")
_NOTES = (
    "us: CPU time of the client's process for one request. All get the same answer; an SDK makes a typed object of it,"
    " an HTTP library plain JSON.",
)


def bench_async(*, quick: bool = False) -> list[Table]:
    """Clients for asyncio, a table for each number of requests in flight."""
    levels = {1: 20} if quick else {1: 600, 32: 1_500, 256: 2_000}
    promised = [
        (1, "trudy", "httpx", 1.10),
        (1, "trudy", "openai", 0.70),
        (256, "trudy, aiohttp", "openai, aiohttp", 0.70),
    ]
    found = _measure("async", list(ASYNC), levels, quick=quick)
    return [_table(f"Small GET, async, {each} in flight", list(ASYNC), found, each, promised) for each in found]


def bench_sync(*, quick: bool = False) -> list[Table]:
    """Blocking clients, one shared by all threads, a table for each number of threads."""
    levels = {1: 20} if quick else {1: 600, 32: 1_500}
    promised = [
        (threads, name, "openai", limit)
        for threads in levels
        for name, limit in (("trudy", 0.90), ("trudy, aiohttp", 0.60))
    ]
    found = _measure("sync", list(SYNC), levels, quick=quick)
    return [_table(f"Small GET, sync, threads: {each}", list(SYNC), found, each, promised) for each in found]


def _measure(kind: str, names: Sequence[str], levels: Mapping[int, int], *, quick: bool) -> dict[int, Costs]:
    """The cost of one request by how many are in flight, for each client that is installed."""
    found: dict[int, Costs] = {}
    with serve() as url, workers(kind, names, url) as there:
        for in_flight, number in levels.items():
            measures = {
                name: partial(worker.measure, in_flight, number) for name, worker in there.items() if worker.installed
            }
            costs = interleaved(measures, 1 if quick else 5)
            found[in_flight] = {name: Cost(cost.cpu / number, cost.wall / number) for name, cost in costs.items()}
    return found


def _table(
    title: str, names: Sequence[str], found: Mapping[int, Costs], in_flight: int, promised: Sequence[Promise]
) -> Table:
    costs = found[in_flight]
    rows: list[list[str]] = []
    for name in names:
        if name not in costs:
            rows.append([name, "not installed", *("-" for _ in _OTHERS), "-"])
            continue
        ratios = [ratio(costs[name].cpu, costs[other].cpu if other in costs else None) for other in _OTHERS]
        rows.append([name, f"{costs[name].cpu * 1e6:.0f}", *ratios, f"{1 / costs[name].wall:.0f}"])
    return Table(
        title=title,
        columns=["client", "us", *(f"/ {other}" for other in _OTHERS), "a second"],
        rows=rows,
        targets=[
            Target(what=f"{name} / {other}", value=costs[name].cpu / costs[other].cpu, limit=limit)
            for level, name, other, limit in promised
            if level == in_flight and name in costs and other in costs
        ],
        notes=_NOTES,
    )
