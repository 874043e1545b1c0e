"""The bytes that every client of a benchmark gets: an envelope with one call, and pages of calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

CALL_ID: Final = "7d0c2b1e-0000-4000-8000-000000000001"
NOW: Final = "2027-01-15T08:00:00.123456Z"
"""Stands where the server puts the present time: a client that watches the server's clock should find it going."""
META: Final = {"request_id": "0a6f3c52-5b0e-4a53-9d0c-3f5f1f6f9f10", "ts": NOW}


def row(identity: str) -> dict[str, Any]:
    """A finished call with every documented member."""
    return {
        "id": identity,
        "agent_id": "2f6a7d9c-1111-4222-8333-444455556666",
        "status": "completed",
        "direction": "outbound",
        "to": "+14155550123",
        "from": "+14155550100",
        "duration_seconds": 127,
        "recording_url": f"https://media.example.test/recordings/{identity}.mp3?expires=1800000000",
        "summary": "The customer asked about the opening hours and wants to be called again on Monday.",
        "cost_credits": 4.2,
        "variables": {"customer_name": "Ada", "order": "A-1042"},
        "metadata": {"campaign_id": "spring"},
        "created_at": "2027-01-15T07:55:01.000001Z",
        "started_at": "2027-01-15T07:55:12.500000Z",
        "ended_at": "2027-01-15T07:57:19.500000Z",
        "updated_at": "2027-01-15T07:57:20.000000Z",
    }


def one_call(identity: str = CALL_ID) -> bytes:
    """What `GET /calls/{id}` and `POST /calls` answer."""
    return _encode({"data": row(identity), "meta": META})


def page(offset: int, limit: int, total: int) -> bytes:
    """What `GET /calls` answers; every row of the list has an id of its own."""
    last = min(offset + limit, total)
    return _encode(
        {
            "data": [row(f"7d0c2b1e-0000-4000-8000-{index:012d}") for index in range(offset, last)],
            "pagination": {"total": total, "limit": limit, "offset": offset, "has_more": last < total},
            "meta": META,
        }
    )


def stamped(body: bytes, now: float) -> bytes:
    """The body with the present time, in Unix seconds; its length stays the same."""
    time = datetime.fromtimestamp(now, UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return body.replace(NOW.encode(), time.encode())


def _encode(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
