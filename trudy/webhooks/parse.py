"""Builds the typed event from the JSON of an authentic delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, cast

from trudy import _parse
from trudy.models.call_endings import END_REASON_NAMES, CallEnding, call_ending
from trudy.webhooks import events
from trudy.webhooks.dedupe import dedupe_key
from trudy.webhooks.events import WebhookEvent
from trudy.webhooks.payload import Node, Payload, child, first_id, instant
from trudy.webhooks.signing import SignatureForm
from trudy.webhooks.verify import BadPayloadError


def parse_event(value: object, *, signature_form: SignatureForm | None = None) -> WebhookEvent:
    """Build the event of a JSON value. The event keeps the value: do not change it afterwards.

    Raises:
        BadPayloadError: it is no object, or names no event. Nothing else is refused.
    """
    if not isinstance(value, dict):
        raise BadPayloadError("the body is not a JSON object")
    raw = cast("Node", value)
    data = child(raw, "data")
    name = raw.get("event") or data.get("event")
    if not isinstance(name, str) or not name:
        raise BadPayloadError("the body names no event")
    event_id = first_id(raw, "id", "event_id")
    common: dict[str, Any] = {
        "name": name,
        "id": event_id,
        "timestamp": instant(raw.get("timestamp")),
        "dedupe_key": dedupe_key(name, event_id, raw, data),
        "signature_form": signature_form,
        "data": data,
        "raw": raw,
    }
    cls, facts = _KINDS.get(name, _UNKNOWN)
    return cls(**common, **facts(Payload(data), name))


def _call(payload: Payload, _: str) -> dict[str, Any]:
    return {
        "call_id": payload.own_id("call"),
        "agent_id": payload.id_of("agent"),
        "batch_id": payload.id_of("batch"),
        "status": payload.read("call", _parse.text, "status"),
    }


def _result(payload: Payload, name: str) -> dict[str, Any]:
    def text(*names: str) -> str | None:
        return payload.read("call", _parse.text, *names)

    ended_at = payload.read("call", _parse.instant, "ended_at", "ended")
    seconds, why = _duration(payload, ended_at), text(*END_REASON_NAMES)
    facts = _call(payload, name)
    # `call.billed` is sent after every end: only its duration shows that somebody answered.
    by_name = _LAST_STATUS.get(name, "completed" if seconds else None)
    endings = [
        call_ending(end_reason=why, status=status, outcome=text("outcome", "call_outcome"))
        for status in (facts["status"], by_name)
    ]
    return {
        **facts,
        "ended_at": ended_at,
        "duration_seconds": seconds,
        "billed_duration_seconds": payload.read("call", _parse.seconds, "billed_duration", "billed_duration_seconds"),
        "billing_status": text("billing_status"),
        "cost_usd": payload.read("call", _parse.number, "cost_usd"),
        "end_reason": why,
        "outcome": next((one for one in endings if one is not CallEnding.UNKNOWN), CallEnding.UNKNOWN),
        "sentiment": text("sentiment"),
        "short_summary": text("short_summary"),
        "summary": text("summary"),
    }


def _duration(payload: Payload, ended_at: datetime | None) -> float | None:
    told = payload.read("call", _parse.seconds, "duration_seconds", "duration")
    if told is not None:
        return told
    joined_at = payload.read("call", _parse.instant, "joined_at", "joined")
    return (ended_at - joined_at).total_seconds() if ended_at and joined_at and ended_at >= joined_at else None


def _batch(payload: Payload, _: str) -> dict[str, Any]:
    return {
        "batch_id": payload.own_id("batch"),
        "agent_id": payload.id_of("agent"),
        "status": payload.read("batch", _parse.text, "status", "new_status"),
    }


def _voice(payload: Payload, _: str) -> dict[str, Any]:
    return {"voice_id": payload.own_id("voice"), "status": payload.read("voice", _parse.text, "status")}


def _all_ids(payload: Payload, _: str) -> dict[str, Any]:
    return {f"{kind}_id": payload.id_of(kind) for kind in ("call", "batch", "voice", "agent")}


_LAST_STATUS: Final = {"call.ended": "completed", "call.completed": "completed", "call.failed": "failed"}
_Kind = tuple[Callable[..., WebhookEvent], Callable[[Payload, str], dict[str, Any]]]
_UNKNOWN: Final[_Kind] = (events.UnknownEvent, _all_ids)
_KINDS: Final[Mapping[str, _Kind]] = {
    "call.started": (events.CallStarted, _call),
    "call.joined": (events.CallJoined, _call),
    "call.ended": (events.CallEnded, _result),
    "call.completed": (events.CallCompleted, _result),
    "call.billed": (events.CallBilled, _result),
    "call.failed": (events.CallFailed, _result),
    "call.analyzed": (events.CallAnalyzed, _result),
    "batch.status.changed": (events.BatchStatusChanged, _batch),
    "batch.completed": (events.BatchCompleted, _batch),
    "voice.training.completed": (events.VoiceTrainingCompleted, _voice),
    "voice.training.failed": (events.VoiceTrainingFailed, _voice),
}
