"""How often a number may be called, and from which of the caller's own numbers: steps of the transactions."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, insert, select, update

from trudy.dialer.policy import DAY, Policy
from trudy.dialer.records import DueRow, Miss, MissReason
from trudy.dialer.schema import attempt_is, attempts, caller_days
from trudy.dialer.states import AttemptState

_RANG: Final = (
    AttemptState.INTENT,
    AttemptState.UNKNOWN,
    AttemptState.UNRESOLVED,
    AttemptState.PLACED,
    AttemptState.ENDED,
    AttemptState.LOST,
)
"""Attempts that rang, or may have: they count against the caps of a number."""
COUNTED: Final = (
    attempts.c.number_hash == bindparam("number_hash"),
    attempts.c.intent_at > bindparam("since"),
    attempt_is(_RANG),
)
"""Attempts that count for a number, given what `counted` tells."""
_MOMENTS: Final = select(attempts.c.intent_at, attempts.c.day).where(*COUNTED).order_by(attempts.c.intent_at)


class Missed(Exception):  # noqa: N818  # no error: it rolls a claim back
    """Nothing may be dialed now."""

    def __init__(self, reason: MissReason, due_at: float | None = None) -> None:
        super().__init__(reason)
        self.miss = Miss(reason=reason, due_at=due_at)


def counted(number_hash: str, now: float) -> dict[str, object]:
    """What `COUNTED` asks for."""
    return {"number_hash": number_hash, "since": now - 30 * DAY}


def check_caps(connection: Connection, policy: Policy, contact: DueRow, number_hash: str, day: str, now: float) -> None:
    """Keep to the calls that a number may get in a day and in 30.

    Raises:
        Missed: it has had them all.
    """
    moments = connection.execute(_MOMENTS, counted(number_hash, now)).all()
    if sum(each.day == day for each in moments) >= policy.attempts.a_day:
        raise Missed("a_day", _next_day(contact, now))
    if len(moments) >= policy.attempts.in_30_days:
        raise Missed("in_30_days", moments[-policy.attempts.in_30_days].intent_at + 30 * DAY)


def caller_id(connection: Connection, policy: Policy, contact: DueRow, now: float) -> str | None:
    """The number to call a contact from: its own, else the one with most calls left today; None where all serve.

    Raises:
        Missed: it has no calls left today.
    """
    if not policy.caller_ids:
        return None
    left = _calls_left(connection, policy, day_of(contact, now))
    own = contact.caller_id if contact.caller_id in left else None
    chosen = own or max(left, key=lambda number: left[number])
    if left[chosen] <= 0:
        raise Missed("caller_id", _next_day(contact, now))
    return chosen


def take_caller_id(
    connection: Connection, policy: Policy, contact: DueRow, from_number: str | None, day: str, now: float
) -> None:
    """Count a call against the number that it is from.

    Raises:
        Missed: that number has no calls left on this day, or none was chosen.
    """
    if from_number is None:
        if policy.caller_ids:
            raise Missed("caller_id")
        return
    if _calls_left(connection, policy, day).get(from_number, 0) <= 0:
        raise Missed("caller_id", now)
    taken = connection.execute(
        update(caller_days)
        .where(caller_days.c.caller_id == from_number, caller_days.c.day == day)
        .values(calls=caller_days.c.calls + 1)
    )
    if not taken.rowcount:
        connection.execute(insert(caller_days).values(caller_id=from_number, day=day, calls=1))


def give_back_caller_id(connection: Connection, from_number: str, day: str) -> None:
    """A call counted against a number was not made."""
    connection.execute(
        update(caller_days)
        .where(caller_days.c.caller_id == from_number, caller_days.c.day == day)
        .values(calls=caller_days.c.calls - 1)
    )


def _calls_left(connection: Connection, policy: Policy, day: str) -> dict[str, int]:
    """How many more calls each number may make on a day."""
    used = {
        found.caller_id: found.calls
        for found in connection.execute(select(caller_days).where(caller_days.c.day == day))
    }
    return {number: cap - used.get(number, 0) for number, cap in policy.caller_ids.items()}


def day_of(contact: DueRow, now: float) -> str:
    """The date where the person is; the first zone stands for all, since a day's cap is 24 hours wide either way."""
    return datetime.fromtimestamp(now, _zone_of(contact)).date().isoformat()


def _next_day(contact: DueRow, now: float) -> float:
    zone = _zone_of(contact)
    tomorrow = datetime.fromtimestamp(now, zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).timestamp()


def _zone_of(contact: DueRow) -> ZoneInfo:
    return ZoneInfo(contact.zones[0]) if contact.zones else ZoneInfo("UTC")
