"""Which number forces which outcome.

The numbers are those kept for fiction, so that no sandbox test can ring a person: `+1 AAA 555 01NN` with a
geographic area code AAA, and `+44 20 7946 0NNN`. The last two digits choose; the last one gives ten lanes, so that
tests running side by side need not share a number.

| NN | outcome |
|---|---|
| 00-09 | answered, completed |
| 10-19 | no answer |
| 20-29 | busy |
| 30-39 | voicemail |
| 40-49 | refused at create (422) |
| 50-59 | accepted with status failed |
| 60-69 | no answer, then answered from the second attempt on |
| 70-79 | asks not to be called again, in transcript and summary |
| 80-89 | long call |
| 90 | rate limited once (429), then completed |
| 91 | 500 after the call was placed |
| 92 | connection reset after the call was placed |
| 93 | answers 30 seconds after the call was placed |
| 94 | completed; no event of it is ever sent |
| 95 | completed; its events are sent twice and the last one first |
| 96 | completed; its events are sent ten minutes late |
| 97 | 402 |
| 98 | 403 |
| 99 | random, by the sandbox's seed |

A batch dials by itself: where a create would be refused (40-49, 97, 98) its contact fails without a call, 90 is put off
to the next minute, and what would go wrong with an answer (91-93) does not matter.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from enum import Enum

from trudy._fictional_numbers import fictional_ending

PLACEHOLDER_NUMBER = "+1234567890"


class Outcome(Enum):
    """What becomes of a call to a number."""

    COMPLETED = "completed"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    REFUSED = "refused"
    FAILED = "failed"
    ANSWERED_SECOND_TIME = "answered_second_time"
    DO_NOT_CALL = "do_not_call"
    LONG = "long"
    RATE_LIMITED_ONCE = "rate_limited_once"
    SERVER_ERROR_AFTER = "server_error_after"
    RESET_AFTER = "reset_after"
    HANG = "hang"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    RANDOM = "random"


class EventFate(Enum):
    """What becomes of the events about calls to a number."""

    NEVER = "never"
    JUMBLED = "jumbled"
    LATE = "late"


_BY_TENS = (
    Outcome.COMPLETED,
    Outcome.NO_ANSWER,
    Outcome.BUSY,
    Outcome.VOICEMAIL,
    Outcome.REFUSED,
    Outcome.FAILED,
    Outcome.ANSWERED_SECOND_TIME,
    Outcome.DO_NOT_CALL,
    Outcome.LONG,
)
_NINETIES = (
    Outcome.RATE_LIMITED_ONCE,
    Outcome.SERVER_ERROR_AFTER,
    Outcome.RESET_AFTER,
    Outcome.HANG,
    Outcome.COMPLETED,
    Outcome.COMPLETED,
    Outcome.COMPLETED,
    Outcome.PAYMENT_REQUIRED,
    Outcome.FORBIDDEN,
    Outcome.RANDOM,
)
_EVENT_FATES = {94: EventFate.NEVER, 95: EventFate.JUMBLED, 96: EventFate.LATE}
_DRAWN = (Outcome.COMPLETED, Outcome.COMPLETED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.VOICEMAIL, Outcome.FAILED)


def outcome_of(number: str) -> Outcome | None:
    """What `number` (E.164) forces, or None when it is not one of the fictional numbers."""
    nn = fictional_ending(number)
    if nn is None:
        return None
    return _BY_TENS[nn // 10] if nn < 90 else _NINETIES[nn - 90]


def event_fate(number: str) -> EventFate | None:
    """What `number` (E.164) does to the events of its calls, or None when it leaves them alone."""
    nn = fictional_ending(number)
    return None if nn is None else _EVENT_FATES.get(nn)


def read_mix(mix: Mapping[str, float]) -> dict[str, float]:
    """The shares of outcomes by name; `ValueError` for what is none."""
    names = [outcome.value for outcome in Outcome if outcome is not Outcome.RANDOM]
    for name, share in mix.items():
        if name not in names:
            raise ValueError(f"outcome_mix knows no {name!r}; there are {', '.join(names)}")
        if not 0 <= share < math.inf:
            raise ValueError(f"outcome_mix: the share of {name} must be a number of 0 or more")
    if mix and not sum(mix.values()):
        raise ValueError("outcome_mix needs one share above 0")
    return dict(mix)


def drawn(mix: Mapping[str, float], *, number: str, attempt: int, seed: int) -> Outcome:
    """What one attempt (from 1) to a number comes to, by shares of outcomes; the same each time for the same seed."""
    # Reproducible on purpose: the same seed gives the same story.
    draw = random.Random(f"{seed}:{number}:{attempt}")  # noqa: S311
    return Outcome(draw.choices(list(mix), list(mix.values()))[0])


def settle(outcome: Outcome, *, number: str, attempt: int, seed: int) -> Outcome:
    """Turn the outcomes that depend on chance or on earlier attempts into what happens at this attempt (from 1)."""
    if outcome is Outcome.RANDOM:
        # Reproducible on purpose: the same seed gives the same story.
        return random.Random(f"{seed}:{number}:{attempt}").choice(_DRAWN)  # noqa: S311
    if outcome is Outcome.ANSWERED_SECOND_TIME:
        return Outcome.NO_ANSWER if attempt == 1 else Outcome.COMPLETED
    return outcome
