"""Deliveries as they are on the wire, and ways to sign them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

from tests.fakes.clock import NOON

SECRET: Final = "whsec_0a1b2c3d4e5f60718293a4b5c6d7e8f9"
OTHER: Final = "whsec_ffffffffffffffffffffffffffffffff"
CALL_ID: Final = "7d0c2b1e-0000-4000-8000-000000000001"
AGENT_ID: Final = "2f6a7d9c-1111-4222-8333-444455556666"
BATCH_ID: Final = "b1a7c4e5-2222-4333-8444-555566667777"
VOICE_ID: Final = "c0ffee00-3333-4444-8555-666677778888"
NUMBER: Final = "+14155550123"

NESTED: Final[dict[str, Any]] = {
    "event": "call.ended",
    "timestamp": "2027-01-15T08:00:00.123Z",
    "data": {
        "event": "call.completed",
        "call": {
            "callId": CALL_ID,
            "agent": {"agentId": AGENT_ID, "name": "Ada"},
            "created": "2027-01-15T07:55:01.000001Z",
            "joined": "2027-01-15T07:55:12.500000Z",
            "ended": "2027-01-15T07:57:12.500000Z",
            "endReason": "hangup",
            "billedDuration": "120s",
            "billingStatus": "BILLING_STATUS_BILLED",
            "costUsd": "0.1",
            "shortSummary": "Callback wanted.",
            "summary": f"The contact at {NUMBER} wants a callback on Monday.",
            "sentiment": "positive",
            "medium": {"twilio": {"outgoing": {"to": NUMBER}}},
            "metadata": {"note": "café ☎ \U0001f600", "fee": 12.0, "big": 12345678901234567890},
        },
    },
}
FLAT: Final[dict[str, Any]] = {
    "id": "evt_01hx",
    "event": "call.ended",
    "timestamp": 1_799_999_999,
    "data": {
        "call_id": CALL_ID,
        "status": "ended",
        "agent_id": AGENT_ID,
        "batch_id": BATCH_ID,
        "duration_seconds": 127,
    },
}
BATCH: Final[dict[str, Any]] = {
    "event": "batch.status.changed",
    "timestamp": "2027-01-15T08:00:00Z",
    "data": {"batchId": BATCH_ID, "status": "active"},
}


def pack(value: object) -> bytes:
    """JSON as a JavaScript server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signed(body: bytes, *, secret: str = SECRET, at: float | str = NOON, over: bytes | None = None) -> dict[str, str]:
    """The documented headers, made without the code under test."""
    stamp = at if isinstance(at, str) else str(int(at))
    message = stamp.encode() + b"." + (body if over is None else over)
    return {
        "X-Truedy-Timestamp": stamp,
        "X-Truedy-Signature": hmac.new(secret.encode(), message, hashlib.sha256).hexdigest(),
    }
