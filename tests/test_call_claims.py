"""Which create a listed call may be returned to."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.clock import NOON
from trudy._call_claims import Claims, PendingCall
from trudy._call_matching import SentCall, ServerReading
from trudy.models import Call, decode

NUMBER = "+14155550123"
READING = ServerReading(server=NOON, granularity=0.001, asked=1000.0, answered=1000.0)
"""Our monotonic clock stands at 1000 when it is noon."""


def create(at: float = 990.0, key: str = "a-key", **body: Any) -> PendingCall:
    """A create that left then."""
    sent = SentCall.of({"agent_id": "agent", "phone_number": NUMBER, **body}, key)
    return PendingCall(sent=sent, opened_at=at, left_at=lambda: at)


def row(call_id: str = "a", at: float = 995.0, **members: Any) -> Call:
    """A call made then."""
    made = datetime.fromtimestamp(NOON + at - 1000.0, UTC).isoformat()
    return decode(Call, {"id": call_id, "to": NUMBER, "created_at": made, **members})


def opened(*creates: PendingCall) -> Claims:
    claims = Claims()
    for each in creates:
        claims.open(each)
    return claims


def test_a_call_goes_to_one_create_only() -> None:
    mine, other = create(), create(key="other", variables={"n": 1})
    claims = opened(mine)
    assert claims.take(mine, row(), READING, 1000.0)
    claims.open(other)
    assert not claims.take(other, row(), READING, 1000.0)
    assert not claims.may_be_given(other, row(), READING)


def test_a_call_that_two_may_own_goes_to_neither() -> None:
    mine, other = create(), create(key="other")
    claims = opened(mine, other)
    assert not claims.take(mine, row(), READING, 1000.0)
    claims.add("b", "other", 1000.0)
    claims.close(other)
    assert claims.take(mine, row(), READING, 1000.0)


def test_one_that_left_later_does_not_own_it() -> None:
    mine, later = create(), create(at=999.0, key="later")
    assert opened(mine, later).take(mine, row(at=995.0), READING, 1000.0)


def test_one_that_has_not_left_does_not_own_it() -> None:
    mine, waiting = create(), create(key="waiting")
    waiting.left_at = lambda: None
    assert opened(mine, waiting).take(mine, row(), READING, 1000.0)


def test_the_same_key_is_the_same_call() -> None:
    mine, again = create(), create()
    assert opened(mine, again).take(mine, row(), READING, 1000.0)


def test_what_ended_unknown_owns_what_the_server_may_still_place() -> None:
    mine, gone = create(at=1100.0), create(at=900.0, key="gone")
    claims = opened(gone)
    claims.give_up(gone, 960.0)
    claims.open(mine)
    late = ServerReading(server=NOON + 200, granularity=0.001, asked=1200.0, answered=1200.0)
    assert not claims.take(mine, row(at=1115.0), late, 1200.0)
    assert claims.take(mine, row(at=1125.0), late, 1200.0)


def test_a_row_is_not_given_to_who_left_after_it_was_made() -> None:
    mine = create(at=997.0)
    assert not opened(mine).may_be_given(mine, row(at=995.0), READING)
    assert opened(mine).may_be_given(mine, row(at=997.0), READING)


def test_a_slow_list_does_not_widen_what_a_quick_one_has_bounded() -> None:
    mine = create(at=997.0)
    claims = opened(mine)
    slow = ServerReading(server=NOON, granularity=0.001, asked=1000.0, answered=1010.0)
    assert claims.may_be_given(mine, row(at=990.0), slow)
    assert not claims.may_be_given(mine, row(at=990.0), READING)
    assert not claims.may_be_given(mine, row(at=990.0), slow)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"variables": {"n": 1}}, {"variables": {"n": 5}}),
        ({}, {"agent_id": "another"}),
        ({"call_settings": {"recording_enabled": True}}, {"call_settings": {"recording_enabled": False}}),
    ],
    ids=["variables", "agent", "settings"],
)
def test_what_a_server_shows_is_learned(sent: dict[str, Any], shown: dict[str, Any]) -> None:
    mine = create(**sent)
    claims = opened(mine)
    assert claims.may_be_given(mine, row(), READING)
    claims.observe([row("x", **shown)])
    claims.observe([])
    assert not claims.may_be_given(mine, row(), READING)


def test_siblings_do_not_swap_rows_that_hide_what_tells_them_apart() -> None:
    first, second = create(key="1", agent_id="a"), create(key="2", agent_id="b")
    claims = opened(first, second)
    hidden, told = row("x"), row("y", agent_id="b")
    claims.observe([hidden, told])
    for mine in (first, second):
        assert not claims.may_be_given(mine, hidden, READING)
        assert not claims.take(mine, hidden, READING, 1000.0)
    assert not claims.may_be_given(first, told, READING)
    assert claims.may_be_given(second, told, READING)
    assert claims.take(second, told, READING, 1000.0)


def test_an_answer_with_a_call_that_was_another_creates_is_anothers() -> None:
    claims = Claims()
    claims.add("a", "first", 0.0)
    assert claims.is_anothers("a", "second")
    assert not claims.is_anothers("a", "first")
    assert not claims.is_anothers("b", "second")


def test_memory_is_bounded_by_what_is_under_way() -> None:
    claims = Claims()
    for number in range(5000):
        pending = create(at=number / 10, key=f"key-{number}")
        claims.open(pending)
        claims.add(f"call-{number}", f"key-{number}", number / 10)
        if number % 10:
            claims.close(pending)
        else:
            claims.give_up(pending, number / 10)
    assert len(claims) <= 601 + 230


def test_a_call_is_remembered_while_a_request_that_was_made_before_it_is_under_way() -> None:
    slow = create(at=0.0)
    claims = opened(slow)
    claims.add("a", "other", 1.0)
    claims.add("b", "other", 5000.0)
    assert claims.is_anothers("a", "a-key")
    claims.close(slow)
    claims.add("c", "other", 5000.0)
    assert not claims.is_anothers("a", "a-key")


def test_a_forked_child_leaves_the_calls_its_parent_may_own() -> None:
    theirs = create()
    claims = opened(theirs)
    child = os.fork()
    if child == 0:
        mine = create(key="mine")
        claims.open(mine)
        told_apart = create(key="told", variables={"n": 1})
        claims.open(told_apart)
        is_left = not claims.take(mine, row(), READING, 1000.0)
        claims.close(mine)
        is_given = claims.take(told_apart, row("b", variables={"n": 1}), READING, 1000.0)
        os._exit(0 if is_left and is_given else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert claims.take(theirs, row(), READING, 1000.0)
