"""Bodies of events as a server writes them, for tests of a receiver and for `python -m trudy.webhooks check`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict, Unpack
from uuid import uuid4

from attrs import frozen

from trudy.errors import InvalidArgumentError
from trudy.models import to_wire

Style: TypeAlias = Literal["nested", "flat"]
"""`nested`: the call is an object in camelCase (documented). `flat`: its members are in `data` (older guide)."""

IdNames: TypeAlias = Literal["api", "provider"]
"""Whose ids an event has if none are given: the API's, or the voice provider's, such as `uv_call_123`."""

_TALK_TIME = timedelta(seconds=24)


class EventOptions(TypedDict, total=False):
    """The arguments of `make_event`; its docstring explains them."""

    call_id: str
    batch_id: str
    voice_id: str
    agent_id: str
    status: str
    id: str | None
    timestamp: datetime | None
    data: Mapping[str, Any] | None
    style: Style
    ids: IdNames


@frozen(kw_only=True)
class Talk:
    """What an event says about the conversation of an answered call; what is None is left out."""

    created_at: datetime | None = None
    joined_at: datetime | None = None
    seconds: int | None = None
    is_billed: bool = True
    cost_usd: float | None = None
    sentiment: str | None = None
    short_summary: str | None = None
    summary: str | None = None


@frozen(kw_only=True)
class CallPayload:
    """What an event says about a call."""

    call_id: str
    agent_id: str | None
    batch_id: str | None
    status: str
    ended_at: datetime | None = None
    end_reason: str | None = None
    talk: Talk | None = None

    def nested(self) -> dict[str, Any]:
        """As the voice provider's own object, in camelCase (documented)."""
        call: dict[str, Any] = {"callId": self.call_id}
        if self.agent_id is not None:
            call["agent"] = {"agentId": self.agent_id}
        if self.batch_id is not None:
            call["batchId"] = self.batch_id
        if self.ended_at is not None:
            call |= {"ended": iso(self.ended_at), "endReason": self.end_reason}
        if self.talk is not None:
            talk = self.talk
            call |= _known(
                created=talk.created_at and iso(talk.created_at),
                joined=talk.joined_at and iso(talk.joined_at),
                billedDuration=None if talk.seconds is None else f"{talk.seconds}s",
                billingStatus="BILLING_STATUS_BILLED" if talk.is_billed else "BILLING_STATUS_PENDING",
                costUsd=talk.cost_usd,
                sentiment=talk.sentiment,
                shortSummary=talk.short_summary,
                summary=talk.summary,
            )
        return call

    def flat(self) -> dict[str, Any]:
        """As members of `data` itself, in snake_case (older guide)."""
        facts: dict[str, Any] = {"call_id": self.call_id, "agent_id": self.agent_id}
        if self.batch_id is not None:
            facts["batch_id"] = self.batch_id
        if self.ended_at is not None:
            facts |= {"ended_at": iso(self.ended_at), "end_reason": self.end_reason}
        if self.talk is not None:
            talk = self.talk
            facts |= _known(duration_seconds=talk.seconds, cost_usd=talk.cost_usd, summary=talk.summary)
        return facts | {"status": self.status}


def _known(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


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
            call = _call_payload(name, when, options)
            data: dict[str, Any] = call.flat() if style == "flat" else {"event": name, "call": call.nested()}
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
    body: dict[str, Any] = {"event": name, "timestamp": iso(when), "data": data}
    if options.get("id") is not None:
        body["id"] = options.get("id")
    # Through JSON, so that the event shares no object with the test that made it.
    copy: dict[str, Any] = json.loads(json.dumps(to_wire(body)))
    return copy


def _call_payload(name: str, when: datetime, options: EventOptions) -> CallPayload:
    is_talk = name in ("call.ended", "call.completed", "call.billed", "call.analyzed")
    agent_id = options.get("agent_id")
    if agent_id is None and not (name == "call.joined" and options.get("style") != "flat"):
        agent_id = _new_id("agent", options)
    return CallPayload(
        call_id=options.get("call_id") or _new_id("call", options),
        agent_id=agent_id,
        batch_id=options.get("batch_id"),
        status=options.get("status") or ("completed" if is_talk else name.removeprefix("call.")),
        ended_at=when if is_talk or name == "call.failed" else None,
        end_reason="hangup" if is_talk else "unjoined",
        talk=_talk(when) if is_talk else None,
    )


def _talk(end: datetime) -> Talk:
    return Talk(
        created_at=end - _TALK_TIME - timedelta(seconds=5),
        joined_at=end - _TALK_TIME,
        seconds=_TALK_TIME.seconds,
        cost_usd=0.02,
        short_summary="The contact was reached.",
        summary="The contact was reached, agreed to what the agent asked, and said goodbye.",
    )


def _new_id(kind: str, options: EventOptions) -> str:
    return f"uv_{kind}_{uuid4().hex[:12]}" if options.get("ids") == "provider" else str(uuid4())


def iso(when: datetime) -> str:
    """A time as the voice provider writes it."""
    if when.utcoffset() is None:
        raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC", argument="timestamp")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
