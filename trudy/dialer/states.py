"""What becomes of rows and attempts: which state follows from which happening. Pure: no clock, no store.

Rows
    rejected | duplicate | suppressed            decided when the plan is made; they are never dialed
    waiting  -> claimed                          an intent to dial was committed
    claimed  -> live                             the server took the call
    claimed  -> waiting                          it is proved that nothing was sent
    claimed  -> done                             the server refused
    claimed  -> unresolved                       nobody knows whether the phone rang: held
    live     -> done | waiting                   the call ended; its outcome is final, or it is tried again later
    unresolved -> live | done | waiting          found late, or settled by `resolve`
    waiting  -> live                             found late, before it was dialed again

Attempts
    intent   -> placed | refused | not_sent | unknown
    unknown  -> placed | unresolved
    unresolved -> placed                         found late
    placed   -> ended | lost                     lost: not over ten minutes after its longest duration

After a crash, `kill -9` too, each stands as it was last committed. An attempt left in `intent` may have rung, so its
row stays `claimed` until the sweep finds the call, or gives up and holds the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, TypeAlias


class RowState(StrEnum):
    """Where a contact stands in its campaign."""

    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    WAITING = "waiting"
    CLAIMED = "claimed"
    LIVE = "live"
    UNRESOLVED = "unresolved"
    DONE = "done"


class AttemptState(StrEnum):
    """Where one attempt to call a number stands."""

    INTENT = "intent"
    PLACED = "placed"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"
    ENDED = "ended"
    LOST = "lost"


Happening: TypeAlias = Literal[
    "claimed", "placed", "refused", "not_sent", "unknown", "found", "given_up", "ended", "lost"
]
"""What an attempt can meet: each is one committed transaction."""

_ATTEMPTS: Final[Mapping[AttemptState, Mapping[Happening, AttemptState]]] = {
    AttemptState.INTENT: {
        "placed": AttemptState.PLACED,
        "refused": AttemptState.REFUSED,
        "not_sent": AttemptState.NOT_SENT,
        "unknown": AttemptState.UNKNOWN,
        # After a crash an intent is looked for like a lost answer.
        "found": AttemptState.PLACED,
        "given_up": AttemptState.UNRESOLVED,
    },
    AttemptState.UNKNOWN: {"found": AttemptState.PLACED, "given_up": AttemptState.UNRESOLVED},
    AttemptState.UNRESOLVED: {"found": AttemptState.PLACED},
    AttemptState.PLACED: {"ended": AttemptState.ENDED, "lost": AttemptState.LOST},
    AttemptState.REFUSED: {},
    AttemptState.NOT_SENT: {},
    AttemptState.ENDED: {},
    AttemptState.LOST: {},
}

RINGING: Final = frozenset((AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.PLACED))
"""While an attempt is in one of these, no other may call its number: the store holds that with a unique index."""


class ImpossibleError(Exception):
    """A state met what cannot happen in it. The transaction is rolled back: somebody else was there first."""


def attempt_after(state: AttemptState, happening: Happening) -> AttemptState:
    """The attempt's next state.

    Raises:
        ImpossibleError: it cannot meet this.
    """
    following = _ATTEMPTS[state].get(happening)
    if following is None:
        raise ImpossibleError(f"an attempt that is {state.value} cannot be {happening}")
    return following


def row_after(state: RowState, happening: Happening, *, again: bool = False) -> RowState:
    """The row's next state. `again`: the row waits for its next attempt, where an end lets it choose.

    Raises:
        ImpossibleError: it cannot meet this.
    """
    match state, happening:
        case RowState.WAITING, "claimed":
            return RowState.CLAIMED
        case RowState.CLAIMED, "placed" | "found":
            return RowState.LIVE
        case RowState.CLAIMED, "not_sent":
            return RowState.WAITING
        case RowState.CLAIMED, "refused":
            return RowState.DONE
        case RowState.CLAIMED, "unknown":
            return RowState.CLAIMED
        case RowState.CLAIMED, "given_up":
            return RowState.WAITING if again else RowState.UNRESOLVED
        case RowState.UNRESOLVED | RowState.WAITING, "found":
            return RowState.LIVE
        case RowState.LIVE, "ended":
            return RowState.WAITING if again else RowState.DONE
        case RowState.LIVE, "lost":
            return RowState.DONE
        case _:
            raise ImpossibleError(f"a row that is {state.value} cannot be {happening}")
