"""How fast the sandbox answers: in process, over HTTP from a process of its own, and with many calls in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tests.bench.report import Table, Target, ratio

_CONNECTIONS = 8
_FEW, _MANY = 1_000, 100_000
_LISTS = (
    "/calls",
    "/calls?status=completed",
    "/calls?status=failed&agent_id={agent}",
    "/calls?created_before=2025-06-15T15:10:00Z&status=completed",
)
_START = 1_750_000_020.0


def bench(*, quick: bool = False) -> list[Table]:
    """Requests a second, lists among few and many calls, and a campaign of two days."""
    return [_speed(200 if quick else 5_000), _lists(200 if quick else _MANY, quick=quick), _campaign(quick=quick)]


def _speed(requests: int) -> Table:
    in_process = asyncio.run(_in_process(requests))
    rows = [["in process", f"{1 / in_process:.0f}", f"{in_process * 1e6:.0f}"]]
    targets = [Target(what="us a request in process", value=round(in_process * 1e6), limit=500, unit="")]
    if find_spec("aiohttp") is None:
        rows.append(["over HTTP", "aiohttp not installed", "-"])
    else:
        over_http = asyncio.run(_over_http(requests))
        rows.append([f"over HTTP, {_CONNECTIONS} connections", f"{1 / over_http:.0f}", f"{over_http * 1e6:.0f}"])
        targets.append(Target(what="us a request over HTTP", value=round(over_http * 1e6), limit=1000, unit=""))
    return Table(
        title="The sandbox: GET /agents/{id}",
        columns=["way in", "requests/s", "us a request"],
        rows=rows,
        targets=targets,
        notes=("Wall times: in process with the client's httpx, over HTTP from another process on the same machine.",),
    )


async def _in_process(requests: int) -> float:
    from trudy.sandbox import Sandbox

    sandbox = Sandbox(speed=0, rate_limit=None)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with sandbox.http_client() as http:
        body = {"name": "a", "voice_id": sandbox.voices[0].id, "system_prompt": "x"}
        made = await http.post(f"{sandbox.base_url}/agents", json=body, headers=headers)
        url = f"{sandbox.base_url}/agents/{made.json()['data']['id']}"
        return await _best(requests, lambda: http.get(url, headers=headers))


async def _over_http(requests: int) -> float:
    import aiohttp

    with _served() as (base_url, key):
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as http:
            async with http.get(f"{base_url}/voices") as answer:
                voice = (await answer.json())["data"][0]["id"]
            body = {"name": "a", "voice_id": voice, "system_prompt": "x"}
            async with http.post(f"{base_url}/agents", json=body) as answer:
                url = f"{base_url}/agents/{(await answer.json())['data']['id']}"

            async def get() -> None:
                async with http.get(url) as answer:
                    await answer.read()

            async def several() -> None:
                await asyncio.gather(*(get() for _ in range(_CONNECTIONS)))

            return await _best(requests // _CONNECTIONS, several) / _CONNECTIONS


async def _best(times: int, ask: Callable[[], Awaitable[object]], rounds: int = 3) -> float:
    """Seconds for one, in the best of some rounds."""
    found: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            await ask()
        found.append((time.perf_counter() - began) / times)
    return min(found)


@contextmanager
def _served() -> Iterator[tuple[str, str]]:
    """Base URL and key of a sandbox in a process of its own."""
    command = [sys.executable, "-m", "trudy.sandbox", "--port", "0", "--rate-limit", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        try:
            told = [process.stdout.readline().split() for _ in range(2)]
            yield told[0][-1], told[1][-1]
        finally:
            process.terminate()


def _lists(many: int, *, quick: bool) -> Table:
    few = asyncio.run(_list_times(min(_FEW, many), quick=quick))
    large = asyncio.run(_list_times(many, quick=quick))
    return Table(
        title=f"The sandbox: 50 calls of {_FEW} and of {many}",
        columns=["list", f"us, {_FEW}", f"us, {many}", "ratio"],
        rows=[
            [path, f"{few[path] * 1e6:.0f}", f"{large[path] * 1e6:.0f}", ratio(large[path], few[path])]
            for path in _LISTS
        ],
        targets=[Target(what=path, value=large[path] / few[path], limit=1.5) for path in _LISTS],
    )


async def _list_times(count: int, *, quick: bool) -> dict[str, float]:
    from trudy.sandbox import Sandbox
    from trudy.sandbox.domain.new_call import SETTINGS, place
    from trudy.sandbox.domain.outcome_by_number import Outcome

    sandbox = Sandbox(speed=0, start=_START, rate_limit=None)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with sandbox.http_client() as http:
        agents: list[dict[str, Any]] = []
        for _ in range(2):
            body = {"name": "a", "voice_id": sandbox.voices[0].id, "system_prompt": "x"}
            made = await http.post(f"{sandbox.base_url}/agents", json=body, headers=headers)
            agents.append(made.json()["data"])
        for index in range(count):
            place(
                sandbox.world,
                agents[index % 2],
                f"+1415555{100 + index % 100:04d}",
                (Outcome.COMPLETED, Outcome.BUSY, Outcome.NO_ANSWER)[index % 3],
                now=_START + index,
                from_number="+16285550100",
                settings=SETTINGS,
                variables={},
            )
        sandbox.advance(hours=1_000)
        found: dict[str, float] = {}
        for path in _LISTS:
            url = sandbox.base_url + path.replace("{agent}", agents[0]["id"])

            async def get(url: str = url) -> None:
                answer = await http.get(url, headers=headers)
                assert answer.status_code == 200

            # The first look moves into the index what has changed since the last one.
            await get()
            found[path] = await _best(3 if quick else 50, get, rounds=5)
        return found


def _campaign(*, quick: bool) -> Table:
    contacts = 20 if quick else 1_000
    began = time.perf_counter()
    asyncio.run(_run_campaign(contacts))
    seconds = time.perf_counter() - began
    return Table(
        title=f"The sandbox: a campaign of two days, {contacts} contacts",
        columns=["", "seconds"],
        rows=[["created, run, and read", f"{seconds:.2f}"]],
        targets=[Target(what="seconds", value=round(seconds, 2), limit=5, unit="")],
    )


async def _run_campaign(contacts: int) -> None:
    from trudy.sandbox import Sandbox

    sandbox = Sandbox(speed=0, start=_START, rate_limit=None, any_number=True)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with sandbox.http_client() as http:

        async def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await http.post(sandbox.base_url + path, json=body, headers=headers)
            data: dict[str, Any] = answer.json()["data"]
            return data

        agent = await post("/agents", {"name": "a", "voice_id": sandbox.voices[0].id, "system_prompt": "x"})
        batch = await post(
            "/batch-calls",
            {
                "name": "b",
                "agent_id": agent["id"],
                "contacts": [{"phone_number": f"+1415{index:07d}"} for index in range(contacts)],
                "working_days": [1, 2, 3, 4, 5, 6, 7],
                "max_calls_per_day": contacts // 2,
            },
        )
        await post(f"/batch-calls/{batch['id']}/schedule", {})
        sandbox.advance(hours=48)
        answer = await http.get(f"{sandbox.base_url}/batch-calls/{batch['id']}", headers=headers)
        assert answer.json()["data"]["completed"] == contacts
