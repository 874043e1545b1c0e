"""A page of 100 calls from bytes to objects, beside what `json.loads` alone takes for the same bytes."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from attrs import frozen

from tests.bench import answers
from tests.bench.report import Table, Target, ratio
from tests.bench.rounds import Cost, Measure, interleaved

Way: TypeAlias = Callable[[bytes], object]


class Status(Enum):
    COMPLETED = "completed"


class Direction(Enum):
    OUTBOUND = "outbound"


@frozen(kw_only=True)
class PlainCall:
    """The same members as the SDK's model, as one would write them for cattrs: nothing kept, nothing forgiven."""

    id: str
    status: Status
    direction: Direction
    agent_id: str | None = None
    to: str | None = None
    from_: str | None = None
    duration_seconds: float | None = None
    recording_url: str | None = None
    summary: str | None = None
    cost_credits: float | None = None
    variables: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    updated_at: datetime | None = None


def bench(*, quick: bool = False) -> list[Table]:
    """All four ways, over the same bytes."""
    body = answers.page(0, 100, 100)
    times = 2 if quick else 60
    with _trudy() as trudy_way:
        ways: dict[str, Way] = {
            "json.loads": json.loads,
            "by hand": _by_hand(),
            "cattrs": _cattrs(),
            "trudy": trudy_way,
        }
        measures = {name: _repeated(way, body, times) for name, way in ways.items()}
        interleaved(measures, 1)
        costs = interleaved(measures, 1 if quick else 7)
    plain = costs["json.loads"].cpu
    return [
        Table(
            title=f"Decoding a page of 100 calls ({len(body)} bytes), json.loads included",
            columns=["way", "us a page", "/ json.loads"],
            rows=[[name, f"{cost.cpu / times * 1e6:.0f}", ratio(cost.cpu, plain)] for name, cost in costs.items()],
            targets=[Target(what="trudy / json.loads", value=costs["trudy"].cpu / plain, limit=6.0)],
            notes=(
                "trudy also keeps unknown members, folds spellings, forgives bad members, and makes the page object.",
            ),
        )
    ]


def _repeated(way: Way, body: bytes, times: int) -> Measure:
    def measure() -> Cost:
        gc.collect()
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            way(body)
        return Cost(time.process_time() - cpu, time.perf_counter() - began)

    return measure


def _by_hand() -> Way:
    statuses = {each.value: each for each in Status}
    directions = {each.value: each for each in Direction}

    def moment(text: str | None) -> datetime | None:
        return None if text is None else datetime.fromisoformat(text)

    def call(row: dict[str, Any]) -> PlainCall:
        get = row.get
        return PlainCall(
            id=row["id"],
            status=statuses[row["status"]],
            direction=directions[row["direction"]],
            agent_id=get("agent_id"),
            to=get("to"),
            from_=get("from"),
            duration_seconds=get("duration_seconds"),
            recording_url=get("recording_url"),
            summary=get("summary"),
            cost_credits=get("cost_credits"),
            variables=get("variables"),
            metadata=get("metadata"),
            created_at=moment(get("created_at")),
            started_at=moment(get("started_at")),
            ended_at=moment(get("ended_at")),
            updated_at=moment(get("updated_at")),
        )

    return lambda body: [call(row) for row in json.loads(body)["data"]]


def _cattrs() -> Way:
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn, override

    converter = Converter(detailed_validation=False)
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    make: Any = make_dict_structure_fn
    structure = make(PlainCall, converter, _cattrs_detailed_validation=False, from_=override(rename="from"))
    converter.register_structure_hook(PlainCall, structure)
    return lambda body: converter.structure(json.loads(body)["data"], list[PlainCall])


@contextmanager
def _trudy() -> Iterator[Way]:
    """`client.calls.list()` with a step before the pipeline that has the answer already."""
    import trudy

    body = b""

    async def answer(request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        return trudy.Response(status=200, headers={}, body=body)

    def way(given: bytes) -> object:
        nonlocal body
        body = given
        return client.calls.list(limit=100)

    with trudy.TrudyClient("a-key", middleware=[answer]) as client:
        yield way
