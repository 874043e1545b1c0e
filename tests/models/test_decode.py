"""Decoding: only an object without an id is refused; whatever cannot be read stays in `extra`; nothing is lost."""

from __future__ import annotations

import json
import pickle
import traceback
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models.rows import JSON_VALUES, MODELS, row, rows
from trudy.models import (
    Agent,
    AgentStatus,
    Call,
    CallDirection,
    CallSettings,
    CallStatus,
    Contact,
    Deleted,
    GreetingSettings,
    ModelError,
    NumberRef,
    Pagination,
    ResponseMeta,
    Transcript,
    decode,
)
from trudy.options import NOT_GIVEN


def test_a_documented_row() -> None:
    call = decode(
        Call,
        {
            "id": "call_1",
            "status": "completed",
            "direction": "outbound",
            "agent_id": "agt_1",
            "to": "+14155550123",
            "from": "+14155550100",
            "duration_seconds": 63,
            "recording_url": "https://media.example.com/1.mp3?sig=x",
            "transcript_url": "https://api.example.com/1",
            "summary": "Fine.",
            "cost_credits": 1.25,
            "metadata": {"campaign_id": "b1"},
            "started_at": "2026-03-18T10:00:05Z",
            "ended_at": "2026-03-18T10:01:08.5Z",
            "created_at": "2026-03-18T10:00:00",
            "updated_at": None,
        },
    )
    assert call == Call(
        id="call_1",
        status=CallStatus.COMPLETED,
        direction=CallDirection.OUTBOUND,
        agent_id="agt_1",
        to="+14155550123",
        from_="+14155550100",
        duration_seconds=63,
        recording_url="https://media.example.com/1.mp3?sig=x",
        transcript_url="https://api.example.com/1",
        summary="Fine.",
        cost_credits=1.25,
        metadata={"campaign_id": "b1"},
        started_at=datetime(2026, 3, 18, 10, 0, 5, tzinfo=UTC),
        ended_at=datetime(2026, 3, 18, 10, 1, 8, 500_000, tzinfo=UTC),
        created_at=datetime(2026, 3, 18, 10, 0, tzinfo=UTC),
    )
    assert call.extra == {}
    assert call.status is CallStatus.COMPLETED


@pytest.mark.parametrize(
    ("sent", "attribute", "expected"),
    [
        ({"to": "+1"}, "to", "+1"),
        ({"to_number": "+1"}, "to", "+1"),
        ({"phone_number": "+1"}, "to", "+1"),
        ({"phone_number": "+1", "direction": "outbound"}, "to", "+1"),
        ({"phone_number": "+1", "direction": "inbound"}, "to", None),
        ({"to": "+1", "to_number": "+2", "phone_number": "+3"}, "to", "+1"),
        ({"to": None, "to_number": "+2"}, "to", "+2"),
        ({"to": None, "phone_number": "+3"}, "to", "+3"),
        ({"to": 5, "to_number": "+2"}, "to", "+2"),
        ({"from": "+1"}, "from_", "+1"),
        ({"from_number": "+1"}, "from_", "+1"),
        ({"cost_credits": "1.5"}, "cost_credits", 1.5),
        ({"cost_usd": "2"}, "cost_usd", 2),
        ({"completed_at": "2026-01-01T00:00:00"}, "ended_at", datetime(2026, 1, 1, tzinfo=UTC)),
        ({"duration_seconds": "63"}, "duration_seconds", 63),
        ({"duration_seconds": "63s"}, "duration_seconds", 63),
        ({"context": {"a": "b"}}, "variables", {"a": "b"}),
        ({"variables": {}}, "variables", {}),
        ({"metadata": None}, "metadata", {}),
        ({"transcript": []}, "transcript", Transcript()),
        ({"transcript": None}, "transcript", None),
    ],
)
def test_spellings_of_a_call(sent: dict[str, object], attribute: str, expected: object) -> None:
    assert getattr(decode(Call, row(**sent)), attribute) == expected


