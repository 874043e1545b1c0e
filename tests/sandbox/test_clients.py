"""The public clients, as the sandbox hands them out."""

from __future__ import annotations

import pytest

import trudy
from trudy.clock import SystemClock
from trudy.sandbox import Sandbox


@pytest.mark.anyio
async def test_the_async_client_uses_the_sandboxes_clock() -> None:
    sandbox = Sandbox(speed=1_000)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        done = await client.calls.wait(call.id, max_wait=3600, poll_interval=1)
    assert done.status == "completed"
    assert sandbox.clock.monotonic() >= 29


def test_the_sync_client_sees_the_same_state() -> None:
    sandbox = Sandbox()
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        with sandbox.serve() as server, server.client() as other:
            assert other.agents.get(agent.id).name == "Ada"


@pytest.mark.anyio
async def test_another_credential_is_taken_as_it_is() -> None:
    sandbox = Sandbox()
    async with sandbox.async_client(api_key="truedy_other", max_retries=0) as client:
        with pytest.raises(trudy.AuthenticationError):
            await client.agents.list(limit=1)


def test_a_client_with_its_own_clock_gets_times_in_real_seconds() -> None:
    sandbox = Sandbox()
    follows = sandbox._client_options({})["http_client"]
    own = sandbox._client_options({"clock": SystemClock()})["http_client"]
    assert (follows.keywords, own.keywords) == ({"real_time": False}, {"real_time": True})
