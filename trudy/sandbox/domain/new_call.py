"""Places calls, for the API and for batches: whether the number may be called, how the call goes, and its row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trudy.sandbox.domain import lifecycle, values
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.outcome_by_number import PLACEHOLDER_NUMBER, Outcome, drawn, outcome_of, settle
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.problems import Problem

if TYPE_CHECKING:
    from trudy.sandbox.world import World

SETTINGS: Mapping[str, Any] = {
    "recording_enabled": True,
    "transcription_enabled": True,
    "greeting": None,
    "max_duration": "3600s",
    "join_timeout": "30s",
}


_OF_AGENT = ("recording_enabled", "max_duration", "join_timeout")


def settings_for(agent: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings of a call: those of its request, else those of its agent, else the documented defaults."""
    told = {name: agent[name] for name in _OF_AGENT if agent[name] is not None}
    return {**SETTINGS, **told, **{name: value for name, value in (given or {}).items() if value is not None}}


def outcome_for(world: World, number: str) -> Outcome | None:
    """How a call to that number goes; None if this sandbox does not call the number."""
    options = world.options
    outcome = None if options.mix_fictional else outcome_of(number)
    if outcome is None and options.outcome_mix:
        attempt = len(world.state.placed_to.get(number, ())) + 1
        return drawn(options.outcome_mix, number=number, attempt=attempt, seed=world.seed)
    if outcome is None and (options.any_number or (options.placeholders and number == PLACEHOLDER_NUMBER)):
        return Outcome.COMPLETED
    return outcome


def not_fictional(field: str, number: str) -> Problem:
    """The refusal of a number that could belong to a person."""
    # The numbers named here have few digits in a row: the client would mask longer ones as phone numbers.
    allowed = "+1 AAA 555 01NN, AAA being the area code of a place, and London's 7946 0NNN"
    return problems.invalid(field, f"the sandbox calls only numbers kept for fiction: {allowed}", value=number)


def as_texts(variables: Mapping[str, Any]) -> dict[str, str]:
    """Template variables as text, as in JSON; null is an empty text."""
    return {name: _as_text(value) for name, value in variables.items()}


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def place(
    world: World,
    agent: Json,
    number: str,
    outcome: Outcome,
    *,
    now: float,
    from_number: str,
    settings: Mapping[str, Any],
    variables: Mapping[str, str],
    idempotency_key: str | None = None,
    campaign_id: str | None = None,
    contact_id: str | None = None,
) -> PlacedCall:
    """Place a call to a number that may be called. All its stages are decided here."""
    placed_to = world.state.placed_to[number]
    attempt = len(placed_to) + 1
    settled = settle(outcome, number=number, attempt=attempt, seed=world.seed)
    call = PlacedCall(
        id=world.state.ids.new("call"),
        agent_id=agent["id"],
        agent_name=agent["name"],
        to=number,
        from_number=from_number,
        attempt=attempt,
        outcome=settled,
        idempotency_key=idempotency_key,
        variables=variables,
        call_settings=settings,
        greeting=settings["greeting"] or agent["greeting"],
        timeline=lifecycle.plan(
            settled,
            created_at=now,
            join_timeout=values.seconds(settings["join_timeout"]),
            max_duration=values.seconds(settings["max_duration"]),
            talk_seconds=world.options.talk_seconds,
        ),
        campaign_id=campaign_id,
        contact_id=contact_id,
    )
    world.state.calls.put(call)
    world.state.placed.append(call)
    placed_to.append(call)
    return call
