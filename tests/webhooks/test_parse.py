from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from typing import Any, assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks.samples import AGENT_ID, BATCH, BATCH_ID, CALL_ID, FLAT, NESTED, NUMBER, VOICE_ID
from trudy import webhooks
from trudy.webhooks import BadPayloadError, WebhookEvent
from trudy.webhooks.parse import parse_event

CLASSES = {
    "call.started": webhooks.CallStarted,
    "call.joined": webhooks.CallJoined,
    "call.ended": webhooks.CallEnded,
    "call.completed": webhooks.CallCompleted,
    "call.billed": webhooks.CallBilled,
    "call.failed": webhooks.CallFailed,
    "call.analyzed": webhooks.CallAnalyzed,
    "batch.status.changed": webhooks.BatchStatusChanged,
    "batch.completed": webhooks.BatchCompleted,
    "voice.training.completed": webhooks.VoiceTrainingCompleted,
    "voice.training.failed": webhooks.VoiceTrainingFailed,
}


@pytest.mark.parametrize("name", CLASSES)
def test_each_event_has_its_class(name: str) -> None:
    event = parse_event({"event": name, "timestamp": "2027-01-15T08:00:00Z", "data": {}})
    assert type(event) is CLASSES[name]
    assert event.type == event.name == name
    assert event.timestamp == datetime(2027, 1, 15, 8, tzinfo=UTC)


def test_nested() -> None:
    event = parse_event(NESTED)
    assert isinstance(event, webhooks.CallEnded)
    assert (event.call_id, event.agent_id, event.batch_id, event.id) == (CALL_ID, AGENT_ID, None, None)
    assert event.ended_at == datetime(2027, 1, 15, 7, 57, 12, 500_000, tzinfo=UTC)
    assert event.duration_seconds == 120
    assert event.billed_duration_seconds == 120
    assert event.billing_status == "BILLING_STATUS_BILLED"
    assert event.cost_usd == 0.1
    assert (event.end_reason, event.sentiment, event.short_summary) == ("hangup", "positive", "Callback wanted.")
    assert event.data is NESTED["data"]
    assert event.to_dict() == NESTED


def test_flat() -> None:
    event = parse_event(FLAT)
    assert isinstance(event, webhooks.CallEnded)
    assert (event.call_id, event.agent_id, event.batch_id) == (CALL_ID, AGENT_ID, BATCH_ID)
    assert (event.status, event.duration_seconds, event.id) == ("ended", 127, "evt_01hx")
    assert event.timestamp == datetime(2027, 1, 15, 7, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        {"call": {"callId": CALL_ID, "agent": {"agentId": AGENT_ID}, "batchId": BATCH_ID}},
        {"call": {"call_id": CALL_ID, "agent": {"agent_id": AGENT_ID}, "batch_id": BATCH_ID}},
        {"call": {"id": CALL_ID, "agent": {"id": AGENT_ID}}, "batch": {"id": BATCH_ID}},
        {"call": {"callId": CALL_ID, "agentId": AGENT_ID}, "batch": {"batchId": BATCH_ID}},
        {"callId": CALL_ID, "agentId": AGENT_ID, "batchId": BATCH_ID},
        {"call_id": CALL_ID, "agent_id": AGENT_ID, "batch_id": BATCH_ID},
        {"call_id": CALL_ID, "agent": {"agentId": AGENT_ID}, "batch_id": BATCH_ID},
        {"call": {"callId": ""}, "call_id": CALL_ID, "agent_id": AGENT_ID, "batchId": BATCH_ID},
        {"data": {"call_id": CALL_ID, "agentId": AGENT_ID, "batch_id": BATCH_ID}},
        {"data": {"call": {"callId": CALL_ID}, "agent_id": AGENT_ID}, "batch_id": BATCH_ID},
        {"call_id": CALL_ID, "agentId": AGENT_ID, "batchCallId": BATCH_ID},
        {"call": {"callId": CALL_ID, "agentId": AGENT_ID, "batch_call_id": BATCH_ID}},
        {"callId": CALL_ID, "agentId": AGENT_ID, "batchCall": {"id": BATCH_ID}},
        {"callId": CALL_ID, "agentId": AGENT_ID, "data": {"batch_call": {"batch_call_id": BATCH_ID}}},
        {"call": None, "callId": CALL_ID, "agent": [], "agentId": AGENT_ID, "batch": 1, "batch_id": BATCH_ID},
    ],
)
@pytest.mark.parametrize("name", ["call.ended", "call.started", "call.invented"])
def test_ids_of_a_call_in_every_form(data: dict[str, Any], name: str) -> None:
    event = parse_event({"event": name, "data": data})
    assert isinstance(event, webhooks.CallEvent | webhooks.UnknownEvent)
    assert (event.call_id, event.agent_id, event.batch_id) == (CALL_ID, AGENT_ID, BATCH_ID)


