from __future__ import annotations

import pytest

from trudy import AuthenticationError, NotFoundError
from trudy.sandbox import Sandbox
from trudy.sandbox.placeholders import PLACEHOLDER_AGENTS, PLACEHOLDER_CALLS, PLACEHOLDER_KEYS, PLACEHOLDER_VOICES


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, placeholders=True, rate_limit=None)


def test_the_names_are_those_that_snippets_show() -> None:
    assert {"VOICE_UUID", "voice-uuid"} <= {*PLACEHOLDER_VOICES}
    assert "agent-uuid" in PLACEHOLDER_AGENTS
    assert "call-uuid" in PLACEHOLDER_CALLS
    assert "YOUR_API_KEY" in PLACEHOLDER_KEYS


@pytest.mark.parametrize("key", PLACEHOLDER_KEYS)
def test_each_key_is_good_as_a_key_and_as_a_token(sandbox: Sandbox, key: str) -> None:
    with sandbox.client(api_key=key) as first, sandbox.client(jwt_token=key) as second:
        assert len(first.agents.list().data) == len(second.agents.list().data) == len(PLACEHOLDER_AGENTS)


@pytest.mark.parametrize("voice_id", PLACEHOLDER_VOICES)
def test_each_voice_can_be_used(sandbox: Sandbox, voice_id: str) -> None:
    with sandbox.client() as client:
        assert client.voices.get(voice_id).status == "active"
        assert client.agents.create(name="Ada", voice_id=voice_id, system_prompt="x").voice_id == voice_id


@pytest.mark.parametrize("agent_id", PLACEHOLDER_AGENTS)
def test_each_agent_is_read_changed_and_calls(sandbox: Sandbox, agent_id: str) -> None:
    with sandbox.client() as client:
        assert client.agents.update(agent_id, name="New").id == client.agents.get(agent_id).id == agent_id
        assert client.calls.create(agent_id=agent_id, phone_number="+1234567890").agent_id == agent_id


@pytest.mark.parametrize("call_id", PLACEHOLDER_CALLS)
def test_each_call_is_over_with_transcript_and_recording_and_was_never_dialed(sandbox: Sandbox, call_id: str) -> None:
    with sandbox.client() as client:
        assert client.calls.get(call_id).status == "completed"
        assert client.calls.wait(call_id).id == call_id
        assert client.calls.get_transcript(call_id).text
        assert client.calls.get_recording(call_id).recording_url
        assert sandbox.placed_calls == []
        client.calls.delete(call_id)


def test_none_of_them_is_there_unless_asked_for() -> None:
    sandbox = Sandbox(speed=0)
    with sandbox.client() as client:
        for read, row_id in ((client.agents.get, "agent-uuid"), (client.calls.get, "call-uuid")):
            with pytest.raises(NotFoundError):
                read(row_id)
    with sandbox.client(api_key="YOUR_API_KEY") as client, pytest.raises(AuthenticationError):
        client.agents.list()
