"""Open enums: members for known words, the server's word for unknown ones."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.models import AgentStatus, CallDirection, CallStatus, OpenWord

WORDS = [AgentStatus, CallDirection, CallStatus]


@pytest.mark.parametrize(
    ("wire", "member"),
    [
        ("queued", CallStatus.QUEUED),
        ("in_progress", CallStatus.IN_PROGRESS),
        ("in-progress", CallStatus.IN_PROGRESS),
        ("In Progress", CallStatus.IN_PROGRESS),
        ("running", CallStatus.IN_PROGRESS),
        ("completed", CallStatus.COMPLETED),
        ("ended", CallStatus.COMPLETED),
        ("cancelled", CallStatus.CANCELLED),
        ("canceled", CallStatus.CANCELLED),
        ("no-answer", CallStatus.NO_ANSWER),
        (" BUSY ", CallStatus.BUSY),
    ],
)
def test_spellings_fold_into_one_member(wire: str, member: CallStatus) -> None:
    assert CallStatus(wire) is member
    assert CallStatus(wire) == member.value


@pytest.mark.parametrize("kind", WORDS)
def test_members_are_named_as_their_words(kind: type[OpenWord]) -> None:
    assert {member.name for member in kind} == {member.value.upper() for member in kind}


@pytest.mark.parametrize(
    ("word", "final"),
    [
        ("created", False),
        ("queued", False),
        ("ringing", False),
        ("in_progress", False),
        ("running", False),
        ("completed", True),
        ("ended", True),
        ("failed", True),
        ("cancelled", True),
        ("no_answer", True),
        ("busy", True),
        ("voicemail", True),
        ("transferred", False),
        ("", False),
    ],
)
def test_final_statuses(word: str, final: bool) -> None:
    assert CallStatus(word).is_final is final


def test_every_member_has_its_finality_tabled() -> None:
    assert sum(status.is_final for status in CallStatus) == 6


def test_a_word_prints_as_itself() -> None:
    assert str(CallStatus.COMPLETED) == f"{CallStatus.COMPLETED}" == "%s" % CallStatus.COMPLETED == "completed"  # noqa: UP031
    assert json.dumps(CallStatus.COMPLETED) == '"completed"'
    assert repr(CallStatus.COMPLETED) == "CallStatus.COMPLETED"


def test_a_new_word_stays_readable() -> None:
    status = CallStatus("warm-Transfer")
    assert str(status) == f"{status}" == status.value == "warm-Transfer"
    assert status == "warm-Transfer"
    assert not status.is_known
    assert CallStatus.QUEUED.is_known
    assert repr(status) == "CallStatus('warm-Transfer')"
    assert isinstance(status, CallStatus)


def test_new_words_are_not_remembered() -> None:
    before = len(CallStatus), len(CallStatus.__members__)
    CallStatus("never-seen")
    assert (len(CallStatus), len(CallStatus.__members__)) == before


def test_words_are_keys_like_their_text() -> None:
    assert {CallStatus.COMPLETED: 1}["completed"] == 1
    assert {"new": 1}[CallStatus("new")] == 1


@given(st.text())
def test_any_word_survives_copying(word: str) -> None:
    status = CallStatus(word)
    for twin in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status)):  # noqa: S301
        assert twin == status
        assert type(twin) is CallStatus
        assert twin.is_known == status.is_known
    assert status.value == word or status.is_known


@pytest.mark.parametrize("value", [None, 5, True, [], {}])
def test_what_is_no_text_is_no_word(value: object) -> None:
    with pytest.raises(ValueError, match="not a valid CallStatus"):
        CallStatus(value)
