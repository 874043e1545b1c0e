"""A sandbox that stands still until stepped, and a small caller that speaks raw HTTP to it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from trudy.sandbox import Sandbox

NOON = 1_750_000_020.0
"""20 s after a clock minute began."""


class Api:
    """Requests with the key and below the base URL; a fresh client each time, so any event loop may use it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    async def __call__(
        self, method: str, path: str, json: Any = None, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> httpx.Response:
        url = path if path.startswith("http") else self.sandbox.base_url + path
        key = {} if path.startswith("http") else {"Authorization": f"Bearer {self.sandbox.api_key}"}
        async with self.sandbox.http_client() as client:
            return await client.request(method, url, json=json, headers=key | (headers or {}), **extra)

    async def agent(self, **members: Any) -> dict[str, Any]:
        body = {"name": "Ada", "voice_id": self.sandbox.voices[0].id, "system_prompt": "Be kind."} | members
        answer = await self("POST", "/agents", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]

    async def call(self, number: str = "+14155550100", **members: Any) -> dict[str, Any]:
        agents = (await self("GET", "/agents")).json()["data"]
        agent_id = agents[0]["id"] if agents else (await self.agent())["id"]
        answer = await self("POST", "/calls", {"agent_id": agent_id, "phone_number": number} | members)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=NOON, rate_limit=None)


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox)


@pytest.fixture
def api_of() -> type[Api]:
    return Api


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return request.param
