"""A process that holds one client and makes requests when told to, so that no client pays for another's modules.

    python -m tests.bench.worker async "openai, aiohttp" http://127.0.0.1:1234

Each line of its input, `[in flight, number]`, is an order; each line of its output `[CPU seconds, seconds]` a result.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from tests.bench.clients import ASYNC, SYNC, AsyncGet, Get


async def work_async(name: str, url: str) -> None:
    """Obey orders with a client for asyncio; `in flight` is the number of tasks."""
    async with ASYNC[name](url) as get:
        print("ready", flush=True)
        for line in sys.stdin:
            in_flight, number = json.loads(line)
            await _gather(get, 2 * in_flight, in_flight)
            watch = Watch()
            await _gather(get, number, in_flight)
            watch.report()


def work_sync(name: str, url: str) -> None:
    """Obey orders with a blocking client; `in flight` is the number of threads."""
    with SYNC[name](url) as get:
        print("ready", flush=True)
        for line in sys.stdin:
            in_flight, number = json.loads(line)
            with ThreadPoolExecutor(in_flight) as pool:
                _spread(pool, get, 2 * in_flight, in_flight)
                watch = Watch()
                _spread(pool, get, number, in_flight)
                watch.report()


class Watch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def report(self) -> None:
        """Print the process's CPU seconds and the seconds passed."""
        print(json.dumps([time.process_time() - self._cpu, time.perf_counter() - self._wall]), flush=True)


async def _gather(get: AsyncGet, number: int, in_flight: int) -> None:
    left = iter(range(number))

    async def one_after_another() -> None:
        for _ in left:
            await get()

    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))


def _spread(pool: ThreadPoolExecutor, get: Get, number: int, in_flight: int) -> None:
    left = iter(range(number))

    def one_after_another() -> None:
        for _ in left:
            get()

    if in_flight == 1:
        one_after_another()  # in the main thread, as a script would
    else:
        for done in [pool.submit(one_after_another) for _ in range(in_flight)]:
            done.result()


def main(kind: str, name: str, url: str) -> None:
    """Serve until the input ends. A client that is not installed says so in its only line."""
    try:
        if kind == "async":
            asyncio.run(work_async(name, url))
        else:
            work_sync(name, url)
    except ModuleNotFoundError as error:
        print(f"not installed: {error.name}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