@pytest.mark.parametrize(
    ("sent", "attribute", "expected"),
    [
        ({"knowledge_bases": ["k"]}, "knowledge_bases", ("k",)),
        ({"knowledge_base_ids": ["k"]}, "knowledge_bases", ("k",)),
        ({"knowledge_base_ids": None}, "knowledge_bases", ()),
        ({"max_duration": "3600s"}, "max_duration_seconds", 3600),
        ({"max_duration": 1800}, "max_duration_seconds", 1800),
        ({"max_duration": 1800}, "max_duration", "1800s"),
        ({"max_duration": "an hour"}, "max_duration_seconds", None),
        ({"join_timeout": "30s"}, "join_timeout_seconds", 30),
        ({"inactivity_timeout": 30}, "inactivity_timeout", 30),
        ({"inactivity_timeout": "30s"}, "inactivity_timeout", 30),
        ({"status": "ACTIVE"}, "status", AgentStatus.ACTIVE),
        ({"tools": ["a", 7]}, "tools", ("a", "7")),
        (
            {"outbound_phone_numbers": [{"id": "n", "phone_number": "+1"}]},
            "outbound_phone_numbers",
            (NumberRef(id="n", phone_number="+1"),),
        ),
        (
            {"greeting_settings": {"text": "Hi", "delay": None}},
            "greeting_settings",
            GreetingSettings(text="Hi", delay=None),
        ),
    ],
)
def test_spellings_of_an_agent(sent: dict[str, object], attribute: str, expected: object) -> None:
    assert getattr(decode(Agent, {"id": "a", **sent}), attribute) == expected


def test_a_folded_word_keeps_the_servers_spelling() -> None:
    call = decode(Call, row(status="ended"))
    assert call.status is CallStatus.COMPLETED
    assert call.status_word == "ended"
    assert call.to_dict()["status"] == "ended"
    assert decode(Call, row(status="completed")).status_word == "completed"


def test_a_new_word() -> None:
    call = decode(Call, row(status="transferred"))
    assert f"{call.status}" == call.status_word == "transferred"
    assert call.extra == {}


def test_a_status_that_was_not_sent_is_the_empty_word() -> None:
    for sent in ({}, {"status": None}):
        call = decode(Call, row(**sent))
        assert call.status == ""
        assert not call.status.is_known
        assert call.to_dict()["status"] is None


def test_a_wrong_type_becomes_the_default_and_stays_readable() -> None:
    call = decode(Call, row(status=5, duration_seconds="soon", cost_credits=True, metadata=[], created_at={}, foo=1))
    assert (call.status, call.duration_seconds, call.cost_credits, call.metadata, call.created_at) == (
        "",
        None,
        None,
        {},
        None,
    )
    assert call.extra == {
        "foo": 1,
        "status": 5,
        "duration_seconds": "soon",
        "cost_credits": True,
        "metadata": [],
        "created_at": {},
    }
    assert call.to_dict()["duration_seconds"] == "soon"


def test_the_readable_items_of_a_list_are_kept() -> None:
    sent = [{"id": "n1", "phone_number": "+1"}, "junk", {"id": "n2", "phone_number": 5}]
    agent = decode(Agent, {"id": "a", "inbound_phone_numbers": sent})
    assert agent.inbound_phone_numbers == (
        NumberRef(id="n1", phone_number="+1"),
        NumberRef(id="n2", extra={"phone_number": 5}),
    )
    assert agent.extra == {"inbound_phone_numbers": sent}


def test_members_named_like_ours_are_only_extra() -> None:
    call = decode(Call, row(extra={"a": 1}, meta={"b": 2}), ResponseMeta(request_id="r"))
    assert call.extra == {"extra": {"a": 1}, "meta": {"b": 2}}
    assert call.meta == ResponseMeta(request_id="r")


@pytest.mark.parametrize("cls", [Agent, Call])
@pytest.mark.parametrize("raw", [{}, {"id": None}, {"id": ""}, {"id": " "}, {"id": True}, {"id": []}, {"id": 1.5}])
def test_a_row_without_an_id_is_invalid(cls: type, raw: dict[str, object]) -> None:
    with pytest.raises(ModelError) as caught:
        decode(cls, raw)
    assert (caught.value.model, caught.value.path) == (cls.__name__, "id")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


@pytest.mark.parametrize("cls", [*MODELS, ResponseMeta])
def test_what_is_no_object_is_invalid(cls: type) -> None:
    with pytest.raises(ModelError, match="is no object"):
        decode(cls, 5)


