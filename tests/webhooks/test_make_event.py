from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.webhooks.samples import AGENT_ID, BATCH_ID, CALL_ID, SECRET, VOICE_ID
from trudy.errors import InvalidArgumentError
from trudy.testing import make_delivery, make_event
from trudy.webhooks import BatchStatusChanged, CallEnded, CallEvent, UnknownEvent, VoiceTrainingFailed, unwrap

NAMES = ("call.started", "call.joined", "call.ended", "call.completed", "call.billed", "call.failed", "call.analyzed")
WHEN = datetime(2027, 1, 15, 8, tzinfo=UTC)


@pytest.mark.parametrize("style", ["nested", "flat"])
@pytest.mark.parametrize("name", NAMES)
def test_calls(name: str, style: Any) -> None:
    event = make_event(name, call_id=CALL_ID, agent_id=AGENT_ID, batch_id=BATCH_ID, timestamp=WHEN, style=style)
    assert isinstance(event, CallEvent)
    assert (event.name, event.call_id, event.agent_id, event.batch_id) == (name, CALL_ID, AGENT_ID, BATCH_ID)
    assert event.timestamp == WHEN
    assert event.signature_form is None


def test_details() -> None:
    event = make_event("call.ended", data={"call": {"endReason": "busy", "shortSummary": None}, "more": 1})
    assert isinstance(event, CallEnded)
    assert (event.end_reason, event.short_summary, event.duration_seconds) == ("busy", None, 24)
    assert event.data["more"] == 1
    assert make_event("call.ended").call_id != make_event("call.ended").call_id


def test_others() -> None:
    batch = make_event("batch.status.changed", batch_id=BATCH_ID, status="paused")
    assert isinstance(batch, BatchStatusChanged)
    assert (batch.batch_id, batch.status) == (BATCH_ID, "paused")
    voice = make_event("voice.training.failed", voice_id=VOICE_ID, id="evt_1")
    assert isinstance(voice, VoiceTrainingFailed)
    assert (voice.voice_id, voice.id) == (VOICE_ID, "evt_1")
    unknown = make_event("account.warned", agent_id=AGENT_ID)
    assert isinstance(unknown, UnknownEvent)
    assert unknown.agent_id == AGENT_ID


def test_delivery() -> None:
    delivery = make_delivery("call.ended", secret=SECRET, call_id=CALL_ID, sent_at=WHEN.timestamp())
    event = unwrap(delivery.body, delivery.headers, secret=SECRET, now=WHEN.timestamp())
    assert isinstance(event, CallEnded)
    assert event.call_id == CALL_ID
    assert SECRET not in repr(delivery)
    assert CALL_ID not in repr(delivery)


@pytest.mark.parametrize("options", [{"style": "round"}, {"timestamp": datetime(2027, 1, 1)}])  # noqa: DTZ001
def test_senseless_options(options: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        make_event("call.ended", **options)
