"""Requests cancelled at random moments cost no connection."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterator

import anyio
import pytest

from tests.fakes.loopback import Answer, Loopback, Silence
from tests.fakes.ways import Way, make_request
from trudy.options import Timeout
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio

CONNECTIONS = 8
TASKS = 40
REQUESTS = 10_000
MOMENTS = (0.001, 0.01, 0.1, math.inf)
"""Seconds: some are cancelled while they wait, some while they connect, some while they read, some not at all."""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(default=Answer(delay=0.0005)) as server:
        yield server


async def test_ten_thousand_cancelled_requests_leave_every_connection_usable(way: Way, server: Loopback) -> None:
    rng = random.Random(20260101)
    transport = Transport(backend=way.backend, max_connections=CONNECTIONS)
    request = make_request(server.url, timeout=Timeout(connect=30, read=30, write=30, pool=30))
    todo = iter(range(REQUESTS))
    ends: Counter[str] = Counter()

    async def work() -> None:
        for _ in todo:
            with anyio.move_on_after(rng.random() * rng.choice(MOMENTS)) as scope:
                await transport.send(request)
            ends["cancelled" if scope.cancelled_caught else "answered"] += 1

    async with anyio.create_task_group() as group:
        for _ in range(TASKS):
            group.start_soon(work)
    assert ends.total() == REQUESTS
    assert min(ends["cancelled"], ends["answered"]) > REQUESTS / 20

    await _answers_20_of_20(transport, server)
    assert server.open_connections <= CONNECTIONS
    await transport.aclose()
    server.wait(lambda: server.open_connections == 0)


async def test_tasks_cancelled_by_asyncio_itself_leave_every_connection_usable(way: Way, server: Loopback) -> None:
    if way.loop != "asyncio":
        pytest.skip("asyncio's own cancellation")
    rng = random.Random(20260102)
    transport = Transport(backend=way.backend, max_connections=CONNECTIONS)
    request = make_request(server.url, timeout=Timeout(connect=30, read=30, write=30, pool=30))
    loop = asyncio.get_running_loop()
    for _ in range(50):
        tasks = [asyncio.create_task(transport.send(request)) for _ in range(TASKS)]
        for task in tasks:
            loop.call_later(rng.random() * rng.choice(MOMENTS), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
    await _answers_20_of_20(transport, server)
    await transport.aclose()
    server.wait(lambda: server.open_connections == 0)


async def test_a_cancelled_request_gives_its_turn_to_the_next(way: Way) -> None:
    with Loopback(default=Silence()) as server:
        transport = Transport(backend=way.backend, max_connections=1)
        request = make_request(server.url)
        scopes = [anyio.CancelScope() for _ in range(3)]
        answered = anyio.Event()

        async def send(scope: anyio.CancelScope) -> None:
            with scope:
                await transport.send(request)
                answered.set()

        async with anyio.create_task_group() as group:
            for scope in scopes:
                group.start_soon(send, scope)
                await anyio.wait_all_tasks_blocked()
            await anyio.to_thread.run_sync(server.wait, lambda: len(server.seen) == 1)
            server.default = Answer()
            scopes[1].cancel()
            scopes[0].cancel()
            with anyio.fail_after(60):
                await answered.wait()
        assert len(server.seen) == 2
        await transport.aclose()


async def test_a_download_may_be_cancelled_at_any_piece(way: Way, server: Loopback) -> None:
    server.default = Answer(b"x" * 3_000_000)
    transport = Transport(backend=way.backend, max_connections=2)
    for wanted in range(6):
        with anyio.CancelScope() as scope:
            async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
                got = 0
                async for _ in streamed.chunks():
                    if got == wanted:
                        scope.cancel()
                    got += 1
    server.default = Answer()
    await _answers_20_of_20(transport, server)
    await transport.aclose()


async def _answers_20_of_20(transport: Transport, server: Loopback) -> None:
    request = make_request(server.url, timeout=Timeout(connect=30, read=30, write=30, pool=30))
    answers: list[int] = []

    async def send() -> None:
        answers.append((await transport.send(request)).status)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(send)
    assert answers == [200] * 20