@pytest.mark.parametrize("key", ["batch_id", "batchId", "batch_call_id", "batchCallId", "id"])
def test_batch_id(key: str) -> None:
    changed = parse_event({"event": "batch.status.changed", "data": {key: BATCH_ID, "status": "paused"}})
    assert isinstance(changed, webhooks.BatchStatusChanged)
    assert (changed.batch_id, changed.status) == (BATCH_ID, "paused")
    done = parse_event({"event": "batch.completed", "data": {"batch": {key: BATCH_ID}}})
    assert isinstance(done, webhooks.BatchCompleted)
    assert done.batch_id == BATCH_ID


@pytest.mark.parametrize("data", [{"voice_id": VOICE_ID}, {"voiceId": VOICE_ID}, {"voice": {"id": VOICE_ID}}])
def test_voice_id(data: dict[str, Any]) -> None:
    for name in ("voice.training.completed", "voice.training.failed"):
        event = parse_event({"event": name, "data": data})
        assert isinstance(event, webhooks.VoiceTrainingCompleted | webhooks.VoiceTrainingFailed)
        assert event.voice_id == VOICE_ID


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("call.ended", "call_id"),
        ("call.started", "call_id"),
        ("batch.completed", "batch_id"),
        ("batch.status.changed", "batch_id"),
        ("voice.training.failed", "voice_id"),
    ],
)
def test_an_id_without_more_is_that_of_what_the_event_is_about(name: str, member: str) -> None:
    event = parse_event({"event": name, "data": {"id": "x", "agent_id": AGENT_ID}})
    assert getattr(event, member) == "x"
    named = parse_event({"event": name, "data": {"id": "x", member: "y"}})
    assert getattr(named, member) == "y"


def test_an_id_without_more_is_no_batch_of_a_call() -> None:
    event = parse_event({"event": "call.ended", "data": {"id": "x"}})
    assert isinstance(event, webhooks.CallEnded)
    assert event.batch_id is None


def test_unknown_event_keeps_everything() -> None:
    raw = {"event": "call.transferred", "event_id": 7, "data": {"call_id": CALL_ID, "to": [1]}, "more": True}
    event = parse_event(raw)
    assert isinstance(event, webhooks.UnknownEvent)
    assert (event.type, event.name, event.id, event.call_id) == ("unknown", "call.transferred", "7", CALL_ID)
    assert event.data == {"call_id": CALL_ID, "to": [1]}
    assert event.raw == raw


def test_match() -> None:
    def say(event: WebhookEvent) -> str:
        match event:
            case webhooks.CallEnded(call_id=call_id):
                return f"ended {call_id}"
            case webhooks.CallStarted() | webhooks.CallJoined() | webhooks.CallBilled() | webhooks.CallFailed():
                return "call"
            case webhooks.CallCompleted() | webhooks.CallAnalyzed():
                return "late"
            case webhooks.BatchStatusChanged(status=status):
                return f"batch {status}"
            case webhooks.BatchCompleted() | webhooks.VoiceTrainingCompleted() | webhooks.VoiceTrainingFailed():
                return "done"
            case webhooks.UnknownEvent(name=name):
                return name
            case _:
                assert_never(event)

    assert say(parse_event(NESTED)) == f"ended {CALL_ID}"
    assert say(parse_event(BATCH)) == "batch active"
    assert say(parse_event({"event": "x"})) == "x"


def test_name_inside_data_where_the_top_has_none() -> None:
    assert parse_event({"data": {"event": "call.joined", "call": {"callId": CALL_ID}}}).name == "call.joined"
    assert parse_event({"event": "call.ended", "data": {"event": "call.completed"}}).name == "call.ended"


@pytest.mark.parametrize("data", [None, [], "text", 5, [{"call_id": CALL_ID}]])
def test_data_that_is_no_object_is_kept_in_raw(data: object) -> None:
    event = parse_event({"event": "call.ended", "data": data})
    assert event.data == {}
    assert event.raw["data"] == data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-15T08:00:00.5", datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("1800000000", datetime(2027, 1, 15, 8, tzinfo=UTC)),
        (1_800_000_000_000, datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ("soon", None),
        ("9" * 400, None),
        (True, None),
        (None, None),
        (10**400, None),
    ],
)
def test_time_of_the_event(text: object, expected: datetime | None) -> None:
    assert parse_event({"event": "call.ended", "timestamp": text}).timestamp == expected


