"""A call that the server places long after its answer was lost."""

from __future__ import annotations

import pytest

from trudy import CallOutcomeUnknownError
from trudy.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=0, start=1_750_000_020.0, rate_limit=None)


@pytest.mark.parametrize("lost", [{"reset": "after"}, {"reset": "before"}, {"status": 504}])
def test_the_call_is_placed_at_the_set_time(sandbox: Sandbox, lost: dict[str, object]) -> None:
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="POST", path="/calls", effect_after=40, **lost)
        with pytest.raises(CallOutcomeUnknownError):
            client.calls.create(agent_id=agent.id, phone_number="+14155550100", on_unknown="raise")
        assert sandbox.placed_calls == []
        sandbox.advance(seconds=39)
        assert client.calls.list().data == []
        sandbox.advance(seconds=5)
        (call,) = client.calls.list().data
        assert call.created_at is not None
        assert call.created_at.timestamp() == 1_750_000_060.0
    assert [placed.id for placed in sandbox.placed_calls] == [call.id]


def test_reconciling_finds_the_late_call(sandbox: Sandbox) -> None:
    sandbox.clock.speed = 100
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="POST", path="/calls", effect_after=40, reset="after")
        call = client.calls.create(agent_id=agent.id, phone_number="+14155550100", reconcile_timeout=600)
    assert [placed.id for placed in sandbox.placed_calls] == [call.id]


def test_what_would_have_been_refused_has_no_effect(sandbox: Sandbox) -> None:
    with sandbox.client(max_retries=0) as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        sandbox.fail_next(method="POST", path="/calls", effect_after=5, status=500)
        with pytest.raises(CallOutcomeUnknownError):
            client.calls.create(agent_id=agent.id, phone_number="+14155550140", on_unknown="raise")
        sandbox.advance(minutes=1)
        assert sandbox.placed_calls == []


@pytest.mark.parametrize("options", [{}, {"reset": "connect"}, {"delay": 3.0}])
def test_it_needs_an_answer_that_is_lost(sandbox: Sandbox, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="effect_after"):
        sandbox.fail_next(effect_after=5, **options)
