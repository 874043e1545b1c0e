"""The events of calls, batches and voices: their names, their times, and their bodies as they are sent.

Pure functions of a call, a batch or a voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from attrs import evolve, field, frozen

from trudy.sandbox.domain import lifecycle
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.domain.voices import SandboxVoice
from trudy.sandbox.http.wire import encode
from trudy.sandbox.quirks.rows import provider_id, with_prefixes
from trudy.webhooks import sample_events
from trudy.webhooks.sample_events import CallPayload, Talk

NAMES = (
    "call.started",
    "call.joined",
    "call.ended",
    "call.billed",
    "call.failed",
    "batch.status.changed",
    "batch.completed",
    "voice.training.completed",
    "voice.training.failed",
)
"""The documented events."""

BILLED_AFTER_SECONDS = 3.0
"""Seconds from the end of a call until it is billed."""

_USD_A_MINUTE = 0.1
"""Made up; each minute begun costs it."""
_INNER = ("duration_seconds", "cost_usd", "end_reason")
_MOVED_INSIDE = ("billedDuration", "costUsd", "endReason")


@frozen(kw_only=True)
class SandboxEvent:
    """An event that has happened, or will.

    Attributes:
        key: identifies the event.
        moment: when it happens, in Unix seconds of the sandbox's clock.
        ids: the ids of its objects by name, such as `call_id`.
        call: the content of `data.call`, in the provider's camelCase; None if it is about no call.
        facts: the older, flat form of `data`.
        number: the number that was called.
        over_at: when the call is over.
    """

    name: str
    key: str
    moment: float
    ids: Mapping[str, str]
    call: Mapping[str, Any] | None = field(default=None, repr=False)
    facts: Mapping[str, Any] = field(factory=dict[str, Any], repr=False)
    number: str | None = field(default=None, repr=False)
    over_at: float | None = None


def events_of_call(call: PlacedCall) -> list[SandboxEvent]:
    """All events of a call, in order."""
    timeline = call.timeline
    begins = [("call.started", timeline.ringing_at), ("call.joined", timeline.answered_at)]
    if timeline.final == "failed":
        ends = [("call.failed", timeline.ended_at)]
    else:
        ends = [("call.ended", timeline.ended_at), ("call.billed", timeline.ended_at + BILLED_AFTER_SECONDS)]
    return [_call_event(call, name, moment) for name, moment in begins + ends if moment is not None]


def _call_event(call: PlacedCall, name: str, moment: float) -> SandboxEvent:
    timeline, is_over = call.timeline, moment >= call.timeline.ended_at
    ids = {"call_id": call.id, "agent_id": call.agent_id}
    if call.campaign_id is not None:
        ids["batch_id"] = call.campaign_id
    payload = CallPayload(
        call_id=call.id,
        agent_id=call.agent_id,
        batch_id=call.campaign_id,
        status=lifecycle.status_at(timeline, moment),
        ended_at=_aware(timeline.ended_at) if is_over else None,
        end_reason=timeline.end_reason,
        talk=_talk(call, timeline.answered_at, is_billed=name == "call.billed")
        if is_over and timeline.answered_at is not None
        else None,
    )
    return SandboxEvent(
        name=name,
        key=f"{name}:{call.id}",
        moment=moment,
        ids=ids,
        # In this event the provider does not name the agent.
        call=(evolve(payload, agent_id=None) if name == "call.joined" else payload).nested(),
        facts=payload.flat(),
        number=call.to or None,
        over_at=timeline.ended_at,
    )


def _talk(call: PlacedCall, answered_at: float, *, is_billed: bool) -> Talk:
    seconds, summary = lifecycle.talked_seconds(call.timeline), lifecycle.summary(call)
    return Talk(
        created_at=_aware(call.timeline.created_at),
        joined_at=_aware(answered_at),
        seconds=seconds,
        is_billed=is_billed,
        cost_usd=round(seconds / 60 * _USD_A_MINUTE, 4),
        short_summary=summary.split(";")[0].removesuffix("."),
        summary=summary,
    )


def events_of_batch(batch_id: str, changes: Sequence[tuple[float, str]], *, first: int) -> list[SandboxEvent]:
    """The events of a batch's changes of status, from index `first` on. Being a draft has no event."""
    found: list[SandboxEvent] = []
    for index, (moment, status) in enumerate(changes):
        if index < max(first, 1):
            continue
        names = ["batch.status.changed", *(["batch.completed"] if status == "completed" else [])]
        found += [
            SandboxEvent(
                name=name,
                key=f"{name}:{batch_id}:{index}",
                moment=moment,
                ids={"batch_id": batch_id},
                facts={"batch_id": batch_id, "status": status, "previous_status": changes[index - 1][1]},
            )
            for name in names
        ]
    return found


def event_of_training(voice: SandboxVoice) -> SandboxEvent | None:
    """The event at the end of a voice's training; None if it needs none."""
    if voice.trained_at is None:
        return None
    name = "voice.training.failed" if voice.fails else "voice.training.completed"
    return SandboxEvent(
        name=name,
        key=f"{name}:{voice.id}",
        moment=voice.trained_at,
        ids={"voice_id": voice.id},
        facts={"voice_id": voice.id, "status": "failed" if voice.fails else "active"},
    )


def body_of(event: SandboxEvent, quirks: AbstractSet[str] = frozenset()) -> bytes:
    """The JSON of an event, as it is sent."""
    name = event.name
    if name == "call.ended" and "webhook_call_completed" in quirks:
        name = "call.completed"
    data: dict[str, Any]
    if event.call is None or "webhook_flat" in quirks:
        data = dict(event.facts)
    else:
        data = {"event": name, "call": dict(event.call)}
    if "webhook_inner_data" in quirks and event.call is not None:
        data = _with_inner_data(data, event.facts)
    if "webhook_provider_ids" in quirks:
        data = _with_provider_ids(data)
    if "prefixed_ids" in quirks:
        data = with_prefixes(data, None)
    if "webhook_snake_case" in quirks:
        data = _snake_case(data)
    body: dict[str, Any] = {"event": name, "timestamp": iso(event.moment), "data": data}
    if "webhook_event_id" in quirks:
        body["id"] = f"evt_{event.key}"
    return encode(body)


def _with_inner_data(data: dict[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    inner = {name: facts[name] for name in _INNER if name in facts}
    kept = {name: member for name, member in data.items() if name not in _INNER}
    if "call" in kept:
        kept["call"] = {name: member for name, member in kept["call"].items() if name not in _MOVED_INSIDE}
    return kept | {"data": inner}


def _with_provider_ids(data: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {"callId": "call", "call_id": "call", "agentId": "agent", "agent_id": "agent"}
    found: dict[str, Any] = {}
    for name, member in data.items():
        if isinstance(member, Mapping):
            found[name] = _with_provider_ids(member)  # pyright: ignore[reportUnknownArgumentType]
        else:
            found[name] = provider_id(kinds[name], member) if name in kinds else member
    return found


def iso(moment: float) -> str:
    """A time as the voice provider writes it."""
    return sample_events.iso(_aware(moment))


def _aware(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _snake_case(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    members: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    return {
        "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name): _snake_case(member)
        for name, member in members.items()
    }
