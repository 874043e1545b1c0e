"""Following a call from code without an event loop."""

from __future__ import annotations

import pytest

import trudy
from trudy.models import CallStatus
from trudy.sandbox import JumpingClock, Sandbox


def test_a_call_is_followed_step_by_step_until_its_end() -> None:
    sandbox = Sandbox(clock=JumpingClock())
    with sandbox.client() as client:
        agent = client.agents.create(name="Ava", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        seen: list[CallStatus] = []
        for state in client.calls.watch(call.id):
            seen.append(state.status)
            sandbox.advance(seconds=5)
        assert seen[0] is CallStatus.QUEUED
        assert seen[-1] is CallStatus.COMPLETED
        sandbox.advance(seconds=30)
        assert client.calls.wait_for_transcript(call.id).turns
        assert client.calls.wait_for_recording(call.id).recording_url
        assert [found.id for found in client.calls.find(phone_number="+14155550100")] == [call.id]


def test_a_watch_may_be_left_and_its_arguments_are_checked_at_once() -> None:
    sandbox = Sandbox(clock=JumpingClock())
    with sandbox.client() as client:
        agent = client.agents.create(name="Ava", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        for state in client.calls.watch(call.id):
            assert state.id == call.id
            break
        with pytest.raises(trudy.InvalidArgumentError, match="max_wait"):
            client.calls.watch(call.id, max_wait=-1)
        with pytest.raises(trudy.NotFoundError):
            next(iter(client.calls.watch("nobody")))
