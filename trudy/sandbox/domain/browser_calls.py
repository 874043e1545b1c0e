"""Calls from a browser: each waits for one browser to join, and ends by itself if none does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from attrs import evolve

from trudy.sandbox.domain import new_call, values
from trudy.sandbox.domain.lifecycle import PlacedCall, join_plan, unjoined_plan
from trudy.sandbox.domain.outcome_by_number import Outcome

if TYPE_CHECKING:
    from trudy.sandbox.world import World

VOICE_HOST = "voice.sandbox.localhost"


def open_call(
    world: World, agent: Mapping[str, Any], variables: Mapping[str, Any], *, now: float
) -> tuple[PlacedCall, str]:
    """Create a call that waits for a browser; returns it with its link."""
    settings = new_call.settings_for(agent)
    call = PlacedCall(
        id=world.state.ids.new("call"),
        agent_id=agent["id"],
        agent_name=agent["name"],
        to="",
        from_number=None,
        attempt=1,
        outcome=Outcome.COMPLETED,
        idempotency_key=None,
        variables=new_call.as_texts(variables),
        call_settings=settings,
        greeting=agent["greeting"],
        timeline=unjoined_plan(created_at=now, join_timeout=values.seconds(settings["join_timeout"])),
        direction="webrtc",
    )
    token = world.state.ids.token("session")
    world.state.calls.put(call)
    world.state.sessions[token] = call.id
    return call, f"wss://{VOICE_HOST}/calls/{call.id}?token={token}"


def join(world: World, join_url: str, *, now: float) -> PlacedCall:
    """Join a call, as a browser does with its link. A link works once, and only while the call waits.

    Raises:
        LookupError: the link was used, has expired, or is not of this sandbox.
    """
    token = parse_qs(urlsplit(join_url).query).get("token", [""])[0]
    call = world.state.calls.get(world.state.sessions.pop(token, ""))
    if call is None or now >= call.timeline.ended_at:
        raise LookupError("the link was used, has expired, or is none of this sandbox")
    longest = values.seconds(call.call_settings["max_duration"])
    joined = evolve(call, timeline=join_plan(call.timeline, joined_at=now, max_duration=longest))
    world.state.calls.put(joined)
    return joined
