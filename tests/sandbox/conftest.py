"""A sandbox whose clock stands still, and a small client that sends raw HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.documented import complaint
from trudy.sandbox import Sandbox
from trudy.sandbox.faults.rules import NO_FAULT
from trudy.sandbox.http.api_endpoint import ApiEndpoint, HttpAnswer

NOON = 1_750_000_020.0
"""20 s after a clock minute began."""


class Api:
    """Sends requests with the key to paths below the base URL; each has a new client, so any event loop may use it."""

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


@pytest.fixture(autouse=True)
def every_answer_is_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test is about, and whichever way it comes in: no answer is one that the API document does not tell of.

    Answers that a test has spoilt itself, by a fault or a quirk, are left out, and so are paths that nothing serves.
    """
    complaints: list[str | None] = []
    real = ApiEndpoint._answer

    def checked(self: ApiEndpoint, scope: Any, body: bytes, connection: Any) -> HttpAnswer:
        answer = real(self, scope, body, connection)
        behind = self._methods.get(scope["method"])
        is_spoilt = answer.fault is not NO_FAULT or bool(self._world.wire.quirks) or connection.is_media
        if behind is not None and not is_spoilt:
            complaints.append(complaint(behind.operation, answer))
        return answer

    monkeypatch.setattr(ApiEndpoint, "_answer", checked)
    yield
    assert not [found for found in complaints if found]


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
