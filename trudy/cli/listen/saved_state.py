"""The state of a watch as JSON text, for `--resume`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from trudy.cli.listen.changes import SeenBatch, SeenCall, WatchState
from trudy.models import BatchStatus


def write_state(state: WatchState) -> str:
    """JSON text that `read_state` reads."""
    return json.dumps(asdict(state, value_serializer=_plain), separators=(",", ":"))


def read_state(text: str) -> WatchState | None:
    """The state; None where another version wrote it in another form."""
    try:
        members = json.loads(text)
        calls = {call_id: SeenCall(**seen) for call_id, seen in members.pop("calls").items()}
        batches = {batch_id: _batch(seen) for batch_id, seen in members.pop("batches").items()}
        return WatchState(**members, calls=calls, batches=batches)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _plain(_: object, __: object, value: object) -> object:
    return value.value if isinstance(value, BatchStatus) else value


def _batch(seen: Mapping[str, Any]) -> SeenBatch:
    return SeenBatch(
        status=BatchStatus(seen["status"]),
        changed_at=seen["changed_at"],
        known=tuple(BatchStatus(word) for word in seen["known"]),
        moment=seen["moment"],
        seen_at=seen["seen_at"],
    )
