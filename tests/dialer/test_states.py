"""What follows from what, for rows and attempts; everything else is impossible."""

from __future__ import annotations

from typing import get_args

import pytest

from trudy.dialer.states import (
    RINGING,
    AttemptState,
    Happening,
    ImpossibleError,
    RowState,
    attempt_after,
    row_after,
)

A, R = AttemptState, RowState
ATTEMPTS = {
    (A.INTENT, "placed"): A.PLACED,
    (A.INTENT, "refused"): A.REFUSED,
    (A.INTENT, "not_sent"): A.NOT_SENT,
    (A.INTENT, "unknown"): A.UNKNOWN,
    (A.INTENT, "found"): A.PLACED,
    (A.INTENT, "given_up"): A.UNRESOLVED,
    (A.UNKNOWN, "found"): A.PLACED,
    (A.UNKNOWN, "given_up"): A.UNRESOLVED,
    (A.UNRESOLVED, "found"): A.PLACED,
    (A.PLACED, "ended"): A.ENDED,
    (A.PLACED, "lost"): A.LOST,
}
ROWS = {
    (R.WAITING, "claimed"): R.CLAIMED,
    (R.CLAIMED, "placed"): R.LIVE,
    (R.CLAIMED, "found"): R.LIVE,
    (R.CLAIMED, "not_sent"): R.WAITING,
    (R.CLAIMED, "refused"): R.DONE,
    (R.CLAIMED, "unknown"): R.CLAIMED,
    (R.CLAIMED, "given_up"): R.UNRESOLVED,
    (R.UNRESOLVED, "found"): R.LIVE,
    (R.WAITING, "found"): R.LIVE,
    (R.LIVE, "ended"): R.DONE,
    (R.LIVE, "lost"): R.DONE,
}


@pytest.mark.parametrize("state", A)
@pytest.mark.parametrize("happening", get_args(Happening))
def test_every_attempt(state: AttemptState, happening: Happening) -> None:
    expected = ATTEMPTS.get((state, happening))
    if expected is None:
        with pytest.raises(ImpossibleError):
            attempt_after(state, happening)
    else:
        assert attempt_after(state, happening) is expected


@pytest.mark.parametrize("state", R)
@pytest.mark.parametrize("happening", get_args(Happening))
def test_every_row(state: RowState, happening: Happening) -> None:
    expected = ROWS.get((state, happening))
    if expected is None:
        with pytest.raises(ImpossibleError):
            row_after(state, happening)
    else:
        assert row_after(state, happening) is expected


def test_a_row_waits_again_only_where_its_end_lets_it() -> None:
    assert row_after(R.LIVE, "ended", again=True) is R.WAITING
    assert row_after(R.CLAIMED, "given_up", again=True) is R.WAITING
    assert row_after(R.LIVE, "lost", again=True) is R.DONE


def test_what_may_ring() -> None:
    """An attempt that may still ring is one that can become `placed`, or is."""
    may_become_placed = {state for (state, _), after in ATTEMPTS.items() if after is A.PLACED} - {A.UNRESOLVED}
    assert may_become_placed | {A.PLACED} == RINGING
