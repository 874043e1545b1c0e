"""One pool for each loop: opened where it is used, closed with its loop, left alone by a forked child."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx
import pytest
import trio

from tests.fakes.loopback import Answer, Loopback
from tests.fakes.ways import WAYS, Way, make_request
from trudy.errors import APIConnectionError, ConfigurationError
from trudy.transport.transport import Transport

Run = Callable[[Callable[[], Coroutine[object, object, object]]], object]


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
def run(way: Way) -> Run:
    """Runs a coroutine function to its end on a fresh event loop."""
    return trio.run if way.loop == "trio" else lambda main: asyncio.run(main())  # type: ignore[arg-type]


def test_fifty_loops_leave_no_pool_and_no_descriptor(way: Way, run: Run, server: Loopback) -> None:
    transport = Transport(backend=way.backend)

    async def main() -> None:
        assert (await transport.send(make_request(server.url))).status == 200
        assert len(transport._pools) == 1

    run(main)
    before = _descriptors(server)
    for _ in range(50):
        run(main)
        assert len(transport._pools) == 0
    assert _descriptors(server) == before
    server.wait(lambda: server.open_connections == 0)
    assert len(server.seen) == 51


def test_a_loop_keeps_its_pool_between_requests(way: Way, server: Loopback) -> None:
    if way.loop == "trio":
        pytest.skip("a trio run has no second half")
    transport = Transport(backend=way.backend)
    loop = asyncio.new_event_loop()
    for _ in range(3):
        loop.run_until_complete(transport.send(make_request(server.url)))
    assert server.accepted == 1
    loop.run_until_complete(transport.aclose())
    loop.close()


def test_two_loops_in_two_threads_at_once(way: Way, run: Run, server: Loopback) -> None:
    transport = Transport(backend=way.backend)
    together = threading.Barrier(2)
    done: list[int] = []

    async def main() -> None:
        await transport.send(make_request(server.url))
        together.wait(60)  # both pools are open
        done.extend([(await transport.send(make_request(server.url))).status for _ in range(50)])
        together.wait(60)

    threads = [threading.Thread(target=run, args=(main,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [200] * 100
    assert server.accepted == 2
    assert len(transport._pools) == 0


def test_closing_on_one_loop_closes_the_pools_of_the_others(way: Way, run: Run, server: Loopback) -> None:
    transport = Transport(backend=way.backend)
    opened, closed = threading.Event(), threading.Event()

    async def keep_open() -> None:
        await transport.send(make_request(server.url))
        opened.set()
        while not closed.is_set():
            await anyio.lowlevel.checkpoint()
        with pytest.raises(ConfigurationError, match="closed"):
            await transport.send(make_request(server.url))

    async def close() -> None:
        await transport.send(make_request(server.url))
        assert server.open_connections == 2
        await transport.aclose()
        await transport.aclose()

    thread = threading.Thread(target=run, args=(keep_open,))
    thread.start()
    assert opened.wait(60)
    run(close)
    server.wait(lambda: server.open_connections == 0)  # while the other loop still runs
    closed.set()
    thread.join()
    assert len(transport._pools) == 0


def test_a_pool_whose_loop_stands_still_is_closed_when_asked_there(way: Way, server: Loopback) -> None:
    if way.loop == "trio":
        pytest.skip("a trio run does not stand still")
    transport = Transport(backend=way.backend)
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for loop in loops:
        loop.run_until_complete(transport.send(make_request(server.url)))
    for loop in loops:
        loop.run_until_complete(transport.aclose())
        loop.close()
    server.wait(lambda: server.open_connections == 0)
    assert len(transport._pools) == 0


def test_a_loop_closed_carelessly_is_forgotten_at_the_next_opening(way: Way, run: Run, server: Loopback) -> None:
    transport = Transport()
    careless = asyncio.new_event_loop()
    careless.run_until_complete(transport.send(make_request(server.url)))
    careless.close()
    assert len(transport._pools) == 1

    async def main() -> None:
        await transport.send(make_request(server.url))
        assert len(transport._pools) == 1
        await transport.aclose()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # that loop left its socket to the garbage collector
        run(main)
        del careless
        gc.collect()
    server.wait(lambda: server.open_connections == 0)


def test_closing_ends_requests_under_way(way: Way, run: Run) -> None:
    with Loopback(default=Answer(delay=30.0)) as server:
        transport = Transport(backend=way.backend)
        ends: list[BaseException] = []

        async def send() -> None:
            try:
                await transport.send(make_request(server.url))
            except APIConnectionError as error:
                ends.append(error)

        async def main() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(send)
                await anyio.to_thread.run_sync(server.wait, lambda: len(server.seen) == 1)
                await transport.aclose()

        run(main)
        assert [type(end) for end in ends] == [APIConnectionError]
        server.wait(lambda: server.open_connections == 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_its_own_and_leaves_the_parents_alone(way: Way, run: Run, server: Loopback) -> None:
    if way.loop == "trio":
        pytest.skip("nothing of a trio run outlives it")
    transport = Transport(backend=way.backend)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.send(make_request(server.url)))
    pid = os.fork()
    if pid == 0:
        try:
            in_child = asyncio.new_event_loop()
            status = in_child.run_until_complete(transport.send(make_request(server.url))).status
            in_child.run_until_complete(transport.aclose())
            gc.collect()
            os._exit(0 if status == 200 and len(transport._pools) == 0 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [seen.connection for seen in server.seen] == [1, 2]
    for _ in range(3):
        loop.run_until_complete(transport.send(make_request(server.url)))
    assert [seen.connection for seen in server.seen] == [1, 2, 1, 1, 1]
    loop.run_until_complete(transport.aclose())
    loop.close()


def test_a_ready_client_stays_on_the_loop_where_it_was_first_used(way: Way, run: Run, server: Loopback) -> None:
    client = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
    transport = Transport(http_client=client)

    async def main() -> None:
        await transport.send(make_request(server.url))
        await transport.send(make_request(server.url))

    async def close() -> None:
        await transport.aclose()

    run(main)
    with pytest.raises(ConfigurationError, match="another event loop"):
        run(main)
    run(close)
    assert not client.is_closed


def test_a_factory_is_called_once_for_each_loop(way: Way, run: Run, server: Loopback) -> None:
    made: list[httpx.AsyncClient] = []

    def make() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient())
        return made[-1]

    transport = Transport(http_client=make)

    async def main() -> None:
        for _ in range(3):
            await transport.send(make_request(server.url))

    run(main)
    run(main)
    assert [client.is_closed for client in made] == [True, True]
    server.wait(lambda: server.open_connections == 0)


def _descriptors(server: Loopback) -> int:
    server.wait(lambda: server.open_connections == 0)
    gc.collect()
    return len(list(Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir()))
