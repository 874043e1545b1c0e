"""What the service's own SDK page promised works letter for letter, in both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from trudy import AsyncTrudyClient, PaymentRequiredError, RateLimitError, TrudyClient, TrudyError
from trudy.models import CallSettings
from trudy.sandbox import Sandbox


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    sandbox = Sandbox(placeholders=True)
    with sandbox.serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        yield sandbox


def test_sync(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    client = TrudyClient(api_key="YOUR_API_KEY")

    agent = client.agents.create(name="Support", voice_id="VOICE_UUID", system_prompt="You are a support agent.")
    agents = client.agents.list()
    assert agent.id in [agent.id for agent in agents]
    assert client.agents.get(agent.id).id == agent.id
    assert client.agents.update(agent.id, name="New name").name == "New name"
    client.agents.delete(agent.id)
    assert agent.id not in [agent.id for agent in client.agents.list()]

    call = client.calls.create(
        agent_id="agent-uuid",
        phone_number="+1234567890",
        direction="outbound",
        call_settings={"recording_enabled": True, "transcription_enabled": True},
    )
    status = client.calls.get(call.id)
    print(status.status)
    assert capsys.readouterr().out == "queued\n"
    assert call.id in [call.id for call in client.calls.list(limit=50, offset=0)]

    sandbox.advance(minutes=1)
    assert client.calls.get_transcript(call.id).text
    assert client.calls.get_recording(call.id).recording_url
    client.close()


async def promised(sandbox: Sandbox) -> None:
    client = AsyncTrudyClient(api_key="YOUR_API_KEY")

    agent = await client.agents.create(name="Support", voice_id="VOICE_UUID", system_prompt="You are a support agent.")
    agents = await client.agents.list()
    assert agent.id in [agent.id for agent in agents.data]
    assert agent.id in [agent.id async for agent in client.agents.list()]
    assert (await client.agents.get(agent.id)).id == agent.id
    assert (await client.agents.update(agent.id, name="New name")).name == "New name"
    await client.agents.delete(agent.id)
    assert agent.id not in [agent.id async for agent in client.agents.list()]

    call = await client.calls.create(
        agent_id="agent-uuid",
        phone_number="+1234567890",
        direction="outbound",
        call_settings=CallSettings(recording_enabled=True, transcription_enabled=True),
    )
    status = await client.calls.get(call.id)
    print(status.status)
    assert call.id in [call.id async for call in client.calls.list(limit=50, offset=0)]

    sandbox.advance(minutes=1)
    assert (await client.calls.get_transcript(call.id)).text
    assert (await client.calls.get_recording(call.id)).recording_url
    await client.aclose()


def test_async(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(promised(sandbox))
    assert capsys.readouterr().out == "queued\n"


def test_a_token_in_place_of_a_key(sandbox: Sandbox) -> None:
    with TrudyClient(jwt_token=sandbox.api_key) as client:
        assert client.agents.get("agent-uuid").name


def test_payment_required(sandbox: Sandbox) -> None:
    sandbox.payment_required = "trial_expired"
    with TrudyClient(api_key="YOUR_API_KEY") as client, pytest.raises(PaymentRequiredError) as caught:
        client.calls.create(agent_id="agent-uuid", phone_number="+1234567890")
    e = caught.value
    assert isinstance(e, TrudyError)
    assert (e.code, e.details.get("reason")) == ("payment_required", "trial_expired")
    assert e.details.get("redirect_url")
    assert e.message


def test_rate_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(placeholders=True, rate_limit=1).serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        client = TrudyClient(api_key="YOUR_API_KEY", max_rate_limit_wait=0)
        # Three in a row cannot fall into three windows of a minute.
        with client, pytest.raises(RateLimitError) as caught:
            [client.agents.get("agent-uuid") for _ in range(3)]
    e = caught.value
    assert e.code == "rate_limit_exceeded"
    assert e.details.get("limit") == 1
    assert e.details.get("reset_at")
