"""A small GET, again and again: CPU time of the client's process and requests a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.clients import ASYNC, SYNC
from tests.bench.report import Table, Target, ratio
from tests.bench.rounds import Cost, interleaved, workers
from tests.bench.server import serve

Costs = dict[str, Cost]
_NOTES = (
    "us: CPU time of the client's process for one request; all get the same answer.",
    "An SDK gives back a typed object, an HTTP library parsed JSON.",
)


def bench_async(*, quick: bool = False) -> list[Table]:
    """Clients for asyncio."""
    found = _measure("async", list(ASYNC), {1: 20} if quick else {1: 600, 32: 1_500, 256: 2_000}, quick=quick)
    targets: list[Target] = []
    for in_flight, name, other, limit in (
        (1, "trudy", "httpx", 1.10),
        (1, "trudy", "openai", 0.70),
        (256, "trudy, aiohttp", "openai, aiohttp", 0.70),
    ):
        targets += _target(found, in_flight, name, other, limit)
    return [_table("Small GET, async", "in flight", list(ASYNC), found, targets)]


def bench_sync(*, quick: bool = False) -> list[Table]:
    """Blocking clients, one shared by all threads."""
    found = _measure("sync", list(SYNC), {1: 20} if quick else {1: 600, 32: 1_500}, quick=quick)
    targets: list[Target] = []
    for in_flight in found:
        targets += _target(found, in_flight, "trudy", "openai", 0.90)
        targets += _target(found, in_flight, "trudy, aiohttp", "openai", 0.60)
    return [_table("Small GET, sync", "threads", list(SYNC), found, targets)]


def _measure(kind: str, names: Sequence[str], levels: Mapping[int, int], *, quick: bool) -> dict[int, Costs]:
    """The cost of one request by how many are in flight, for each client that is installed."""
    found: dict[int, Costs] = {}
    with serve() as url, workers(kind, names, url) as there:
        for in_flight, number in levels.items():
            measures = {
                name: lambda worker=worker, in_flight=in_flight, number=number: worker.measure(in_flight, number)
                for name, worker in there.items()
                if worker.installed
            }
            costs = interleaved(measures, 1 if quick else 5)
            found[in_flight] = {name: Cost(cost.cpu / number, cost.wall / number) for name, cost in costs.items()}
    return found


def _target(found: Mapping[int, Costs], in_flight: int, name: str, other: str, limit: float) -> list[Target]:
    costs = found.get(in_flight, {})
    if name not in costs or other not in costs:
        return []
    what = f"{name} / {other}, {in_flight} at a time"
    return [Target(what=what, value=costs[name].cpu / costs[other].cpu, limit=limit)]


def _table(title: str, unit: str, names: Sequence[str], found: Mapping[int, Costs], targets: Sequence[Target]) -> Table:
    columns = ["client"]
    for in_flight in found:
        columns += [f"{in_flight} {unit}: us", "/ httpx", "/ openai", "a second"]
    rows: list[list[str]] = []
    for name in names:
        row = [name]
        for costs in found.values():
            if name not in costs:
                row += ["not installed", "-", "-", "-"]
                continue
            others = [ratio(costs[name].cpu, costs[other].cpu if other in costs else None) for other in _OTHERS]
            row += [f"{costs[name].cpu * 1e6:.0f}", *others, f"{1 / costs[name].wall:.0f}"]
        rows.append(row)
    return Table(title=title, columns=columns, rows=rows, targets=targets, notes=_NOTES)


_OTHERS = ("httpx", "openai")
