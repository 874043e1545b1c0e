"""The state of a sandbox for the inspector and other programs: JSON, newest first, numbers and secrets masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from trudy._masking import mask_phone, mask_text
from trudy.sandbox.domain import lifecycle
from trudy.sandbox.events.outbox import Receiver
from trudy.sandbox.faults.rules import Fault, FaultRule
from trudy.sandbox.http.records import mask_header
from trudy.sandbox.http.redaction import shown_body, shown_query, shown_text

if TYPE_CHECKING:
    from trudy.sandbox.world import World

Json = dict[str, Any]
T = TypeVar("T")
_SHOWN_OF_FAULTS = (
    *("status", "effect", "effect_after", "code", "details", "headers"),
    *("reset", "delay", "truncate", "broken", "drip", "skew"),
)


def state(world: World, *, limit: int) -> Json:
    """The whole state at one moment."""
    with world.state.lock:
        now = world.settle()
        return {
            "clock": clock(world),
            "counts": {
                "agents": len(world.state.agents),
                "calls": len(world.state.calls),
                "campaigns": len(world.state.campaigns),
                "requests": len(world.arrivals),
                "deliveries": len(world.webhooks.deliveries),
            },
            "quirks": sorted(world.wire.quirks),
            "rate_limit": _rate_limit(world, now),
            "requests": requests(world, limit=limit),
            "calls": _calls(world, now, limit),
            "campaigns": _campaigns(world, limit),
            "deliveries": _deliveries(world, limit),
            "receivers": receivers(world),
            "faults": faults(world),
        }


def clock(world: World) -> Json:
    """The time, and how fast it goes."""
    now = world.clock.time()
    return {"now": _iso(now), "elapsed": round(now - world.started_at, 3), "speed": world.clock.speed}


def requests(world: World, *, limit: int) -> list[Json]:
    """The newest requests and the statuses of their answers."""
    with world.state.lock:
        return [
            {
                "id": arrival.request_id,
                "at": _iso(arrival.received_at),
                "method": arrival.method,
                "path": mask_text(arrival.path),
                "query": shown_query(arrival.query),
                "status": arrival.status,
                "headers": {name: mask_text(mask_header(name, value)) for name, value in arrival.headers().items()},
                "body": shown_body(arrival.body),
            }
            for arrival in islice(reversed(world.arrivals), limit)
        ]


def faults(world: World) -> list[Json]:
    """The fault rules that may still hit requests."""
    return [fault(rule) for rule in world.faults.rules]


def fault(rule: FaultRule) -> Json:
    """A fault rule, with the members of its fault that are not the defaults."""
    plain = Fault()
    unusual = {
        name: getattr(rule.fault, name)
        for name in _SHOWN_OF_FAULTS
        if getattr(rule.fault, name) != getattr(plain, name)
    }
    which = {"method": rule.method, "path": rule.path, "nth": rule.nth, "probability": rule.probability}
    return {
        "id": rule.id,
        **{name: value for name, value in which.items() if value is not None},
        **unusual,
        "remaining": rule.remaining,
        "seen": rule.seen,
        "hits": rule.hits,
    }


def receivers(world: World) -> list[Json]:
    """The receivers of events."""
    return [receiver(one) for one in world.webhooks.receivers]


def receiver(one: Receiver) -> Json:
    """A receiver, without its secret."""
    return {"id": one.order, "url": shown_text(one.label), "events": None if one.events is None else sorted(one.events)}


def _rate_limit(world: World, now: float) -> Json:
    limiter = world.limiter
    latest = next(reversed(limiter.windows()), None)
    is_now = latest is not None and latest.start.timestamp() + limiter.window > now
    return {
        "limit": limiter.limit,
        "window": limiter.window,
        "used": latest.admitted if latest is not None and is_now else 0,
        "refused": latest.refused if latest is not None and is_now else 0,
    }


def _calls(world: World, now: float, limit: int) -> list[Json]:
    return [
        {
            "id": call.id,
            "to": mask_phone(call.to) if call.to else None,
            "agent": call.agent_name,
            "direction": call.direction,
            "attempt": call.attempt,
            "status": lifecycle.status_at(call.timeline, now),
            "end_reason": call.timeline.end_reason if now >= call.timeline.ended_at else None,
            "created_at": _iso(call.created_at),
            "ended_at": _iso(call.timeline.ended_at) if now >= call.timeline.ended_at else None,
            "campaign_id": call.campaign_id,
        }
        for call in _first(world.state.calls, limit)
    ]


def _campaigns(world: World, limit: int) -> list[Json]:
    return [
        {
            "id": campaign.id,
            "name": campaign.described.get("name"),
            "status": campaign.status,
            "start_at": None if campaign.start_at is None else _iso(campaign.start_at),
            **campaign.counts,
        }
        for campaign in _first(world.state.campaigns, limit)
    ]


def _deliveries(world: World, limit: int) -> list[Json]:
    return [
        {
            "event": one.event,
            "receiver": shown_text(one.receiver),
            "about": one.call_id or one.batch_id or one.voice_id,
            "attempt": one.attempt,
            "at": _iso(one.due),
            "status": one.status,
            "fault": one.fault,
        }
        for one in _first(reversed(world.webhooks.deliveries), limit)
    ]


def _first(rows: Iterable[T], limit: int) -> list[T]:
    return list(islice(rows, limit))


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
