"""A client given as `http_client=`: what becomes of a client whose pool loses its connections to cancelled requests."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from types import ModuleType
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest

from tests.fakes.loopback import Answer, Loopback
from tests.fakes.ways import make_request
from trudy.errors import APITimeoutError
from trudy.options import Timeout
from trudy.request import Request
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio

CONNECTIONS = 8
TASKS = 40
REQUESTS = 3_000
MOMENTS = (0.001, 0.01, 0.1)
"""Seconds: some are cancelled while they wait, some while they connect, some while they read."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client_of(library: ModuleType) -> Any:
    limits = library.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return library.AsyncClient(limits=limits, trust_env=False)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda: client_of(httpx), id="a function that makes one of httpx"),
        pytest.param(lambda: client_of(httpx2), id="a function that makes one of httpx2"),
        pytest.param(client_of(httpx2), id="one of httpx2"),
    ],
)
async def test_after_thousands_of_cancelled_requests_the_next_twenty_succeed(given: Any) -> None:
    rng = random.Random(20260103)
    with Loopback(default=Answer(delay=0.0005)) as server:
        transport = Transport(http_client=given)
        hurried = make_request(server.url, timeout=Timeout(connect=30, read=30, write=30, pool=0.5))
        loop = asyncio.get_running_loop()
        todo = iter(range(REQUESTS))
        ends: Counter[str] = Counter()

        async def work() -> None:
            for _ in todo:
                task = asyncio.create_task(transport.send(hurried))
                timer = loop.call_later(rng.random() * rng.choice(MOMENTS), task.cancel)
                (ending,) = await asyncio.gather(task, return_exceptions=True)
                timer.cancel()
                ends[type(ending).__name__] += 1

        await asyncio.gather(*(work() for _ in range(TASKS)))
        assert ends["CancelledError"] > REQUESTS / 20
        assert set(ends) <= {"CancelledError", "Response", "APITimeoutError"}

        later = make_request(server.url, timeout=Timeout(connect=30, read=30, write=30, pool=5))
        answers = await asyncio.gather(*(transport.send(later) for _ in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        await transport.aclose()


class LosesItsConnections(httpx.AsyncBaseTransport):
    """Answers some requests, then has no connection for any; reports what it does unless `is_silent`."""

    def __init__(self, answers: int, *, is_silent: bool = False) -> None:
        self.left = answers
        self.is_silent = is_silent
        self.asked = 0
        self.is_closed = False
        self.may_answer = anyio.Event()
        self.may_answer.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if not self.left:
            await anyio.lowlevel.checkpoint()
            raise httpx.PoolTimeout("")
        self.left -= 1
        if not self.is_silent:
            await request.extensions["trace"]("http11.send_request_headers.started", {"request": request})
        await self.may_answer.wait()
        return httpx.Response(200, content=b'{"data": {}}')

    async def aclose(self) -> None:
        self.is_closed = True


def create() -> Request:
    return make_request("http://api.invalid", method="POST", body=b"{}")


async def test_a_client_made_by_the_function_is_replaced_and_closed_when_its_pool_is_lost() -> None:
    pools = [LosesItsConnections(1), LosesItsConnections(2)]
    unused = iter(pools)
    transport = Transport(http_client=lambda: httpx.AsyncClient(transport=next(unused)))
    for _ in range(3):
        assert (await transport.send(create())).status == 200
    assert [pool.asked for pool in pools] == [2, 2]
    assert [pool.is_closed for pool in pools] == [True, False]
    await transport.aclose()
    assert pools[1].is_closed


async def test_requests_that_wait_for_a_lost_pool_share_one_new_client() -> None:
    pools = [LosesItsConnections(1), LosesItsConnections(20)]
    unused = iter(pools)
    transport = Transport(http_client=lambda: httpx.AsyncClient(transport=next(unused)))
    await transport.send(create())
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(transport.send, create())
    assert (pools[0].asked, pools[1].asked) == (21, 20)


async def test_a_ready_client_whose_pool_is_lost_says_so_and_that_nothing_was_sent() -> None:
    transport = Transport(http_client=httpx.AsyncClient(transport=LosesItsConnections(1)))
    await transport.send(create())
    with pytest.raises(APITimeoutError, match="has lost its connections") as caught:
        await transport.send(create())
    assert not caught.value.request_sent
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_a_client_that_never_reports_proves_nothing_and_is_kept() -> None:
    made: list[LosesItsConnections] = []

    def make() -> httpx.AsyncClient:
        made.append(LosesItsConnections(1, is_silent=True))
        return httpx.AsyncClient(transport=made[-1])

    transport = Transport(http_client=make)
    await transport.send(create())
    with pytest.raises(APITimeoutError, match="no free connection within 5 s") as caught:
        await transport.send(create())
    assert caught.value.request_sent
    assert len(made) == 1


async def test_a_pool_that_is_merely_busy_is_kept() -> None:
    pool = LosesItsConnections(2)
    transport = Transport(http_client=lambda: httpx.AsyncClient(transport=pool))
    await transport.send(create())
    pool.may_answer = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(transport.send, create())
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(APITimeoutError, match="no free connection within 5 s") as caught:
            await transport.send(create())
        assert not caught.value.request_sent
        pool.may_answer.set()
    assert not pool.is_closed
