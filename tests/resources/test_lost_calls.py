"""No create is given the call of another, and nobody is dialed twice, in any schedule."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.fakes.clock import NOON
from tests.fakes.virtual_loop import VirtualClock, run
from tests.resources.lost_calls import Shows, schedule
from trudy import APIConnectionError, RateLimit, TrudyError
from trudy._settings import Settings
from trudy.pipeline.auth import Credential
from trudy.pipeline.core import Core
from trudy.rate_limit.in_process import InProcessRateLimiter
from trudy.rate_limit.limiter import WindowLimiter
from trudy.request import Request, Response
from trudy.resources.calls import AsyncCalls

_SCHEDULES = 400
"""For each kind of server; some seconds in all."""


@pytest.mark.parametrize(
    ("shows", "most_misled"), [("all", 0.02), ("some rows", 0.04), ("some members", 0.05), ("nothing", 0.25)]
)
def test_random_schedules(shows: Shows, most_misled: float) -> None:
    ends: Counter[str] = Counter()
    misled = 0
    for seed in range(_SCHEDULES):
        result = schedule(seed, shows)
        assert result.wrong == [], f"schedule {seed}"
        assert result.dialed_twice == [], f"schedule {seed}"
        ends += result.ends
        misled += len(result.misled)
    # Two processes that ask for the same call cannot be told apart by anybody.
    assert misled <= most_misled * ends["found"]
    assert ends["found"] > 0.25 * (ends["found"] + ends["unknown"])


def test_a_crowd_at_the_rate_limiter_does_not_keep_lost_calls_from_being_found() -> None:
    """200 creates under a limit of 100 a minute, the answers of 40 of them lost."""
    found, failed, lists = run(_crowd())
    assert failed == []
    assert found == 40
    assert lists <= 60


async def _crowd() -> tuple[int, list[str], int]:
    clock = VirtualClock(NOON)
    server = Crowd(clock)
    limiter = WindowLimiter(RateLimit(100))
    core = Core(
        base_url="https://crowd.test",
        credential=Credential("key", "api_key"),
        limiter=InProcessRateLimiter(limiter, clock),
        server_clock=limiter.server_clock,
        transport=cast(Any, server),
        clock=clock,
    )
    calls = AsyncCalls(core, Settings(max_rate_limit_wait=600.0))
    failed: list[str] = []
    found = 0

    async def dial(number: int) -> None:
        nonlocal found
        try:
            call = await calls.create(agent_id="agent", phone_number=f"+1415555{number:04d}")
        except TrudyError as error:
            failed.append(str(error))
        else:
            found += bool(call.meta and call.meta.reconciled)
            assert call.to == f"+1415555{number:04d}"

    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(dial(number))
    await core.aclose()
    return found, failed, server.lists


class Crowd:
    """A server that loses each fifth answer, and lists whatever it placed."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.rows: list[dict[str, object]] = []
        self.lists = 0

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(0.2)
        now = datetime.fromtimestamp(self.clock.time(), UTC).isoformat()
        data: object
        if request.method == "GET":
            self.lists += 1
            offset = int(request.url.rpartition("offset=")[2])
            data = self.rows[::-1][offset : offset + 100]
        else:
            body = json.loads(request.body or b"")
            data = {"id": f"call-{len(self.rows)}", "to": body["phone_number"], "created_at": now}
            self.rows.append(data)
            if len(self.rows) % 5 == 0:
                raise APIConnectionError("lost")
        body = {"data": data, "meta": {"ts": now}, "pagination": {"has_more": True}}
        return Response(status=200, headers={}, body=json.dumps(body).encode())

    async def aclose(self) -> None:
        return None
