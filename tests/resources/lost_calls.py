"""Random schedules of creates whose answers get lost, on a server that shows more or less of each call.

Two processes dial few numbers. Answers are lost before or after the call is placed, calls are placed late or never,
lists lag and come in any order, clocks are wrong and are set, users cancel, and dial again after an unknown end.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Literal, cast

from attrs import define, field, frozen

from tests.fakes.clock import NOON
from tests.fakes.virtual_loop import VirtualClock, run
from trudy import APIConnectionError, CallOutcomeUnknownError, TrudyError
from trudy._settings import Settings
from trudy.pipeline.auth import Credential
from trudy.pipeline.core import Core
from trudy.rate_limit.server_clock import ClockEstimate
from trudy.request import Request, Response
from trudy.resources.calls import AsyncCalls

Shows = Literal["all", "some rows", "some members", "nothing"]
_NUMBERS = ("+14155550101", "+14155550102")
_SPELLINGS = (
    lambda n: n,
    lambda n: n[1:],
    lambda n: f"00{n[1:]}",
    lambda n: f"+1 ({n[2:5]}) {n[5:8]}-{n[8:]}",
    lambda n: n[2:],
)
_AGENTS = ("agent-a", "agent-b")
_FROM = (None, None, "+14155550188", "+14155550189")
_UNTIL = 400.0


@frozen
class Row:
    """A placed call: who asked for it, and what a list shows of it."""

    id: str
    key: str
    process: int
    body: dict[str, Any]
    made: float
    shown_from: float
    shown: dict[str, Any]


@define
class Result:
    """What became of the creates of one schedule."""

    ends: Counter[str] = field(factory=Counter)
    wrong: list[str] = field(factory=list)
    misled: set[str] = field(factory=set)
    """Creates that were given a call of the other process of which the list showed nothing that was not as sent, and
    those that were given the call which one of these had left over."""
    dialed_twice: list[str] = field(factory=list)
    lists: int = 0


class Server:
    """Stands for the transport: places calls, loses answers, and lists calls."""

    def __init__(self, rng: random.Random, shows: Shows) -> None:
        self.rng = rng
        self.shows = shows
        self.skew = rng.choice((0.0, 0.0, -3600.0, 300.0))
        self.whole_seconds = rng.random() < 0.3
        self.shuffled = rng.random() < 0.3
        self.lag = rng.choice((0.0, 0.0, 0.5, 3.0))
        self.rows: list[Row] = []
        self.posts: Counter[str] = Counter()
        self.lists = 0
        self.delivered: tuple[list[Row], list[Row]] = ([], [])
        """The calls that an answer gave to each process."""
        for number in _NUMBERS:
            for age in (1200.0, 30.0):
                body = {"phone_number": number, "agent_id": rng.choice(_AGENTS)}
                self._place(f"old-{number}-{age}", 9, body, made=-age)

    def transport(self, process: int) -> ProcessTransport:
        return ProcessTransport(self, process)

    async def post(self, request: Request, process: int) -> Response:
        rng = self.rng
        key, body = cast(str, request.idempotency_key), json.loads(request.body or b"")
        self.posts[key] += 1
        await asyncio.sleep(rng.uniform(0.05, 2))
        fate = rng.choice(
            (
                "answered",
                "answered",
                "answered",
                "late answer",
                "lost",
                "lost",
                "late",
                "never",
                "refused",
                "upstream",
                "another",
            )
        )
        if fate == "refused":
            return _answer(422, {"error": {"code": "validation_error", "message": "no"}})
        if fate == "upstream":
            details = {"httpStatus": 400}
            return _answer(502, {"error": {"code": "provider_error", "message": "no", "details": details}})
        if fate == "never":
            raise APIConnectionError("lost")
        if fate == "late":
            asyncio.get_running_loop().call_later(rng.uniform(0.1, 60), self._place, key, process, body)
            raise APIConnectionError("lost")
        row = self._place(key, process, body)
        if fate == "late answer":
            await asyncio.sleep(rng.uniform(5, 40))
        if fate == "lost":
            raise APIConnectionError("lost")
        delivered = self.delivered[process]
        if fate == "another" and delivered:
            row = rng.choice(delivered)
        else:
            delivered.append(row)
        return _answer(201, {"data": self._shown(row, {}), "meta": {"ts": self._stamp(self._now())}})

    async def list(self) -> Response:
        self.lists += 1
        asked = self._now()
        await asyncio.sleep(self.rng.uniform(0.02, 1))
        rows = [row for row in self.rows if row.shown_from <= asked]
        rows.sort(key=lambda row: -row.made)
        if self.shuffled:
            self.rng.shuffle(rows)
        shown = [self._shown(row, row.shown) for row in rows]
        return _answer(200, {"data": shown, "meta": {"ts": self._stamp(asked)}, "pagination": {"has_more": False}})

    def _place(self, key: str, process: int, body: dict[str, Any], made: float | None = None) -> Row:
        made = self._now() if made is None else made
        row = Row(
            f"call-{len(self.rows)}",
            key,
            process,
            body,
            made,
            made + self.rng.uniform(0, self.lag),
            self._details(body),
        )
        self.rows.append(row)
        return row

    def _details(self, body: dict[str, Any]) -> dict[str, Any]:
        rng = self.rng
        variables = {name: str(value) for name, value in (body.get("variables") or {}).items()}
        settings = body.get("call_settings") or {}
        agent = {"agent_id": body["agent_id"]}
        details = {
            **agent,
            "variables": variables,
            "from": body.get("from_number", "+14155550187"),
            "call_settings": settings,
        }
        match self.shows:
            case "nothing":
                return agent if rng.random() < 0.8 else {}
            case "some rows" if rng.random() < 0.5:
                return {name: details[name] for name in details if rng.random() < 0.3}
            case "some members":
                details["variables"] = {name: value for name, value in variables.items() if rng.random() < 0.6}
        return details

    def _shown(self, row: Row, details: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": row.id,
            "status": "queued",
            "to": self.rng.choice(_SPELLINGS)(row.body["phone_number"]),
            "created_at": self._stamp(row.made),
            **details,
        }

    def _stamp(self, moment: float) -> str:
        moment += NOON + self.skew
        return datetime.fromtimestamp(int(moment) if self.whole_seconds else moment, UTC).isoformat()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


@frozen
class ProcessTransport:
    """The transport of one process."""

    server: Server
    process: int

    async def send(self, request: Request) -> Response:
        return await (self.server.post(request, self.process) if request.method == "POST" else self.server.list())

    async def aclose(self) -> None:
        return None

    async def drop_connections(self) -> None:
        return None


def schedule(seed: int, shows: Shows) -> Result:
    """Run one schedule to its end."""
    return run(_schedule(random.Random(seed), shows))


async def _schedule(rng: random.Random, shows: Shows) -> Result:
    server = Server(rng, shows)
    result = Result()
    clocks = [VirtualClock(NOON + rng.choice((0.0, -1300.0, 5000.0))) for _ in range(2)]
    cores = [
        Core(
            base_url=f"https://process-{number}.test",
            credential=Credential("key", "api_key"),
            limiter=None,
            server_clock=ClockEstimate(),
            transport=cast(Any, server.transport(number)),
            clock=clock,
        )
        for number, clock in enumerate(clocks)
    ]
    calls = [AsyncCalls(core, Settings()) for core in cores]
    async with asyncio.TaskGroup() as group:
        for number in range(rng.randint(3, 8)):
            process = int(rng.random() < 0.3)
            group.create_task(_user(rng, calls[process], server, f"key-{number}", process, result))
        for clock in clocks:
            if rng.random() < 0.5:
                group.create_task(_set(clock, rng.uniform(0, 30), rng.choice((1300.0, -1300.0, 40.0))))
    result.dialed_twice = [key for key, count in server.posts.items() if count > 1]
    result.lists = server.lists
    for core in cores:
        await core.aclose()
    return result


async def _set(clock: VirtualClock, after: float, by: float) -> None:
    await asyncio.sleep(after)
    clock.set_by(by)


async def _user(rng: random.Random, calls: AsyncCalls, server: Server, key: str, process: int, result: Result) -> None:
    await asyncio.sleep(rng.uniform(0, 15))
    wanted: dict[str, Any] = {
        "agent_id": rng.choice(_AGENTS),
        "phone_number": rng.choice(_NUMBERS),
        "from_number": rng.choice(_FROM),
        "variables": rng.choice(
            (None, {}, {"n": rng.randint(1, 2)}, {"n": 1, "m": True}, {"trudy_ref": key}, {"trudy_ref": key, "n": 1})
        ),
        "call_settings": rng.choice((None, None, {"recording_enabled": False}, {"max_duration": "60s"})),
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    give_up = rng.uniform(0.01, 20) if rng.random() < 0.15 else None
    for again in range(3):
        own_key = key if again == 0 else f"{key}-{again}"
        try:
            async with asyncio.timeout(give_up):
                call = await calls.create(**wanted, idempotency_key=own_key, reconcile_timeout=12)
        except CallOutcomeUnknownError:
            result.ends["unknown"] += 1
            if rng.random() < 0.5:
                return
            await asyncio.sleep(rng.uniform(0, 10))
            continue
        except TimeoutError:
            result.ends["cancelled"] += 1
            continue
        except TrudyError as error:
            result.ends[error.code] += 1
            return
        assert call.meta is not None
        result.ends["found" if call.meta.reconciled else "answered"] += 1
        row = next(row for row in server.rows if row.id == call.id)
        if row.key != own_key:
            is_alike = row.process != process and _shows_nothing_else(row, wanted)
            if call.meta.reconciled and (is_alike or row.key in result.misled):
                result.misled.add(own_key)
            else:
                result.wrong.append(f"{own_key} {wanted} was given {row}")
        return


def _shows_nothing_else(row: Row, wanted: dict[str, Any]) -> bool:
    """Whether nothing that was shown of a call differs from what would be shown of the call wanted."""
    shown = row.shown
    own = {name: str(value) for name, value in wanted.get("variables", {}).items()}
    return (
        row.body["phone_number"] == wanted["phone_number"]
        and shown.get("agent_id", wanted["agent_id"]) == wanted["agent_id"]
        and shown.get("variables", {}).items() <= own.items()
        and ("from" not in shown or wanted.get("from_number") in (None, shown["from"]))
        and ("call_settings" not in shown or wanted.get("call_settings") in (None, shown["call_settings"]))
    )


def _answer(status: int, body: object) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())
