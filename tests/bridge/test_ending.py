"""Clients dropped without close, and the end of the interpreter."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import weakref
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from trudy.bridge import Bridge, _release
from trudy.bridge.private_loops import PrivateLoops

Script = Callable[[str], list[str]]
FDS = Path("/proc/self/fd")


@pytest.mark.skipif(not FDS.is_dir(), reason="needs /proc")
def test_200_dropped_without_close_leave_no_thread_and_no_descriptor() -> None:
    async def connect() -> None:
        async def keep() -> AsyncGenerator[None]:
            _, writer = await asyncio.open_connection("localhost", port)
            try:
                yield
            finally:
                writer.close()
                await writer.wait_closed()

        kept = keep()
        await anext(kept)
        keepers.append(kept)

    keepers: list[object] = []  # held, as the client holds its pools: only the end of the loop closes them
    with listening() as port:
        Bridge().run(connect)
        gc.collect()  # what other tests left open would be closed amid this one
        threads, descriptors = threading.active_count(), len(list(FDS.iterdir()))
        for _ in range(200):
            bridge = Bridge()
            bridge.run(connect)
            del bridge
        assert threading.active_count() == threads
        assert len(list(FDS.iterdir())) == descriptors


class listening:  # noqa: N801
    """A port that takes connections and leaves them alone."""

    def __enter__(self) -> int:
        self._server = socket.create_server(("localhost", 0), backlog=300)
        port: int = self._server.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._server.close()


def test_what_is_kept_is_freed_after_the_loops_are_closed() -> None:
    class Client:
        pass

    closed_first: list[bool] = []
    client = Client()
    bridge = Bridge(client)

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    kept = bridge.run(loop)
    weakref.finalize(client, lambda: closed_first.append(kept.is_closed()))
    del client
    assert closed_first == []
    del bridge
    assert closed_first == [True]


def test_exit_with_calls_under_way_in_daemon_threads(script: Script) -> None:
    assert script("""
        started = threading.Semaphore(0)
        async def hold():
            started.release()
            await asyncio.sleep(3600)
        for _ in range(5):
            threading.Thread(target=bridge.run, args=(hold,), daemon=True).start()
        for _ in range(5):
            started.acquire(timeout=30)
        say(bridge.run(answer))
    """) == ["answered"]


def test_calls_from_atexit_with_a_host_name(script: Script) -> None:
    assert script("""
        import atexit, socket
        server = socket.create_server(("localhost", 0))
        port = server.getsockname()[1]
        async def connect():
            reader, writer = await asyncio.open_connection("localhost", port)
            writer.close()
            await writer.wait_closed()
            return "connected"
        def last():
            say(bridge.run(connect))
            say(Bridge().run(connect))
        atexit.register(last)
        say(bridge.run(answer))
        atexit.register(last)
    """) == ["answered", *["connected"] * 4]


def test_a_script_that_uses_an_executor_in_its_middleware_ends(script: Script) -> None:
    assert script("""
        async def elsewhere():
            return await asyncio.to_thread(threading.get_ident)
        say(bridge.run(elsewhere) != threading.get_ident())
    """) == ["True"]


def test_nothing_is_done_once_the_interpreter_ends() -> None:
    pool = PrivateLoops()
    loop = pool.borrow()
    pool.give_back(loop, usable=True)
    try:
        _release(pool, None, interpreter_ends=lambda: True)
        assert not loop.is_closed()
    finally:
        loop.close()
