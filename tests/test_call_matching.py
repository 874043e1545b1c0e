"""Whether a listed call may be the one that was sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy._answer_facts import Stamp
from trudy._call_matching import (
    SentCall,
    ServerReading,
    digits,
    is_answer_to,
    is_asked_for,
    latest_made,
    may_be,
    same_number,
    same_value,
    shown_members,
    shown_variables,
    shows_enough,
)
from trudy.models import Call, decode

NUMBER = "+14155550123"
SENT = {"agent_id": "agent", "phone_number": NUMBER}


def row(**members: Any) -> Call:
    return decode(Call, {"id": "a", "to": NUMBER, "agent_id": "agent", **members})


def fits(sent: dict[str, Any], shown: dict[str, Any], *, server_shows: Collection[str] = ()) -> bool:
    one, call = SentCall.of({**SENT, **sent}, "a-key"), row(**shown)
    return may_be(one, call) and shows_enough(one, call, server_shows=server_shows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1 415 555-0123", "14155550123"),
        ("001415", "001415"),
        ("sip", ""),
        ("+14155550123@carrier.test", "14155550123"),
        ("sip:+14155550123@carrier.test;user=phone", "14155550123"),
        ("tel:+1-415-555-0123", "14155550123"),
        ("+1415***0123", ""),
        ("", ""),
    ],
)
def test_digits(text: str, expected: str) -> None:
    assert digits(text) == expected


@pytest.mark.parametrize(
    ("shown", "is_same"),
    [
        (NUMBER, True),
        ("14155550123", True),
        ("0014155550123", True),
        ("01114155550123", True),
        ("+1 (415) 555-0123", True),
        ("415-555-0123", True),
        ("0415 5550123", True),
        ("\u200e+14155550123", True),
        ("\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13", True),
        ('"Sam" <sip:+14155550123@carrier.example>', True),
        ('"Sam" <sip:+14155550124@carrier.example>', False),
        ("+4155550123", False),
        ("+14155550124", False),
        ("555-0123", False),
        ("123", False),
        ("", False),
    ],
)
def test_a_number_in_any_spelling(shown: str, is_same: bool) -> None:
    assert same_number("14155550123", shown) is is_same


@given(st.from_regex(r"\+[1-9][0-9]{6,13}", fullmatch=True), st.integers(1, 5))
def test_spellings_of_one_number_are_one_and_another_number_is_not(number: str, places: int) -> None:
    sent = digits(number)
    gaps = f"{number[: places + 1]} ({number[places + 1 :]})"
    assert all(same_number(sent, each) for each in (number, sent, f"00{sent}", gaps))
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert not same_number(sent, other)


@pytest.mark.parametrize(
    ("sent", "shown", "expected"),
    [
        # variables, member by member
        ({"variables": {"n": 1}}, {"variables": {"n": "1"}}, True),
        ({"variables": {"n": 1}}, {"variables": {"n": 2}}, False),
        ({"variables": {"n": 1}}, {"context": {"n": 1}}, True),
        ({"variables": {"n": 1}}, {"variables": {}, "context": {"n": 2}}, False),
        ({"context": {"n": 1}}, {"variables": {"n": 1}}, True),
        ({"variables": {"n": 1}}, {"variables": '{"n": 1}'}, True),
        ({"variables": {"n": 1}}, {"variables": '{"n": 2}'}, False),
        ({"variables": {"n": 1}}, {"variables": ["n"]}, False),
        ({"variables": {"n": 1}}, {"variables": "n"}, False),
        ({"variables": {"n": 1}}, {"variables": None}, True),
        ({"variables": {"n": 1}}, {}, True),
        ({"variables": {"n": 1}}, {"variables": {}}, False),
        ({"variables": {"n": 1}}, {"variables": []}, False),
        ({}, {"variables": {"n": 1}}, False),
        ({}, {"variables": {}}, True),
        ({"variables": {"n": 1}}, {"variables": {"n": 1, "m": 2}}, False),
        ({"variables": {"n": 1}}, {"variables": {"n": 1, "m": None}}, True),
        ({"variables": {"n": 1, "m": 2}}, {"variables": {"n": 1}}, False),
        ({"variables": {"n": 1, "m": None}}, {"variables": {"n": 1}}, True),
        ({"variables": {"n": True}}, {"variables": {"n": "true"}}, True),
        ({"variables": {"n": [1, {"a": 2}]}}, {"variables": {"n": '[1, {"a": 2}]'}}, True),
        ({"variables": {"n": [1, {"a": 2}]}}, {"variables": {"n": [1, {"a": 3}]}}, False),
        # the mark
        ({"variables": {"trudy_ref": "x"}}, {"variables": {"trudy_ref": "x"}}, True),
        ({"variables": {"trudy_ref": "x"}}, {"variables": {"trudy_ref": "y"}}, False),
        ({"variables": {"trudy_ref": "x", "n": 1}}, {"variables": {"n": 1}}, False),
        ({"variables": {"trudy_ref": "x", "n": 1}}, {"variables": {"trudy_ref": "x"}}, True),
        ({"variables": {"trudy_ref": "x"}}, {"variables": {"name": "Bo"}}, False),
        ({"variables": {"n": 1}}, {"variables": {"n": 1, "trudy_ref": "x"}}, False),
        # the number it calls from
        ({"from_number": "+14155550188"}, {"from": "+14155550188"}, True),
        ({"from_number": "+14155550188"}, {"from_number": "(415) 555-0188"}, True),
        ({"from_number": "+14155550188"}, {"from": "+14155550189"}, False),
        ({"from_number": "+14155550188"}, {"from": 14155550189}, False),
        ({"from_number": "+14155550188"}, {}, True),
        ({}, {"from": "+14155550189"}, True),
        # settings
        ({"call_settings": {"recording_enabled": False}}, {"call_settings": {"recording_enabled": False}}, True),
        ({"call_settings": {"recording_enabled": False}}, {"call_settings": {"recording_enabled": True}}, False),
        ({"call_settings": {"recording_enabled": False}}, {"call_settings": {}}, False),
        ({"call_settings": {"recording_enabled": False}}, {"recording_enabled": True}, False),
        ({"call_settings": {"max_duration": "60s"}}, {"call_settings": {"max_duration": 60}}, True),
        ({"call_settings": {"max_duration": "60s"}}, {"call_settings": {"max_duration": "90s"}}, False),
        ({}, {"call_settings": {"recording_enabled": True, "max_duration": "3600s"}}, True),
        # other things that tell
        ({}, {"direction": "inbound"}, False),
        ({}, {"direction": "Outbound"}, True),
        ({}, {"metadata": {"campaign_id": "c"}}, False),
        ({}, {"batch_call_id": "c"}, False),
        ({}, {"idempotency_key": "a-key"}, True),
        ({}, {"idempotency_key": "another"}, False),
        ({}, {"agent_id": "another"}, False),
        ({}, {"agent_id": None}, True),
        ({}, {"agent_id": None, "agentId": "another"}, False),
        ({}, {"to": "+14155550124"}, False),
        ({}, {"to": None}, False),
        ({}, {"to": None, "phone_number": 14155550123}, True),
        ({}, {"to": "+1415***0123"}, False),
        # the same in other spellings of the members
        ({}, {"phoneNumber": "+14155550124"}, False),
        ({}, {"toNumber": "+14155550124"}, False),
        ({"from_number": "+14155550188"}, {"fromNumber": "+14155550189"}, False),
        ({"from_number": "+14155550188"}, {"caller_id": "+14155550189"}, False),
        ({"from_number": "+14155550188"}, {"caller_id": "Acme"}, True),
        ({"variables": {"n": 1}}, {"templateContext": {"n": 2}}, False),
        ({"variables": {"n": 1}}, {"dynamic_variables": {"n": 1}}, True),
        ({"variables": {"n": 1}}, {"metadata": {"variables": {"n": 2}}}, False),
        ({"variables": {"trudy_ref": "x"}}, {"metadata": {"trudy_ref": "x"}}, True),
        ({"variables": {"trudy_ref": "x"}}, {"metadata": {"trudy_ref": "y"}}, False),
        ({}, {"metadata": {"trudy_ref": "y"}}, False),
        ({"call_settings": {"greeting": "Hi"}}, {"callSettings": {"greeting": "Yo"}}, False),
        ({"call_settings": {"greeting": "Hi"}}, {"call_settings": '{"greeting": "Yo"}'}, False),
        ({"call_settings": {"greeting": "Hi"}}, {"call_settings": '{"greeting": "Hi"}'}, True),
        ({"call_settings": {"recording_enabled": False}}, {"call_settings": {"recordingEnabled": True}}, False),
        ({"call_settings": {"recording_enabled": False}}, {"callSettings": {"recordingEnabled": False}}, True),
        ({"call_settings": {"recording_enabled": False}}, {"recordingEnabled": True}, False),
        ({}, {"agent_id": None, "agent": {"id": "another"}}, False),
        ({}, {"agent_id": None, "agent": {"agentId": "another"}}, False),
        ({}, {"agent_id": None, "agent": {"name": "Ada"}}, True),
        ({}, {"metadata": {"campaignId": "c"}}, False),
        ({}, {"campaign": {"id": "c"}}, False),
        ({}, {"batch": None}, True),
        ({}, {"idempotencyKey": "another"}, False),
    ],
)
def test_what_a_row_shows_is_compared_with_what_was_sent(
    sent: dict[str, Any], shown: dict[str, Any], expected: bool
) -> None:
    assert fits(sent, shown) is expected


@pytest.mark.parametrize(
    ("sent", "expected"), [({"variables": {"n": 1}}, False), ({"variables": {}}, True), ({}, True)]
)
def test_on_a_server_that_shows_variables_a_row_without_any_was_made_without(
    sent: dict[str, Any], expected: bool
) -> None:
    assert fits(sent, {}, server_shows={"variables"}) is expected


@pytest.mark.parametrize(
    ("member", "sent", "hidden", "shown"),
    [
        ("agent", {}, {"agent_id": None}, {"agent_id": "agent"}),
        ("agent", {}, {"agent_id": None}, {"agent_id": None, "agent": {"id": "agent"}}),
        ("variables", {"variables": {"n": 1}}, {"variables": None}, {"variables": {"n": 1}}),
        ("variables", {"variables": {"n": 1}}, {}, {"templateContext": {"n": "1"}}),
        (
            "settings",
            {"call_settings": {"recording_enabled": False}},
            {},
            {"call_settings": {"recording_enabled": False}},
        ),
        (
            "settings",
            {"call_settings": {"recording_enabled": False}},
            {"call_settings": None},
            {"callSettings": {"recordingEnabled": False}},
        ),
    ],
)
def test_a_row_that_hides_what_the_server_shows_of_others_is_not_the_call(
    member: str, sent: dict[str, Any], hidden: dict[str, Any], shown: dict[str, Any]
) -> None:
    assert shown_members(row(**{"agent_id": None, **shown})) == {member}
    assert fits(sent, shown, server_shows={member})
    assert not fits(sent, hidden, server_shows={member})
    assert fits(sent, hidden)


@pytest.mark.parametrize("member", ["variables", "settings"])
def test_a_row_need_not_show_what_was_not_sent(member: str) -> None:
    assert fits({"variables": {}, "call_settings": None}, {}, server_shows={member})


def test_an_agents_id_in_another_form_is_the_same() -> None:
    uuid = "7d0c2b1e-0000-4000-8000-000000000001"
    assert fits({"agent_id": uuid}, {"agent_id": f"agt_{uuid.replace('-', '')}"})
    assert fits({"agent_id": uuid}, {"agent_id": uuid.upper()})


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({}, True),
        ({"to": None, "agent_id": None}, True),
        ({"to": "415-555-0123"}, True),
        ({"to": "+14155550199"}, False),
        ({"to": None, "to_number": "+14155550199"}, False),
        ({"agent_id": "another"}, False),
        ({"to": "+1415***0123"}, True),
        ({"variables": {"n": 2}}, True),
    ],
)
def test_which_answer_can_be_the_one_to_a_create(shown: dict[str, Any], expected: bool) -> None:
    assert is_answer_to(SentCall.of({**SENT, "variables": {"n": 1}}), row(**shown)) is expected


@pytest.mark.parametrize("body", [None, [], "text", {"phone_number": 5, "variables": []}, {}])
def test_a_body_of_any_kind_is_read(body: object) -> None:
    assert not may_be(SentCall.of(body), row())


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
def test_a_value_is_the_same_as_itself(value: object) -> None:
    assert same_value(value, value)


def test_a_value_nested_beyond_reason_is_compared() -> None:
    deep: object = 1
    for _ in range(50_000):
        deep = [deep]
    assert same_value(deep, deep)


@pytest.mark.parametrize(
    ("one", "other"), [("007", "7"), ("a", "A"), (10**17 + 1, str(10**17 + 2)), (1, True), ([], "x")]
)
def test_other_values_are_not_the_same(one: object, other: object) -> None:
    assert not same_value(one, other)


def test_the_first_form_of_variables_that_holds_something_counts() -> None:
    assert shown_variables(row(variables={}, context={"n": 1})) == {"n": 1}
    assert shown_variables(row(variables={})) == {}
    assert shown_variables(row()) is None


def test_moments_on_the_servers_clock() -> None:
    reading = ServerReading.of(Stamp(5000.0, 0.001), asked=100.0, answered=102.0)
    assert reading is not None
    assert reading.earliest(90.0) == pytest.approx(4988.0 - 0.25)
    assert reading.latest(90.0) == pytest.approx(4990.0 + 0.25, abs=0.01)
    coarse = ServerReading.of(Stamp(5000.0, 1.0), asked=100.0, answered=102.0)
    assert coarse is not None
    assert coarse.earliest(90.0) == pytest.approx(4988.0 - 1.25)
    assert ServerReading.of(None, 0.0, 0.0) is None


def test_a_time_cut_to_seconds_may_have_been_later() -> None:
    whole, exact = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, 0, 0, 0, 5, tzinfo=UTC)
    assert latest_made(row(created_at=whole.isoformat())) == whole.timestamp() + 1
    assert latest_made(row(created_at=exact.isoformat())) == exact.timestamp()
    assert latest_made(row()) is None


@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        ({"phone_number": NUMBER}, {}, True),
        ({"phone_number": NUMBER}, {"to": "+14155550199"}, False),
        ({"agent_id": "agent"}, {}, True),
        ({"agent_id": "other"}, {}, False),
        ({"from_number": NUMBER}, {"from": "+14155550199"}, False),
        ({"variables": {"n": 1}}, {"variables": {"n": "1", "m": 2}}, True),
        ({"variables": {"n": 1}}, {"variables": {"m": 2}}, False),
        ({"variables": {"n": 1}}, {}, False),
        ({"variables": {"n": 1}, "phone_number": NUMBER}, {}, True),
    ],
)
def test_what_is_asked_for(asked: dict[str, Any], shown: dict[str, Any], expected: bool) -> None:
    assert is_asked_for(SentCall.of(asked), row(**shown)) is expected
