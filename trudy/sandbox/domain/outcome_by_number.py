"""Which phone number forces which outcome.

The numbers are those reserved for fiction, so that no test can ring a person: `+1 AAA 555 01NN` with a geographic area
code AAA, and `+44 20 7946 0NNN`. The last two digits choose the outcome. Most outcomes have ten numbers, so that tests
that run side by side need not share one.

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

Batches dial in the server, without requests. Numbers whose create is refused (40-49, 97, 98) fail without a call, 90 is
called a minute later, and 91-93, which spoil only the answer to a request, are called as usual.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from enum import Enum

from trudy._fictional_numbers import fictional_ending

PLACEHOLDER_NUMBER = "+1234567890"


class Outcome(Enum):
    """How a call to a number goes."""

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
    """How the events of calls to a number are sent."""

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
    """The outcome that `number` (E.164) forces; None if it is not a fictional number."""
    nn = fictional_ending(number)
    if nn is None:
        return None
    return _BY_TENS[nn // 10] if nn < 90 else _NINETIES[nn - 90]


def event_fate(number: str) -> EventFate | None:
    """How the events of calls to `number` (E.164) are sent; None for the usual way."""
    nn = fictional_ending(number)
    return None if nn is None else _EVENT_FATES.get(nn)


def read_mix(mix: Mapping[str, float]) -> dict[str, float]:
    """Check the shares of outcomes by name.

    Raises:
        ValueError: a name is no outcome, or a share no number.
    """
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
    """Draw the outcome of one attempt (from 1) to a number, by shares of outcomes."""
    # Seeded, so that each run with the same seed makes the same choices.
    draw = random.Random(f"{seed}:{number}:{attempt}")  # noqa: S311
    return Outcome(draw.choices(list(mix), list(mix.values()))[0])


def settle(outcome: Outcome, *, number: str, attempt: int, seed: int) -> Outcome:
    """Decide the outcomes that depend on chance or on earlier attempts, for this attempt (from 1)."""
    if outcome is Outcome.RANDOM:
        # Seeded, so that each run with the same seed makes the same choices.
        return random.Random(f"{seed}:{number}:{attempt}").choice(_DRAWN)  # noqa: S311
    if outcome is Outcome.ANSWERED_SECOND_TIME:
        return Outcome.NO_ANSWER if attempt == 1 else Outcome.COMPLETED
    return outcome