def test_repr_shows_no_payload_and_no_number() -> None:
    event = parse_event(NESTED)
    assert NUMBER not in repr(event)
    assert CALL_ID in repr(event)
    assert "medium" not in repr(event)


def test_values_of_their_own() -> None:
    event = parse_event(NESTED)
    assert event == parse_event(copy.deepcopy(NESTED))
    assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301 - it was pickled here
    assert len({event, parse_event(copy.deepcopy(NESTED))}) == 1
    with pytest.raises(AttributeError):
        event.name = "x"  # type: ignore[misc]


_KEYS = st.sampled_from(
    ["event", "timestamp", "data", "call", "callId", "call_id", "agent", "agentId", "batch", "batch_id", "id", "ended",
     "joined", "duration", "billedDuration", "costUsd", "status", "summary", "voice", "voiceId", "event_id", "url"]
)  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(CALL_ID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([*CLASSES, "call.invented"]), st.dictionaries(_KEYS, _JSON, max_size=6), _JSON)
def test_any_authentic_payload_becomes_an_event(name: str, body: dict[str, Any], data: object) -> None:
    event = parse_event({**body, "event": name, "data": data})
    assert event.name == name
    assert event.dedupe_key
    event.dedupe_key.encode()
    for kind in ("call_id", "batch_id", "voice_id", "agent_id"):
        found = getattr(event, kind, None)
        assert found is None or (isinstance(found, str) and found)
    assert repr(event)
    json.dumps(event.to_dict())


@given(_JSON)
def test_anything_else_is_a_bad_payload(value: object) -> None:
    try:
        event = parse_event(value)
    except BadPayloadError:
        return
    assert event.name


@pytest.mark.parametrize("name", ["call.ended", "call.completed", "call.failed", "call.billed"])
@pytest.mark.parametrize(
    "facts",
    [
        {"duration_seconds": 42, "cost_usd": 0.07, "end_reason": "agent_hangup"},
        {"durationSeconds": "42", "costUsd": "0.07", "endReason": "agent_hangup"},
    ],
)
def test_facts_beside_the_providers_event(name: str, facts: dict[str, Any]) -> None:
    for data in ({"data": facts}, {"call": {"callId": "uv_call_123"}, "data": facts}, {"data": {"call": facts}}):
        event = parse_event({"event": name, "data": data})
        assert isinstance(event, webhooks.CallResult)
        assert (event.duration_seconds, event.cost_usd, event.end_reason) == (42, 0.07, "agent_hangup")


def test_the_providers_own_facts_go_first() -> None:
    data = {"call": {"endReason": "unjoined"}, "data": {"end_reason": "hangup", "cost_usd": 1}}
    event = parse_event({"event": "call.failed", "data": data})
    assert isinstance(event, webhooks.CallFailed)
    assert (event.end_reason, event.cost_usd) == ("unjoined", 1)


OUTCOMES: list[tuple[str, dict[str, Any], str]] = [
    ("call.ended", {"call": {"endReason": "hangup"}}, "answered"),
    ("call.ended", {}, "answered"),
    ("call.completed", {"status": "completed"}, "answered"),
    ("call.completed", {"call": {"endReason": "machine_detected"}}, "voicemail"),
    ("call.ended", {"status": "voicemail"}, "voicemail"),
    ("call.ended", {"status": "failed"}, "failed"),
    ("call.failed", {}, "failed"),
    ("call.failed", {"call": {"endReason": "unjoined"}}, "no_answer"),
    ("call.failed", {"data": {"end_reason": "user_busy"}}, "busy"),
    ("call.failed", {"status": "no-answer"}, "no_answer"),
    ("call.failed", {"status": "Busy"}, "busy"),
    ("call.failed", {"call": {"hangupCause": "CALL_REJECTED"}}, "refused"),
    ("call.failed", {"status": "in_progress"}, "failed"),
    ("call.failed", {"outcome": "voicemail"}, "voicemail"),
    ("call.billed", {"call": {"endReason": "hangup"}}, "unknown"),
    ("call.billed", {"duration_seconds": 20}, "answered"),
    ("call.billed", {"status": "busy"}, "busy"),
]


@pytest.mark.parametrize(("name", "data", "outcome"), OUTCOMES)
def test_how_a_call_ended_in_one_word(name: str, data: dict[str, Any], outcome: str) -> None:
    event = parse_event({"event": name, "data": data})
    assert isinstance(event, webhooks.CallResult)
    assert event.outcome == outcome
    assert event.outcome.is_known
