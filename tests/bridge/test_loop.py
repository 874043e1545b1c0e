from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from trudy.bridge.loop import PrivateLoop


@pytest.fixture
def loop() -> Iterator[PrivateLoop]:
    made = PrivateLoop()
    yield made
    made.finish()


async def turns_until_heard(here: socket.socket, there: socket.socket) -> int:
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(here, heard.set)
    there.send(b"x")
    turns = 0
    while not heard.is_set():
        turns += 1
        await asyncio.sleep(0)
    loop.remove_reader(here)
    return turns


def test_a_loop_that_never_rests_hears_its_sockets(loop: PrivateLoop) -> None:
    here, there = socket.socketpair()
    with here, there:
        assert loop.run_until_complete(asyncio.wait_for(turns_until_heard(here, there), 60)) < 100


def test_a_loop_that_starts_again_hears_its_sockets_first(loop: PrivateLoop) -> None:
    here, there = socket.socketpair()
    heard: list[str] = []

    async def second() -> None:
        await asyncio.sleep(0)
        heard.append("second")

    with here, there:
        loop.add_reader(here, heard.append, "socket")
        loop.run_until_complete(asyncio.sleep(0))
        there.send(b"x")
        loop.run_until_complete(second())
        loop.remove_reader(here)
    assert (heard[0], heard[-1]) == ("socket", "second")
