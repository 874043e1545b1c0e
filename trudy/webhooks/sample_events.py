"""Bodies of events as a server writes them, for tests of a receiver and for `python -m trudy.webhooks check`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict, Unpack
from uuid import uuid4

from trudy.errors import InvalidArgumentError
from trudy.models import to_wire

Style: TypeAlias = Literal["nested", "flat"]
"""Whether the call stands in an object of its own, in camelCase (documented), or beside it (older guide)."""

Ids: TypeAlias = Literal["api", "provider"]
"""Whose ids an event has where none are given: those of the API, or the voice provider's, such as `uv_call_123`."""

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
    ids: Ids


def make_body(name: str, /, **options: Unpack[EventOptions]) -> dict[str, Any]:
    """The JSON of an event."""
    when = options.get("timestamp") or datetime.now(UTC)
    kind, _, _ = name.partition(".")
    style = options.get("style", "nested")
    if style not in ("nested", "flat"):
        raise InvalidArgumentError("style must be nested or flat", argument="style")
    if options.get("ids", "api") not in ("api", "provider"):
        raise InvalidArgumentError("ids must be api or provider", argument="ids")
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
    call: dict[str, Any] = {"callId": options.get("call_id") or _new_id("call", options)}
    if name != "call.joined":
        call["agent"] = {"agentId": options.get("agent_id") or _new_id("agent", options)}
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
        "call_id": options.get("call_id") or _new_id("call", options),
        "agent_id": options.get("agent_id") or _new_id("agent", options),
        "status": options.get("status") or ("completed" if ended else name.removeprefix("call.")),
    }
    if batch_id := options.get("batch_id"):
        data["batch_id"] = batch_id
    if ended:
        data |= {"duration_seconds": _TALK.seconds, "ended_at": _iso(when)}
    return data


def _new_id(kind: str, options: EventOptions) -> str:
    return f"uv_{kind}_{uuid4().hex[:12]}" if options.get("ids") == "provider" else str(uuid4())


def _iso(when: datetime) -> str:
    if when.utcoffset() is None:
        raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC", argument="timestamp")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