def test_errors_show_no_value() -> None:
    with pytest.raises(ModelError) as caught:
        decode(Call, {"id": {"secret": "truedy_abcdef"}, "to": "+14155550123"})
    assert "truedy" not in str(caught.value)
    assert "0123" not in str(caught.value)


@pytest.mark.parametrize("raw", [{"id": "x", "deleted": True}, {"contact_id": "x", "deleted": True}, {"id": "x"}])
def test_deletions(raw: dict[str, object]) -> None:
    deleted = decode(Deleted, raw)
    assert (deleted.id, deleted.deleted) == ("x", True)


def test_deletions_of_the_early_server() -> None:
    assert decode(Deleted, {"success": True}) == Deleted(deleted=True, extra={"success": True})
    assert decode(Deleted, {"success": False}).deleted is False


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({}, Pagination()),
        (
            {"total": "3", "limit": 50, "offset": 0, "has_more": False},
            Pagination(total=3, limit=50, offset=0, has_more=False),
        ),
        ({"page": 1, "limit": 50, "total": 3, "pages": 1}, Pagination(page=1, limit=50, total=3, pages=1)),
        ({"total": "many"}, Pagination(extra={"total": "many"})),
        (
            {"page": 1, "page_size": 20, "total_results": 3, "total_pages": 1},
            Pagination(
                page=1, limit=20, total=3, pages=1, extra={"page_size": 20, "total_results": 3, "total_pages": 1}
            ),
        ),
    ],
)
def test_pagination(raw: dict[str, object], expected: Pagination) -> None:
    assert decode(Pagination, raw) == expected


def test_settings_know_absent_from_null() -> None:
    settings = decode(CallSettings, {"greeting": None, "recording_enabled": False})
    assert settings.greeting is None
    assert settings.max_duration is NOT_GIVEN
    assert settings.to_dict() == {"greeting": None, "recording_enabled": False}


def test_settings_know_absent_from_null_on_the_careful_path() -> None:
    settings = decode(CallSettings, {"greeting": None, "recording_enabled": "maybe"})
    assert settings.greeting is None
    assert settings.recording_enabled is NOT_GIVEN
    assert settings.to_dict() == {"greeting": None, "recording_enabled": "maybe"}


@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_object_decodes_and_comes_back(cls: type, data: st.DataObject) -> None:
    raw = data.draw(rows(cls))
    raw.setdefault("id", "x")
    try:
        found = decode(cls, raw)
    except ModelError as fault:
        assert fault.path == "id"  # noqa: PT017
        return
    sent = json.loads(json.dumps(found.to_dict()))
    assert decode(cls, sent) == found
    assert sent.keys() >= raw.keys()
    assert all(
        json.loads(json.dumps(sent[name])) == json.loads(json.dumps(value)) for name, value in found.extra.items()
    )
    assert isinstance(repr(found), str)
    hash(found)


@pytest.mark.parametrize("cls", MODELS)
@settings(max_examples=50, deadline=None)
@given(raw=JSON_VALUES)
def test_any_json_decodes_or_is_refused(cls: type, raw: object) -> None:
    try:
        found = decode(cls, raw)
    except ModelError as fault:
        assert fault.model == cls.__name__  # noqa: PT017
    else:
        assert isinstance(found, cls)


@settings(deadline=None)
@given(rows(Call))
def test_the_careful_path_agrees_with_the_fast_one(good: dict[str, object]) -> None:
    """One unreadable member sends the row through the careful path; the others must not notice."""
    raw = {"id": "x", **good}
    if not isinstance(raw["id"], str):
        raw["id"] = "x"
    raw.pop("agent_id", None)
    try:
        fast = decode(Call, raw)
    except ModelError:
        return
    careful = decode(Call, {**raw, "agent_id": {}})
    assert attrs.evolve(careful, extra=fast.extra) == fast
    assert careful.extra == {**fast.extra, "agent_id": {}}


def test_the_error_of_an_unreadable_row_has_no_generated_frame_in_its_traceback() -> None:
    """A traceback with local variables would show the whole row there."""
    with pytest.raises(ModelError) as caught:
        decode(Contact, {"phone_number": "+14155550123"})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not [name for name in files if "cattrs" in name]
