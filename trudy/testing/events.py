"""Webhook events for tests: the body that the server would send, and its typed event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, overload
from uuid import uuid4

from trudy.errors import InvalidArgumentError
from trudy.models import to_wire
from trudy.webhooks import events
from trudy.webhooks.events import WebhookEvent
from trudy.webhooks.parse import parse_event

Style: TypeAlias = Literal["nested", "flat"]
"""Whether the call stands in an object of its own, in camelCase (documented), or beside it (older guide)."""

_TALK = timedelta(seconds=24)


class EventOptions(TypedDict, total=False):
    """What `make_event` takes."""

    call_id: str
    batch_id: str
    voice_id: str
    agent_id: str
    status: str
    id: str | None
    timestamp: datetime | None
    data: Mapping[str, Any] | None
    style: Style


@overload
def make_event(name: Literal["call.started"], /, **options: Unpack[EventOptions]) -> events.CallStarted: ...
@overload
def make_event(name: Literal["call.joined"], /, **options: Unpack[EventOptions]) -> events.CallJoined: ...
@overload
def make_event(name: Literal["call.ended"], /, **options: Unpack[EventOptions]) -> events.CallEnded: ...
@overload
def make_event(name: Literal["call.completed"], /, **options: Unpack[EventOptions]) -> events.CallCompleted: ...
@overload
def make_event(name: Literal["call.billed"], /, **options: Unpack[EventOptions]) -> events.CallBilled: ...
@overload
def make_event(name: Literal["call.failed"], /, **options: Unpack[EventOptions]) -> events.CallFailed: ...
@overload
def make_event(name: Literal["call.analyzed"], /, **options: Unpack[EventOptions]) -> events.CallAnalyzed: ...
@overload
def make_event(
    name: Literal["batch.status.changed"], /, **options: Unpack[EventOptions]
) -> events.BatchStatusChanged: ...
@overload
def make_event(name: Literal["batch.completed"], /, **options: Unpack[EventOptions]) -> events.BatchCompleted: ...
@overload
def make_event(
    name: Literal["voice.training.completed"], /, **options: Unpack[EventOptions]
) -> events.VoiceTrainingCompleted: ...
@overload
def make_event(
    name: Literal["voice.training.failed"], /, **options: Unpack[EventOptions]
) -> events.VoiceTrainingFailed: ...
@overload
def make_event(name: str, /, **options: Unpack[EventOptions]) -> WebhookEvent: ...
def make_event(name: str, /, **options: Unpack[EventOptions]) -> WebhookEvent:
    """An event as a handler gets it; `.to_dict()` is the body the server would send.

    Args:
        name: such as `call.ended`; any other name gives an `UnknownEvent`.
        call_id, batch_id, voice_id, agent_id: ids; new ones, where the event has them, if left out.
        status: the status word of a batch or a flat call; `completed` if left out.
        id: the event's own id; none if left out, as the documentation has it.
        timestamp: when it happened; now if left out.
        data: members of `data` to add or replace, one level deep inside `call`.
        style: `"nested"` or `"flat"`.
    """
    return parse_event(make_body(name, **options))


def make_body(name: str, /, **options: Unpack[EventOptions]) -> dict[str, Any]:
    """The JSON of an event."""
    when = options.get("timestamp") or datetime.now(UTC)
    kind, _, _ = name.partition(".")
    style = options.get("style", "nested")
    if style not in ("nested", "flat"):
        raise InvalidArgumentError("style must be nested or flat", argument="style")
    match kind:
        case "call":
            data: dict[str, Any] = (
                _flat_call(name, when, options) if style == "flat" else _nested_call(name, when, options)
            )
        case "batch":
            data = {"batch_id": options.get("batch_id") or str(uuid4()), "status": options.get("status", "completed")}
        case "voice":
            data = {"voice_id": options.get("voice_id") or str(uuid4())}
        case _:
            ids = ("call_id", "batch_id", "voice_id", "agent_id", "status")
            data = {key: value for key, value in options.items() if key in ids}
    for key, value in (options.get("data") or {}).items():
        inner = data.get(key)
        data[key] = {**inner, **value} if isinstance(inner, dict) and isinstance(value, Mapping) else value
    body: dict[str, Any] = {"event": name, "timestamp": _iso(when), "data": data}
    if options.get("id") is not None:
        body["id"] = options.get("id")
    # Through JSON, so that the event shares nothing with what the caller holds.
    copy: dict[str, Any] = json.loads(json.dumps(to_wire(body)))
    return copy


def _nested_call(name: str, when: datetime, options: EventOptions) -> dict[str, Any]:
    call: dict[str, Any] = {"callId": options.get("call_id") or str(uuid4())}
    if name != "call.joined":
        call["agent"] = {"agentId": options.get("agent_id") or str(uuid4())}
    elif agent_id := options.get("agent_id"):
        call["agent"] = {"agentId": agent_id}
    if batch_id := options.get("batch_id"):
        call["batchId"] = batch_id
    if name in ("call.ended", "call.completed", "call.billed", "call.analyzed"):
        call |= {
            "created": _iso(when - _TALK - timedelta(seconds=5)),
            "joined": _iso(when - _TALK),
            "ended": _iso(when),
            "endReason": "hangup",
            "billedDuration": f"{_TALK.seconds}s",
            "billingStatus": "BILLING_STATUS_BILLED",
            "costUsd": 0.02,
            "shortSummary": "The contact was reached.",
            "summary": "The contact was reached, agreed to what the agent asked, and said goodbye.",
        }
    elif name == "call.failed":
        call |= {"ended": _iso(when), "endReason": "unjoined"}
    return {"event": name, "call": call}


def _flat_call(name: str, when: datetime, options: EventOptions) -> dict[str, Any]:
    ended = name in ("call.ended", "call.completed", "call.billed", "call.analyzed")
    data: dict[str, Any] = {
        "call_id": options.get("call_id") or str(uuid4()),
        "agent_id": options.get("agent_id") or str(uuid4()),
        "status": options.get("status") or ("completed" if ended else name.removeprefix("call.")),
    }
    if batch_id := options.get("batch_id"):
        data["batch_id"] = batch_id
    if ended:
        data |= {"duration_seconds": _TALK.seconds, "ended_at": _iso(when)}
    return data


def _iso(when: datetime) -> str:
    if when.utcoffset() is None:
        raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC", argument="timestamp")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
