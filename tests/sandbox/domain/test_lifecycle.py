from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.sandbox.domain import lifecycle
from trudy.sandbox.domain.lifecycle import PlacedCall, Timeline, status_at
from trudy.sandbox.domain.outcome_by_number import Outcome

ORDER = ["queued", "ringing", "in_progress", "completed", "failed"]


def plan(outcome: Outcome, join_timeout: float = 30.0, max_duration: float = 3600.0) -> Timeline:
    return lifecycle.plan(outcome, created_at=1000.0, join_timeout=join_timeout, max_duration=max_duration)


def call(outcome: Outcome, **settings: bool) -> PlacedCall:
    return PlacedCall(
        id="c",
        agent_id="a",
        agent_name="Ada",
        to="+14155550100",
        from_number=None,
        attempt=1,
        outcome=outcome,
        idempotency_key=None,
        variables={"name": "Bo"},
        call_settings={"recording_enabled": True, "transcription_enabled": True} | settings,
        greeting="Hi {{ name }} of {{place}}",
        timeline=plan(outcome),
    )


@pytest.mark.parametrize(
    ("outcome", "story"),
    [
        (Outcome.COMPLETED, [(0, "queued"), (1, "ringing"), (5, "in_progress"), (29, "completed")]),
        (Outcome.NO_ANSWER, [(0, "queued"), (1, "ringing"), (31, "failed")]),
        (Outcome.BUSY, [(0, "queued"), (1, "ringing"), (3, "failed")]),
        (Outcome.VOICEMAIL, [(0, "queued"), (1, "ringing"), (21, "in_progress"), (33, "completed")]),
        (Outcome.LONG, [(0, "queued"), (1, "ringing"), (5, "in_progress"), (1805, "completed")]),
        (Outcome.FAILED, [(0, "failed")]),
    ],
)
def test_the_stages_of_each_outcome(outcome: Outcome, story: list[tuple[float, str]]) -> None:
    timeline = plan(outcome)
    for index, (moment, status) in enumerate(story):
        assert status_at(timeline, 1000 + moment) == status
        if index:
            assert status_at(timeline, 1000 + moment - 0.001) == story[index - 1][1]
    assert status_at(timeline, 1e9) == story[-1][1]


@pytest.mark.parametrize(
    ("outcome", "join_timeout", "max_duration", "reason", "talk"),
    [
        (Outcome.COMPLETED, 30, 3600, "hangup", 24),
        (Outcome.COMPLETED, 30, 10, "max_duration", 10),
        (Outcome.COMPLETED, 3, 3600, "no_answer", 0),
        (Outcome.VOICEMAIL, 10, 3600, "no_answer", 0),
        (Outcome.VOICEMAIL, 30, 3600, "voicemail", 12),
        (Outcome.LONG, 30, 600, "max_duration", 600),
        (Outcome.BUSY, 30, 3600, "busy", 0),
        (Outcome.BUSY, 1, 3600, "no_answer", 0),
        (Outcome.FAILED, 30, 3600, "not_placed", 0),
    ],
)
def test_why_and_how_long(outcome: Outcome, join_timeout: float, max_duration: float, reason: str, talk: int) -> None:
    timeline = plan(outcome, join_timeout, max_duration)
    assert (timeline.end_reason, lifecycle.talked_seconds(timeline)) == (reason, talk)


@given(
    st.sampled_from(
        [Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.LONG, Outcome.FAILED]
    ),
    st.floats(0, 120),
    st.floats(0, 4000),
    st.lists(st.floats(0, 8000), min_size=2, max_size=20),
)
def test_a_call_never_goes_back(outcome: Outcome, join: float, longest: float, moments: list[float]) -> None:
    timeline = plan(outcome, join, longest)
    seen = [ORDER.index(status_at(timeline, 1000 + moment)) for moment in sorted(moments)]
    assert seen == sorted(seen)
    assert status_at(timeline, timeline.ended_at) in ("completed", "failed")
    assert timeline.created_at <= lifecycle.changed_at(timeline, 1000 + max(moments)) <= 1000 + max(moments)


def test_transcript_and_recording_come_some_seconds_after_the_end() -> None:
    answered = call(Outcome.COMPLETED)
    ready = answered.timeline.ended_at + lifecycle.PROCESSING_SECONDS
    assert not lifecycle.has_transcript(answered, ready - 0.001)
    assert lifecycle.has_transcript(answered, ready)
    assert lifecycle.has_recording(answered, ready)
    assert not lifecycle.has_recording(call(Outcome.COMPLETED, recording_enabled=False), ready)
    assert not lifecycle.has_transcript(call(Outcome.COMPLETED, transcription_enabled=False), ready)
    assert not lifecycle.has_transcript(call(Outcome.NO_ANSWER), 1e9)


def test_the_transcript_opens_with_the_greeting_filled_in() -> None:
    turns = lifecycle.transcript(call(Outcome.COMPLETED))
    assert turns[0] == {"speaker": "agent", "text": "Hi Bo of {{place}}", "timestamp": 0.0}
    assert [turn["timestamp"] for turn in turns] == [0.0, 6.0, 12.0, 18.0]


def test_do_not_call_is_said_in_transcript_and_summary() -> None:
    refusing = call(Outcome.DO_NOT_CALL)
    assert any("do not call me again" in turn["text"] for turn in lifecycle.transcript(refusing))
    assert "not to be called again" in lifecycle.summary(refusing)


def test_each_answered_outcome_has_its_own_summary() -> None:
    answered = [Outcome.COMPLETED, Outcome.VOICEMAIL, Outcome.DO_NOT_CALL, Outcome.LONG]
    assert len({lifecycle.summary(call(outcome)) for outcome in answered}) == len(answered)


def test_no_whole_number_in_a_repr() -> None:
    assert "+14155550100" not in repr(call(Outcome.COMPLETED))
