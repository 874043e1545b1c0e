"""The bodies of events, made from rows of lists: the documented form, with what the row shows and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve

from trudy.models import BatchCall, Call
from trudy.webhooks.sample_events import CallPayload, Talk, iso

_BATCH_NAMES: Final = ("campaign_id", "batch_id", "batch_call_id")
"""Names of the member of a call's metadata that says which batch placed it."""


def call_body(name: str, call: Call, *, call_id: str, moment: datetime) -> dict[str, Any]:
    """The body of an event of a call, which it names by `call_id`."""
    is_over = name not in ("call.started", "call.joined")
    payload = CallPayload(
        call_id=call_id,
        agent_id=call.agent_id,
        batch_id=_batch_of(call.metadata) or _batch_of(call.extra),
        status=call.status_word,
        ended_at=(call.ended_at or moment) if is_over else None,
        end_reason=call.end_reason if is_over else None,
        talk=_talk(call, is_billed=name == "call.billed") if name in ("call.ended", "call.billed") else None,
    )
    # In this event the provider does not name the agent.
    shown = evolve(payload, agent_id=None) if name == "call.joined" else payload
    return {"event": name, "timestamp": iso(moment), "data": {"event": name, "call": shown.nested()}}


def batch_body(name: str, batch: BatchCall, *, previous: str | None, moment: datetime) -> dict[str, Any]:
    """The body of an event of a batch, which was `previous` before."""
    data = {"batch_id": batch.id, "status": batch.status_word}
    if previous is not None:
        data["previous_status"] = previous
    return {"event": name, "timestamp": iso(moment), "data": data}


def _talk(call: Call, *, is_billed: bool) -> Talk:
    return Talk(
        created_at=call.created_at,
        joined_at=call.started_at,
        seconds=None if call.duration_seconds is None else round(call.duration_seconds),
        is_billed=is_billed,
        cost_usd=call.cost_usd,
        sentiment=call.sentiment,
        summary=call.summary,
    )


def _batch_of(members: Mapping[str, Any]) -> str | None:
    return next((value for name in _BATCH_NAMES if isinstance(value := members.get(name), str) and value), None)
