"""Both clients in a test of the user's that has frozen time: whoever has to wait waits real seconds, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import anyio
import freezegun
import httpx
import pytest
import time_machine

import trudy
from tests.fakes.loopback import Loopback, Silence

MOMENT = datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
Freeze = Callable[[], AbstractContextManager[Any]]
FREEZES: dict[str, Freeze] = {
    "freezegun": lambda: freezegun.freeze_time(MOMENT),
    "freezegun, ticking": lambda: freezegun.freeze_time(MOMENT, tick=True),
    "time-machine": lambda: time_machine.travel(MOMENT, tick=False),
    "time-machine, ticking": lambda: time_machine.travel(MOMENT, tick=True),
}
frozen = pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
pytestmark = pytest.mark.timeout(60)
numbers = count()


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def refused_at_first(request: httpx.Request) -> httpx.Response:
    """Two requests in three are taken. The server lives in the same frozen time."""
    now = datetime.now(UTC)
    if next(numbers) % 3 == 0:
        error = {"code": "rate_limit_exceeded", "details": {"limit": 5, "reset_at": _iso(now + timedelta(seconds=0.2))}}
        return httpx.Response(429, json={"error": error, "meta": {"ts": _iso(now)}})
    return httpx.Response(200, json={"data": {"id": "a1"}, "meta": {"ts": _iso(now)}})


def taken(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": {"id": "a1", "status": "queued"}, "meta": {"ts": _iso(datetime.now(UTC))}})


def faulty(request: httpx.Request) -> httpx.Response:
    return httpx.Response(500, json={"error": {"code": "internal_error"}}) if next(numbers) % 2 == 0 else taken(request)


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def settings(handler: Callable[[httpx.Request], httpx.Response], **more: object) -> dict[str, Any]:
    return {
        "api_key": f"frozen-{next(numbers)}",
        "base_url": "https://api.example/v1",
        "http_client": lambda: httpx.AsyncClient(transport=httpx.MockTransport(handler)),
        **more,
    }


CASES: dict[str, dict[str, Any]] = {
    "a full window": settings(taken, rate_limit=trudy.RateLimit(2, window=0.3)),
    "a refusal": settings(refused_at_first),
    "a fault": settings(faulty, max_retries=9),
}


@frozen
@pytest.mark.parametrize("case", CASES)
def test_the_sync_client_waits_and_goes_on(freeze: Freeze, case: str) -> None:
    began = time.monotonic()
    with freeze(), trudy.TrudyClient(**{**CASES[case], "api_key": f"sync-{next(numbers)}"}) as client:
        for _ in range(3):
            assert client.agents.get("a1").id == "a1"
    assert time.monotonic() - began < 20


@frozen
@pytest.mark.parametrize("case", CASES)
def test_the_async_client_waits_and_goes_on(freeze: Freeze, case: str, anyio_backend: str) -> None:
    async def use() -> None:
        client = trudy.AsyncTrudyClient(**{**CASES[case], "api_key": f"async-{next(numbers)}"})
        async with client, anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(client.agents.get, "a1")

    began = time.monotonic()
    with freeze():
        anyio.run(use, backend=anyio_backend)
    assert time.monotonic() - began < 20


@frozen
def test_a_wait_for_a_call_ends_when_its_time_is_over(freeze: Freeze) -> None:
    began = time.monotonic()
    with freeze(), trudy.TrudyClient(**settings(taken)) as client, pytest.raises(trudy.WaitTimeoutError):
        client.calls.wait("a1", max_wait=0.3, poll_interval=0.1)
    assert 0.3 <= time.monotonic() - began < 20


@frozen
def test_a_deadline_ends_a_request_that_is_not_answered(freeze: Freeze, anyio_backend: str) -> None:
    async def hangs(request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async def use() -> None:
        client = trudy.AsyncTrudyClient(
            "a-deadline",
            base_url="https://api.example/v1",
            http_client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(hangs)),
        )
        async with client:
            with pytest.raises(trudy.APITimeoutError):
                await client.agents.get("a1", deadline=0.2)

    began = time.monotonic()
    with freeze():
        anyio.run(use, backend=anyio_backend)
    assert time.monotonic() - began < 20


@frozen
@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
def test_a_timeout_ends_an_attempt_that_is_not_answered(freeze: Freeze, backend: Any, anyio_backend: str) -> None:
    if (backend, anyio_backend) == ("aiohttp", "trio"):
        pytest.skip("aiohttp is for asyncio")

    async def use(url: str) -> None:
        client = trudy.AsyncTrudyClient("a-timeout", base_url=url, http_backend=backend, timeout=0.1, max_retries=0)
        async with client:
            with pytest.raises(trudy.APITimeoutError):
                await client.agents.get("a1")

    began = time.monotonic()
    with Loopback(Silence()) as server, freeze():
        anyio.run(use, server.url, backend=anyio_backend)
    assert time.monotonic() - began < 20


@frozen
def test_time_that_is_frozen_between_two_calls_and_thawed_again_delays_nobody(freeze: Freeze) -> None:
    began = time.monotonic()
    with trudy.TrudyClient(**settings(taken, rate_limit=trudy.RateLimit(1, window=0.2))) as client:
        client.agents.get("a1")
        with freeze():
            client.agents.get("a1")
        client.agents.get("a1")
    assert time.monotonic() - began < 20
