"""`call.end_reason` and `call.outcome`: one word for how a call ended, from every spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.models import Call, CallEnding, decode
from trudy.models.call_endings import END_REASON_NAMES, call_ending, ending_of

FINAL = ("completed", "ended", "failed", "cancelled", "no_answer", "busy", "voicemail")


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("completed", None, "answered"),
        ("ended", "hangup", "answered"),
        ("completed", "agent_hangup", "answered"),
        ("completed", "max_duration", "answered"),
        ("completed", "a-new-word", "answered"),
        ("completed", "voicemail", "voicemail"),
        ("completed", "unjoined", "no_answer"),
        ("failed", None, "failed"),
        ("failed", "timeout", "failed"),
        ("failed", "not_placed", "failed"),
        ("failed", "busy", "busy"),
        ("failed", "USER_BUSY", "busy"),
        ("failed", "userBusy", "busy"),
        ("failed", "no-answer", "no_answer"),
        ("failed", "noAnswer", "no_answer"),
        ("failed", "No Answer", "no_answer"),
        ("failed", "SIP_TERMINATION_REJECTED", "refused"),
        ("failed", "SIP_TERMINATION_BUSY", "busy"),
        ("failed", "call_rejected", "refused"),
        ("failed", "declined", "refused"),
        ("failed", "answering machine", "voicemail"),
        ("no-answer", "hangup", "no_answer"),
        ("busy", None, "busy"),
        ("voicemail", "hangup", "voicemail"),
        ("canceled", None, "failed"),
        ("cancelled", "busy", "busy"),
    ],
)
def test_how_a_call_ended(status: str, reason: str | None, expected: str) -> None:
    call = decode(Call, {"id": "c", "status": status, "end_reason": reason})
    assert call.outcome == expected
    assert call.outcome is CallEnding(expected)
    assert call.end_reason == reason


@pytest.mark.parametrize("name", END_REASON_NAMES)
def test_the_reason_is_read_under_each_of_its_names(name: str) -> None:
    call = decode(Call, {"id": "c", "status": "failed", name: "line-busy"})
    assert (call.end_reason, call.outcome) == ("line-busy", CallEnding.BUSY)


@pytest.mark.parametrize("name", ["outcome", "call_outcome", "callOutcome"])
def test_the_servers_own_outcome_goes_first(name: str) -> None:
    call = decode(Call, {"id": "c", "status": "completed", "end_reason": "hangup", name: "VOICEMAIL"})
    assert call.outcome is CallEnding.VOICEMAIL
    assert call.extra[name] == "VOICEMAIL"


@pytest.mark.parametrize("status", ["queued", "ringing", "in-progress", "created", "a-new-word", None])
def test_a_call_that_goes_on_has_no_outcome(status: str | None) -> None:
    assert decode(Call, {"id": "c", "status": status, "end_reason": None}).outcome is None


def test_a_call_that_is_over_for_no_known_reason() -> None:
    row = {"id": "c", "ended_at": "2026-03-01T10:00:00Z", "end_reason": "solar flare"}
    assert decode(Call, row).outcome is CallEnding.UNKNOWN
    assert call_ending(end_reason=None, status=None) is CallEnding.UNKNOWN


@given(st.text(max_size=30) | st.none(), st.text(max_size=30) | st.none(), st.text(max_size=30) | st.none())
def test_any_words_give_a_known_ending(reason: str | None, status: str | None, outcome: str | None) -> None:
    assert call_ending(end_reason=reason, status=status, outcome=outcome).is_known
    assert ending_of(reason) is None or ending_of(reason) is not CallEnding.UNKNOWN


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("END_REASON_BUSY", "busy"),
        ("CALL_END_REASON_UNJOINED", "no_answer"),
        ("hangup-cause-call-rejected", "refused"),
        ("endReasonVoicemail", "voicemail"),
        ("customer-ended-call", "answered"),
        ("customer-declined", "refused"),
        ("missed call", "no_answer"),
        ("END_REASON_HANGUP", None),
    ],
)
def test_words_of_enumerations_and_of_other_providers(word: str, ending: str | None) -> None:
    assert ending_of(word) == ending


def test_spelling_makes_no_difference() -> None:
    for word in ("no_answer", "user_busy", "call_rejected", "answering_machine", "connection_error"):
        parts = word.split("_")
        camel = parts[0] + "".join(part.capitalize() for part in parts[1:])
        spellings = {word, word.upper(), word.replace("_", "-"), word.replace("_", " ").title(), camel}
        assert len({ending_of(spelling) for spelling in spellings}) == 1
        assert ending_of(word) is not None


@pytest.mark.parametrize(
    "name", ["ultravox_call_id", "ultravoxCallId", "provider_call_id", "external_call_id", "providerId"]
)
def test_the_providers_id(name: str) -> None:
    call = decode(Call, {"id": "c1", name: "uv_1"})
    assert call.provider_id == "uv_1"
    assert call.event_ids == ("c1", "uv_1")


def test_all_ids_that_events_may_name_a_call_by() -> None:
    row = {
        "id": "c1",
        "callId": "uv_2",
        "call_sid": "CA3",
        "twilioCallSid": "CA4",
        "call_control_id": "v5",
        "parent_call_id": "c0",
        "original_call_id": "c9",
        "metadata": {"call_id": "c8"},
        "sip_call_id": None,
        "provider_call_id": " ",
    }
    assert decode(Call, row).event_ids == ("c1", "uv_2", "CA3", "CA4", "v5")
    assert decode(Call, {"id": "c1", "call_id": "c1"}).event_ids == ("c1",)


@pytest.mark.parametrize(
    "told",
    [
        {"ultravox": {"id": "uv_1"}},
        {"provider": {"name": "ultravox", "callId": "uv_1"}},
        {"voice_provider": {"call_id": "uv_1"}},
        {"providerCall": {"id": "uv_1"}},
        {"ultravox_call": {"callId": "uv_1"}},
        {"call": {"callId": "uv_1"}},
        {"metadata": {"ultravoxCallId": "uv_1"}},
        {"call_sid": "uv_1"},
    ],
)
def test_an_id_that_stands_inside(told: dict[str, Any]) -> None:
    assert decode(Call, {"id": "c1", **told}).event_ids == ("c1", "uv_1")


@pytest.mark.parametrize(
    "told",
    [
        {"agent": {"id": "a1"}},
        {"voice": {"id": "v1"}},
        {"parent_call": {"id": "c0"}},
        {"metadata": {"id": "m1", "call_id": "c8"}},
        {"provider": {"name": "ultravox", "callId": None}},
        {"ultravox": ["uv_1"]},
    ],
)
def test_an_id_of_something_else(told: dict[str, Any]) -> None:
    assert decode(Call, {"id": "c1", **told}).event_ids == ("c1",)


def test_an_id_that_is_a_number() -> None:
    assert decode(Call, {"id": "c1", "carrier_call_id": 77}).event_ids == ("c1", "77")


def test_the_outcome_that_an_analysis_found() -> None:
    row = {"id": "c", "sentiment": "positive", "isSuccess": "true", "structuredData": {"size": 3}}
    call = decode(Call, row)
    assert (call.sentiment, call.is_success, call.structured_data) == ("positive", True, {"size": 3})
    assert decode(Call, {"id": "c"}).is_success is None
