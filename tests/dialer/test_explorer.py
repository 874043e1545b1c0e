"""The placing protocol, every interleaving of it; and that the explorer sees what is wrong with protocols that are."""

from __future__ import annotations

import pytest

from tests.dialer.explorer import MUTANTS, TRUE, Protocol, explore, told
from trudy.dialer.states import RINGING, AttemptState, Happening, RowState, attempt_after, row_after

WAYS = {
    "intent after send": "sends the request",
    "intent not durable": "the power goes",
    "claim without guard": "commits an intent",
    "redial without send_by": "send_by passes",
}


STEPS = {
    "a worker picks it",
    "a worker commits an intent",
    "a claim misses",
    "the worker sends the request",
    "nothing can be sent",
    "it is too late to send",
    "send_by passes",
    "the server places the call",
    "the server refuses",
    "the request is lost",
    "the server can no longer place it",
    "the call is over",
    "the answer says placed",
    "the answer says refused",
    "the answer says 429",
    "no answer comes",
    "the worker records placed",
    "the worker records refused",
    "the worker records not_sent",
    "the worker records unknown",
    "a sweep finds the call",
    "a sweep gives the call up",
    "a sweep sees the end",
    "a sweep takes it for lost",
    "the worker that picked it dies",
    "the worker dies",
    "the power goes",
}


@pytest.mark.parametrize("name", TRUE)
def test_the_protocol_rings_nobody_twice(name: str) -> None:
    explored = explore(TRUE[name])
    print(told(name, explored))  # the number of states is part of the proof
    assert explored.counterexample is None, told(name, explored)
    assert explored.steps == STEPS, "a model in which little can happen proves little"


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_protocol_is_found_to_ring_somebody_twice(name: str) -> None:
    explored = explore(MUTANTS[name], canonical=False)
    print(told(name, explored))  # the way to the double ring
    way = explored.counterexample
    assert way is not None
    assert sum("the server places the call" in step for step in way) == 2, way
    assert any(WAYS[name] in step for step in way), way
    assert len(way) <= 11, "the shortest way is found first"


def _frees_the_row_at_once(state: RowState, happening: Happening, *, again: bool = False) -> RowState:
    if (state, happening) == (RowState.CLAIMED, "unknown"):
        return RowState.WAITING
    return row_after(state, happening, again=again)


def _believes_an_unknown_was_not_sent(state: AttemptState, happening: Happening) -> AttemptState:
    if (state, happening) == (AttemptState.INTENT, "unknown"):
        return AttemptState.NOT_SENT
    return attempt_after(state, happening)


@pytest.mark.parametrize(
    "broken",
    [
        Protocol(row_after=_frees_the_row_at_once, ringing=frozenset()),
        Protocol(row_after=_frees_the_row_at_once, attempt_after=_believes_an_unknown_was_not_sent),
        Protocol(same_number=True, ringing=RINGING - {AttemptState.UNKNOWN}),
        Protocol(same_number=True, ringing=RINGING - {AttemptState.INTENT}),
        Protocol(same_number=True, ringing=RINGING - {AttemptState.PLACED}),
        Protocol(redial=True, looks_may_miss=True),
    ],
    ids=["row freed", "unknown is not sent", "no unknown", "no intent", "no placed", "redial after a look that missed"],
)
def test_what_is_explored_follows_the_states(broken: Protocol) -> None:
    """Other transitions, or an index that lets more attempts be, ring somebody twice."""
    assert explore(broken).counterexample is not None
