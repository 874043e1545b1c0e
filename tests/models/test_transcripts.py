"""Transcripts: the three forms of turns, and the four forms of the whole answer."""

from __future__ import annotations

import pytest

from trudy.models import Call, Transcript, TranscriptTurn, decode


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"speaker": "agent", "text": "Hi", "timestamp": 1.5},
            TranscriptTurn(speaker="agent", text="Hi", timestamp=1.5),
        ),
        (
            {"speaker": "contact", "text": "Yes", "timestamp": "2"},
            TranscriptTurn(speaker="contact", text="Yes", timestamp=2),
        ),
        ("Hi", TranscriptTurn(text="Hi")),
        ("", TranscriptTurn(text="")),
        (
            {"role": "user", "text": "Yes", "timespan": {"start": "1.5s", "end": "3s"}},
            TranscriptTurn(
                speaker="user",
                text="Yes",
                timestamp=1.5,
                extra={"role": "user", "timespan": {"start": "1.5s", "end": "3s"}},
            ),
        ),
        (
            {"role": "user", "text": "Yes", "timespan": None},
            TranscriptTurn(speaker="user", text="Yes", extra={"role": "user", "timespan": None}),
        ),
        (
            {"role": "user", "text": "Yes", "timespan": "later"},
            TranscriptTurn(speaker="user", text="Yes", extra={"role": "user", "timespan": "later"}),
        ),
        ({"speaker": "agent", "text": None}, TranscriptTurn(speaker="agent")),
    ],
)
def test_forms_of_a_turn(raw: object, expected: TranscriptTurn) -> None:
    transcript = decode(Transcript, {"call_id": "c", "transcript": [raw]})
    assert transcript.turns == (expected,)
    assert transcript.extra == {}


TURNS = (TranscriptTurn(speaker="agent", text="Hi"), TranscriptTurn(speaker="contact", text="Yes"))
LIST = [{"speaker": "agent", "text": "Hi"}, {"speaker": "contact", "text": "Yes"}]


@pytest.mark.parametrize(
    ("raw", "turns", "text"),
    [
        (LIST, TURNS, "agent: Hi\ncontact: Yes"),
        ({"transcript": LIST}, TURNS, "agent: Hi\ncontact: Yes"),
        ({"turns": LIST}, TURNS, "agent: Hi\ncontact: Yes"),
        ({"transcript": {"text": "Hi\nYes"}}, (TranscriptTurn(text="Hi\nYes"),), "Hi\nYes"),
        ({"transcript": {"text": LIST}}, TURNS, "agent: Hi\ncontact: Yes"),
        ({"transcript": {"text": None}}, (), ""),
        ({"transcript": {"text": "Hi", "language": "en"}}, (TranscriptTurn(text="Hi"),), "Hi"),
        ({"transcript": "Hi"}, (TranscriptTurn(text="Hi"),), "Hi"),
        ({"text": "Hi"}, (TranscriptTurn(text="Hi"),), "Hi"),
        ({"transcript": None, "text": "Hi"}, (TranscriptTurn(text="Hi"),), "Hi"),
        ({"transcript": 5, "text": "Hi"}, (TranscriptTurn(text="Hi"),), "Hi"),
        ("Hi", (TranscriptTurn(text="Hi"),), "Hi"),
        ({"transcript": None}, (), ""),
        ({"transcript": ""}, (), ""),
        ({"transcript": {}}, (), ""),
        ({"transcript": []}, (), ""),
        ({}, (), ""),
        ([], (), ""),
        (None, (), ""),
        ("", (), ""),
    ],
)
def test_forms_of_the_whole(raw: object, turns: tuple[TranscriptTurn, ...], text: str) -> None:
    transcript = decode(Transcript, raw)
    assert transcript.turns == turns
    assert transcript.text == text


def test_unreadable_turns_are_left_out_and_stay_in_extra() -> None:
    raw = [None, {"speaker": "agent", "text": "Hi"}, 5, "Bye"]
    transcript = decode(Transcript, {"call_id": "c", "transcript": raw})
    assert transcript.text == "agent: Hi\nBye"
    assert transcript.extra == {"transcript": raw}
    assert transcript.to_dict()["transcript"] == raw


def test_other_members_beside_a_text_stay_in_extra() -> None:
    raw = {"text": "Hi", "language": "en"}
    assert decode(Transcript, {"transcript": raw}).extra == {"transcript": raw}


def test_summary_and_call() -> None:
    transcript = decode(Transcript, {"call_id": "c", "transcript": None, "summary": "Short."})
    assert (transcript.call_id, transcript.summary, transcript.text) == ("c", "Short.", "")


@pytest.mark.parametrize("raw", [LIST, "Hi"])
def test_inside_a_call(raw: object) -> None:
    call = decode(Call, {"id": "c", "transcript": raw})
    assert call.transcript is not None
    assert call.transcript.turns == decode(Transcript, {"transcript": raw}).turns
    assert call.extra == {}
    assert isinstance(call.to_dict()["transcript"], list)


def test_text_inside_a_call() -> None:
    call = decode(Call, {"id": "c", "transcript": {"text": "Hi"}})
    assert call.transcript is not None
    assert call.transcript.text == "Hi"
    assert call.to_dict()["transcript"]["text"] == "Hi"


def test_whole_inside_a_call() -> None:
    raw = {"call_id": "c", "transcript": LIST, "summary": "Short."}
    call = decode(Call, {"id": "c", "transcript": raw})
    assert call.transcript == decode(Transcript, raw)
    assert call.to_dict()["transcript"]["summary"] == "Short."


def test_repr_shows_no_words() -> None:
    assert "Hi" not in repr(decode(Transcript, LIST))
    assert "<2 turns>" in repr(decode(Transcript, LIST))


@pytest.mark.parametrize("name", ["role", "speaker"])
@pytest.mark.parametrize(
    ("word", "speaker"),
    [
        ("MESSAGE_ROLE_AGENT", "agent"),
        ("MESSAGE_ROLE_USER", "contact"),
        ("message_role_user", "contact"),
        ("MESSAGE_ROLE_TOOL_CALL", "tool"),
        ("MESSAGE_ROLE_TOOL_RESULT", "tool"),
        ("MESSAGE_ROLE_NEW", "new"),
        ("user", "user"),
    ],
)
def test_the_providers_roles_fold_into_the_guides_words(name: str, word: str, speaker: str) -> None:
    turn = decode(TranscriptTurn, {name: word, "text": "Hi"})
    assert turn.speaker == speaker
    assert turn.to_dict()[name] == word


@pytest.mark.parametrize("empty", [None, "", " ", []])
def test_turns_without_words_are_not_in_the_text(empty: object) -> None:
    turns = [
        {"role": "MESSAGE_ROLE_AGENT", "text": "Hi"},
        {"role": "MESSAGE_ROLE_TOOL_CALL", "text": empty},
        {"role": "MESSAGE_ROLE_TOOL_RESULT"},
        {"role": "MESSAGE_ROLE_USER", "text": "Yes"},
    ]
    transcript = decode(Transcript, {"transcript": turns})
    assert len(transcript.turns) == 4
    assert transcript.text == "agent: Hi\ncontact: Yes"
