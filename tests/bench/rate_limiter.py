"""1,000 creates, 200 in flight, where the server takes 100 in each window of 2 seconds: when is the last one placed?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from typing import TypeAlias
from urllib.request import urlopen

from attrs import frozen

from tests.bench.report import Table, Target
from tests.bench.server import serve

Create: TypeAlias = Callable[[str], Awaitable[object]]
Open: TypeAlias = Callable[[str, int, float], AbstractAsyncContextManager[Create]]


@frozen(kw_only=True)
class Load:
    """What is to be placed, and what the server takes."""

    creates: int
    in_flight: int
    limit: int
    window: float

    @property
    def ideal(self) -> float:
        """Seconds from the opening of the first window to the opening of the last one that is needed."""
        return (-(-self.creates // self.limit) - 1) * self.window


@frozen(kw_only=True)
class Outcome:
    """What became of it. `seconds` count from the opening of the first window to the last answer."""

    seconds: float
    failed: int
    placed: int
    twice: int
    refused: int
    most_refused: int
    windows: int


def bench(*, quick: bool = False) -> list[Table]:
    """The SDK told the limit, and the openai client's retries."""
    load = (
        Load(creates=40, in_flight=20, limit=10, window=0.5)
        if quick
        else Load(creates=1_000, in_flight=200, limit=100, window=2.0)
    )
    clients: dict[str, Open] = {"trudy": _paced}
    if find_spec("openai") is not None and not quick:
        clients |= {"openai, its 2 retries": _openai, "openai, max_retries=100": _openai_patient}
    with serve() as url:
        found = {name: _measure(client, url, load) for name, client in clients.items()}
    paced = found["trudy"]
    return [
        Table(
            title=f"{load.creates} creates, {load.in_flight} in flight, {load.limit} in {load.window:g} s",
            columns=["client", "seconds", "/ ideal", "placed", "failed", "twice", "refused", "most in a window"],
            rows=[
                [
                    name,
                    f"{each.seconds:.2f}",
                    f"{each.seconds / load.ideal:.2f} x" if each.placed == load.creates else "-",
                    *(str(count) for count in (each.placed, each.failed, each.twice, each.refused, each.most_refused)),
                ]
                for name, each in found.items()
            ],
            targets=[
                Target(what="time / ideal", value=paced.seconds / load.ideal, limit=1.05),
                Target(what="most refused in a window", value=paced.most_refused, limit=1, unit=""),
                Target(what="lost", value=load.creates - paced.placed, limit=0, unit=""),
                Target(what="twice", value=paced.twice, limit=0, unit=""),
            ],
            notes=(
                f"Ideal: {load.ideal:g} s, from the opening of the first window to that of the last one needed.",
                "The server says its limit and reset_at in the body of a 429 and in no header, as the documented one.",
            ),
        )
    ]


def _measure(client: Open, url: str, load: Load) -> Outcome:
    seconds, failed = asyncio.run(_run(client, url, load))
    with urlopen(f"{url}/tally") as answer:  # noqa: S310 - our own server
        return Outcome(seconds=seconds, failed=failed, **json.load(answer))


async def _run(client: Open, url: str, load: Load) -> tuple[float, int]:
    """Seconds from the opening of a window to the last answer, and how many creates failed."""
    failed = 0
    numbers = iter([f"+1415555{index:04d}" for index in range(load.creates)])

    async def one_after_another(create: Create) -> None:
        nonlocal failed
        for number in numbers:
            try:
                await create(number)
            except Exception as error:
                if getattr(error, "status_code", None) != 429:
                    raise
                failed += 1

    async with client(url, load.limit, load.window) as create:
        await asyncio.sleep(load.window - time.time() % load.window)
        began = time.time() // load.window * load.window
        await asyncio.gather(*(one_after_another(create) for _ in range(load.in_flight)))
        seconds = time.time() - began
    return seconds, failed


@asynccontextmanager
async def _paced(url: str, limit: int, window: float) -> AsyncIterator[Create]:
    import trudy

    pace = trudy.RateLimit(limit=limit, window=window)
    base_url = f"{url}/limiter/{limit}/{window}"
    async with trudy.AsyncTrudyClient("a-key", base_url=base_url, rate_limit=pace, max_rate_limit_wait=600) as client:
        yield lambda number: client.calls.create(agent_id="an-agent", phone_number=number)


@asynccontextmanager
async def _openai(url: str, limit: int, window: float, max_retries: int = 2) -> AsyncIterator[Create]:
    import openai

    base_url = f"{url}/limiter/{limit}/{window}"
    async with openai.AsyncOpenAI(api_key="a-key", base_url=base_url, max_retries=max_retries) as client:
        yield lambda number: client.post("/calls", cast_to=openai.BaseModel, body={"phone_number": number})


def _openai_patient(url: str, limit: int, window: float) -> AbstractAsyncContextManager[Create]:
    return _openai(url, limit, window, max_retries=100)
