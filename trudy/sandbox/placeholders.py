"""The keys, voices, agents and calls that the examples on Truedy's SDK page name, so that these run as printed."""

from __future__ import annotations

from trudy.sandbox.domain import lifecycle, new_call, values
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.outcome_by_number import PLACEHOLDER_NUMBER, Outcome
from trudy.sandbox.domain.voices import SandboxVoice
from trudy.sandbox.routes.agents import new_agent
from trudy.sandbox.world import World

PLACEHOLDER_KEYS = ("YOUR_API_KEY", "YOUR_JWT_TOKEN", "your-api-key", "your-jwt-token")
PLACEHOLDER_VOICES = ("VOICE_UUID", "voice-uuid")
PLACEHOLDER_AGENTS = ("AGENT_UUID", "agent-uuid")
PLACEHOLDER_CALLS = ("CALL_UUID", "call-uuid")

_CALLED_BEFORE_SECONDS = 3600.0
"""How long before the start of the sandbox the calls were placed: long enough that they are over."""


def add_placeholders(world: World) -> None:
    """Add all of them; the calls were answered an hour ago."""
    for key in PLACEHOLDER_KEYS:
        world.add_key(key)
    for voice_id in PLACEHOLDER_VOICES:
        world.put_voice(SandboxVoice(id=voice_id, name="Placeholder"))
    for agent_id in PLACEHOLDER_AGENTS:
        body = {
            "name": "Support",
            "voice_id": PLACEHOLDER_VOICES[0],
            "system_prompt": "You are a friendly support agent.",
        }
        new_agent(world, agent_id, body, now=world.started_at)
    for call_id, agent_id in zip(PLACEHOLDER_CALLS, PLACEHOLDER_AGENTS, strict=True):
        world.state.calls.put(_answered_call(world, call_id, agent_id))


def _answered_call(world: World, call_id: str, agent_id: str) -> PlacedCall:
    agent = world.state.agents.get(agent_id)
    if agent is None:
        raise LookupError(agent_id)
    settings = new_call.settings_for(agent)
    numbers = [entry["phone_number"] for entry in agent["outbound_phone_numbers"]]
    return PlacedCall(
        id=call_id,
        agent_id=agent_id,
        agent_name=agent["name"],
        to=PLACEHOLDER_NUMBER,
        from_number=numbers[0] if numbers else None,
        attempt=1,
        outcome=Outcome.COMPLETED,
        idempotency_key=None,
        variables={},
        call_settings=settings,
        greeting=agent["greeting"],
        timeline=lifecycle.plan(
            Outcome.COMPLETED,
            created_at=max(0.0, world.started_at - _CALLED_BEFORE_SECONDS),
            join_timeout=values.seconds(settings["join_timeout"]),
            max_duration=values.seconds(settings["max_duration"]),
        ),
    )
