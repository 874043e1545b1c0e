"""Attempts in SQL: those without a known end, those that ended last, and calls that no attempt has.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    update,
)

from trudy.dialer.policy import OutcomeWord
from trudy.dialer.records import OpenAttempt
from trudy.dialer.schema import attempts, campaigns, events, rows
from trudy.dialer.sql_caps import day_of
from trudy.dialer.sql_claims import note
from trudy.dialer.sql_rows import as_contact
from trudy.dialer.states import RINGING, AttemptState, RowState


def _attempts_where(*which: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """Attempts with the agent that calls, and their rows."""
    theirs = select(attempts.c.row).join(rows, rows.c.id == attempts.c.row).where(*which)
    return (
        select(attempts, campaigns.c.agent)
        .join(campaigns, campaigns.c.id == attempts.c.campaign)
        .join(rows, rows.c.id == attempts.c.row)
        .where(*which)
        .order_by(attempts.c.intent_at),
        select(rows).where(rows.c.id.in_(theirs)),
    )


IS_OPEN: Final = attempts.c.state.in_([literal_column(f"'{state.value}'") for state in sorted(RINGING)])
"""In the words of the index of ringing attempts, so that it serves: there are few of them among many thousands."""
_OPEN_ONES: Final = _attempts_where(IS_OPEN)
_OPEN_OF_ONE: Final = _attempts_where(IS_OPEN, attempts.c.campaign == bindparam("of"))
_LATE: Final = _attempts_where(
    attempts.c.state == AttemptState.UNRESOLVED,
    attempts.c.call_id.is_(None),
    attempts.c.intent_at >= bindparam("since"),
    rows.c.state.in_((RowState.UNRESOLVED, RowState.WAITING)),
)
_BY_ID: Final = _attempts_where(attempts.c.id.in_(bindparam("ids", expanding=True)))


def open_attempts(connection: Connection, campaign: str | None) -> list[OpenAttempt]:
    """Those whose end is not known, of all campaigns or of one."""
    if campaign is None:
        return _attempts(connection, _OPEN_ONES, {})
    return _attempts(connection, _OPEN_OF_ONE, {"of": campaign})


def late_attempts(connection: Connection, since: float) -> list[OpenAttempt]:
    """Those since a time that were given up without a call, and whose call would still matter."""
    return _attempts(connection, _LATE, {"since": since})


def attempts_by_id(connection: Connection, ids: Sequence[str]) -> list[OpenAttempt]:
    """Those of these ids, whatever their state."""
    return _attempts(connection, _BY_ID, {"ids": ids})


def last_ends(connection: Connection, campaign: str, most: int, since: float) -> list[tuple[OutcomeWord, float | None]]:
    """Outcome and seconds of those that were made since a time and ended last, newest first."""
    statement = (
        select(attempts.c.outcome, attempts.c.duration)
        .where(
            attempts.c.campaign == campaign,
            attempts.c.state.in_((AttemptState.ENDED, AttemptState.REFUSED)),
            attempts.c.intent_at >= since,
        )
        .order_by(attempts.c.ended_at.desc())
        .limit(most)
    )
    return [(each.outcome or "failed", each.duration) for each in connection.execute(statement)]


def _attempts(
    connection: Connection, asked: tuple[Select[Any], Select[Any]], values: Mapping[str, object]
) -> list[OpenAttempt]:
    """Attempts as the sweep needs them, oldest first."""
    chosen, called = asked
    found_ones = connection.execute(chosen, values).all()
    if not found_ones:
        return []
    contacts = {row.id: as_contact(row) for row in connection.execute(called, values)}
    return [
        OpenAttempt(
            id=found.id,
            campaign=found.campaign,
            row=found.row,
            agent_id=found.agent,
            number=found.number,
            from_number=found.from_number,
            contact=contacts[found.row],
            state=AttemptState(found.state),
            intent_at=found.intent_at,
            send_by=found.send_by,
            started_at=found.started_at,
            call_id=found.call_id,
            looks=found.looks,
            next_look_at=found.next_look_at,
            worker=found.worker,
        )
        for found in found_ones
    ]


def owned(connection: Connection, call_ids: Sequence[str]) -> frozenset[str]:
    """Which of these calls an attempt has, or were adopted."""
    mine = connection.execute(select(attempts.c.call_id).where(attempts.c.call_id.in_(call_ids))).scalars()
    adopted = connection.execute(select(events.c.data).where(events.c.kind == "adopted")).scalars()
    return frozenset(mine) | ({data["call_id"] for data in adopted} & set(call_ids))


def adopt(connection: Connection, attempt: str, call_id: str, number_hash: str, placed_at: float, now: float) -> bool:
    """Enter a call of which this (restored) store has forgotten the attempt, and hold the rows of its number.

    With a row that waited, it counts against the caps of the number like any other.
    """
    if owned(connection, [call_id]):
        return False
    theirs = attempts.c.number_hash == number_hash
    looked_for = attempts.c.state.in_((AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.UNRESOLVED))
    if not attempt and connection.execute(select(attempts.c.id).where(theirs, looked_for)).first():
        return False
    waits = and_(rows.c.key == number_hash, rows.c.state == RowState.WAITING)
    first = connection.execute(select(rows).where(waits).order_by(rows.c.id)).first()
    if first is None and not attempt:
        return False
    connection.execute(
        update(rows).where(waits).values(state=RowState.UNRESOLVED, reason="called before the store was restored")
    )
    if first is not None:
        count = select(func.count()).where(attempts.c.campaign == first.campaign, attempts.c.row == first.id)
        connection.execute(
            insert(attempts).values(
                id=attempt or str(uuid4()),
                campaign=first.campaign,
                row=first.id,
                n=connection.execute(count).scalar_one() + 1,
                number=first.number,
                number_hash=number_hash,
                state=AttemptState.UNRESOLVED,
                worker="before the store was restored",
                fence=0,
                intent_at=placed_at,
                send_by=placed_at,
                window="",
                zone=", ".join(first.zones),
                day=day_of(as_contact(first), placed_at),
                consent=first.consent,
                call_id=call_id,
            )
        )
        connection.execute(update(rows).where(rows.c.id == first.id).values(attempts=rows.c.attempts + 1))
        connection.execute(
            update(campaigns).where(campaigns.c.id == first.campaign).values(dialed=campaigns.c.dialed + 1)
        )
    row, campaign = (None, None) if first is None else (first.id, first.campaign)
    note(connection, now, "adopted", campaign=campaign, row=row, attempt=attempt or None, call_id=call_id)
    return True
