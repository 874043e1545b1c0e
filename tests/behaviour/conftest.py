"""The client against the sandbox over a real socket, on each event loop and HTTP library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.ways import WAYS, Way
from trudy import AsyncTrudyClient
from trudy.sandbox import Sandbox


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    way: Way = request.param
    return way


@pytest.fixture
def anyio_backend(way: Way) -> str:
    return way.loop


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=200, rate_limit=None)


@pytest.fixture
def base_url(sandbox: Sandbox) -> Iterator[str]:
    with sandbox.serve() as server:
        yield server.base_url


@pytest.fixture
async def client(sandbox: Sandbox, base_url: str, way: Way) -> AsyncIterator[AsyncTrudyClient]:
    async with AsyncTrudyClient(
        sandbox.api_key, base_url=base_url, clock=sandbox.clock, http_backend=way.backend
    ) as client:
        yield client


@pytest.fixture
async def agent_id(client: AsyncTrudyClient, sandbox: Sandbox) -> str:
    agent = await client.agents.create(name="Ava", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    return agent.id
