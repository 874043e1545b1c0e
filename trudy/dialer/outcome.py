"""How a call ended, and what follows for its contact. Pure.

It reads what call and transcript say. Whether a voice was a machine's is not always told: an answered call may have
been voicemail, and not every call that is called voicemail here was one.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from trudy import _checks
from trudy.dialer.policy import DAY, Attempts, OutcomeWord, Policy
from trudy.dialer.records import DueRow, Ended
from trudy.models import Call, Transcript

_OPT_OUT: typing.Final = re.compile(
    r"(?i)\b(?:"
    r"(?:do not|don't|dont|never|stop|quit) (?:ever )?(?:call|calling|phone|phoning|ring|ringing|contact|contacting)\b"
    r"|(?:take|remove|delete) (?:me|us|my number|this number|our number) (?:off|from)\b"
    r"|(?:put|place) (?:me|us|this number) on (?:the|your) (?:do.not.call|dnc)\b"
    r"|unsubscribe\b|opt(?:ing)? out\b"
    r")"
)
_WORDS: typing.Final[Mapping[str, OutcomeWord]] = {
    "answered": "answered",
    "voicemail": "voicemail",
    "no_answer": "no_answer",
    "busy": "busy",
    "failed": "failed",
    "refused": "failed",
}


@frozen
class Final:
    """This is the end for the contact, whatever the policy says."""

    reason: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.reason is not None:
            _checks.non_empty(self.reason, "reason")


@frozen
class Retry:
    """Call again, at the earliest after so many seconds, within hours and caps."""

    after: float = 0.0

    def __attrs_post_init__(self) -> None:
        _checks.within(self.after, 0, 365 * DAY, "after")


@frozen
class CallBack:
    """Call again at a time, within hours and caps."""

    at: datetime

    def __attrs_post_init__(self) -> None:
        _checks.moment(self.at, "at")


@frozen
class OptOut:
    """The person asked not to be called again: no store's campaign will."""


Following: TypeAlias = Final | Retry | CallBack | OptOut
"""What `on_outcome` may decide; None leaves it to the policy."""


@frozen(kw_only=True)
class AttemptResult:
    """One attempt that ended, for `on_outcome`.

    Attributes:
        contact: the row: its number, columns and variables.
        call: the call as the server has it last.
        transcript: what was said, where it was there in time.
    """

    campaign: str
    attempt: str
    contact: DueRow
    call: Call
    outcome: OutcomeWord
    transcript: Transcript | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Heard:
    """What is known of a call beside the call itself.

    Attributes:
        transcript: what was said, where it was there in time.
        event: the last webhook event of the call that `nudge` was given in this process; a hint, since anybody's
            handler may have made it.
    """

    transcript: Transcript | None = field(default=None, repr=False)
    event: object = field(default=None, repr=False)


def classify(call: Call, event: Heard) -> OutcomeWord:
    """The outcome of a call that is over, by its own words and those that were said. It cannot promise voicemail."""
    if event.transcript is not None and asks_not_to_be_called(event.transcript):
        return "opted_out"
    return _WORDS.get(str(call.outcome or ""), "unknown")


def asks_not_to_be_called(transcript: Transcript) -> bool:
    """Whether the person, not the agent, said so in English."""
    return any(turn.speaker != "agent" and turn.text and _OPT_OUT.search(turn.text) for turn in transcript.turns)


def cost_of(call: Call) -> float | None:
    """What the call cost, in whatever unit the server tells."""
    return call.cost_usd if call.cost_usd is not None else call.cost_credits


def ended(
    call: Call, outcome: OutcomeWord, following: Following | None, *, attempts: int, policy: Policy, now: float
) -> Ended:
    """What the store is to write: the outcome, and when the row is due again. `attempts` counts this one."""
    moment = call.ended_at.timestamp() if call.ended_at is not None else now
    again_at, reason = _again(outcome, following, attempts, policy, now)
    if outcome == "opted_out" or isinstance(following, OptOut):
        again_at, reason = None, "opted_out"
    return Ended(
        outcome=outcome,
        ended_at=min(moment, now),
        duration=call.duration_seconds,
        cost=cost_of(call),
        again_at=again_at,
        reason=reason,
        opt_out=outcome == "opted_out" or isinstance(following, OptOut),
    )


def _again(
    outcome: OutcomeWord, following: Following | None, attempts: int, policy: Policy, now: float
) -> tuple[float | None, str | None]:
    match following:
        case Final():
            return None, following.reason or "final"
        case OptOut():
            return None, "opted_out"
        case Retry():
            return now + following.after, "retry"
        case CallBack():
            return max(following.at.timestamp(), now), "call_back"
        case None:
            rule = policy.retry_after(outcome)
            if rule is None:
                return None, "final"
            if rule.most is not None and attempts >= rule.most:
                return None, "attempts_spent"
            return (None, "attempts_spent") if _spent(attempts, policy.attempts) else (now + rule.seconds, "retry")


def _spent(attempts: int, caps: Attempts) -> bool:
    """Whether a campaign has called a contact as often as 30 days allow; more would keep it open for a month."""
    return attempts >= caps.in_30_days
