"""One client on many event loops, and after many cancellations: through the whole pipeline, over a real socket."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trudy import AsyncTrudyClient
from trudy.hooks import AttemptEnded, Event
from trudy.sandbox import Sandbox


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, str]]:
    sandbox = Sandbox(rate_limit=None)
    with sandbox.serve() as server:
        yield sandbox.api_key, server.base_url


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_fifty_runs_of_one_client_leave_nothing_behind(served: tuple[str, str]) -> None:
    key, base_url = served
    client = AsyncTrudyClient(key, base_url=base_url)

    async def use() -> None:
        await asyncio.gather(*(client.agents.list() for _ in range(3)))

    asyncio.run(use())
    before = open_files()
    for _ in range(50):
        asyncio.run(use())
    # The server, in this process too, closes its ends of the last connections in its own time.
    end = time.monotonic() + 60
    while open_files() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert open_files() <= before
    asyncio.run(client.aclose())


def test_two_loops_in_two_threads(served: tuple[str, str]) -> None:
    key, base_url = served
    client = AsyncTrudyClient(key, base_url=base_url)
    answered: list[int] = []

    async def use() -> None:
        pages = await asyncio.gather(*(client.agents.list() for _ in range(40)))
        answered.append(len(pages))

    threads = [threading.Thread(target=asyncio.run, args=(use(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answered == [40, 40]
    asyncio.run(client.aclose())


def test_ten_thousand_cancellations_leave_a_client_that_works(served: tuple[str, str]) -> None:
    key, base_url = served
    chance = random.Random(7)
    ended = 0

    def count(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, AttemptEnded)

    async def main() -> None:
        async with AsyncTrudyClient(key, base_url=base_url, hooks=[count], max_retries=0) as client:
            for _ in range(50):
                tasks = [asyncio.ensure_future(client.agents.list()) for _ in range(201)]
                for task in tasks[1:]:
                    asyncio.get_running_loop().call_later(chance.random() * 0.15, task.cancel)
                await asyncio.gather(*tasks, return_exceptions=True)
            assert ended > 0
            pages = await asyncio.gather(*(client.agents.list(deadline=30) for _ in range(20)))
            assert len(pages) == 20
            status = client.rate_limit
            assert status is not None
            assert status.waiting == 0

    asyncio.run(main())
