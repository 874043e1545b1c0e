"""What the tests of quirks share: a sandbox with quirks, and the register of the tests.

Each quirk has a test that shows it on the wire and that the SDK works in spite of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from trudy import APIError, AsyncTrudyClient
from trudy.sandbox import Sandbox

NOON = 1_750_000_040.0
"""20 s after a clock minute began."""

_open: list[AsyncTrudyClient] = []
"""The clients that a test has made, which are closed at its end."""


async def within(seconds: float, survival: Awaitable[None]) -> None:
    """Run a test for at most so many seconds, and close its clients."""
    try:
        with anyio.fail_after(seconds):
            await survival
    finally:
        while _open:
            await _open.pop().aclose()


class World:
    """A sandbox with quirks, the SDK's client of it, and raw requests to it."""

    def __init__(self, *quirks: str, speed: float = 0.0, **options: Any) -> None:
        self.sandbox = Sandbox(speed=speed, start=NOON, quirks=quirks, **{"rate_limit": None} | options)
        self.client = self.new_client()

    def new_client(self, **options: Any) -> AsyncTrudyClient:
        client = self.sandbox.async_client(**options)
        _open.append(client)
        return client

    async def raw(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request without the SDK."""
        key = {"Authorization": f"Bearer {self.sandbox.api_key}"}
        async with self.sandbox.http_client() as http:
            return await http.request(method, self.sandbox.base_url + path, json=body, headers=key | headers)

    async def agent(self, **options: Any) -> Any:
        return await self.client.agents.create(
            name="Ada", voice_id=self.sandbox.voices[0].id, system_prompt="Be kind.", **options
        )

    def agent_body(self) -> dict[str, str]:
        return {"name": "Ada", "voice_id": self.sandbox.voices[0].id, "system_prompt": "Be kind."}

    async def call(self, number: str = "+14155550100", **options: Any) -> Any:
        agents = (await self.client.agents.list(limit=2)).data
        agent_id = (agents[0] if agents else await self.agent()).id
        # On a fast clock the usual 30 s may pass while the machine is busy.
        patience = {"reconcile_timeout": 600.0}
        return await self.client.calls.create(agent_id=agent_id, phone_number=number, **patience | options)

    async def refusal(self, expected: type[APIError], coroutine: Awaitable[object]) -> Any:
        """The error of a request, which must be of this class."""
        with pytest.raises(expected) as raised:
            await coroutine
        return raised.value


QuirkTest = Callable[[str], Awaitable[None]]


class QuirkTests:
    """The tests of one file by quirk: `@survives("naive_timestamps")` above each."""

    def __init__(self) -> None:
        self.by_quirk: dict[str, QuirkTest] = {}

    def __call__(self, *quirks: str) -> Callable[[QuirkTest], QuirkTest]:
        def register(test: QuirkTest) -> QuirkTest:
            self.by_quirk |= dict.fromkeys(quirks, test)
            return test

        return register

    async def run(self, quirk: str) -> None:
        await within(60, self.by_quirk[quirk](quirk))
