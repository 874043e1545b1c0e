"""Refused calls in SQL: whether the last ones of a campaign were refused alike, and that their rows wait after all.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, and_, bindparam, func, select, update

from trudy.dialer.refusals import IN_A_ROW, MOST_REFUSALS, Told, alike
from trudy.dialer.schema import attempts, events, rows
from trudy.dialer.sql_claims import note
from trudy.dialer.states import AttemptState, RowState

_LOOKED_AT: Final = 2_000
"""Entries of the audit that are looked at. More would read it whole where few of them are of this campaign; fewer would
miss refusals between the entries of other campaigns."""
_LAST: Final = (
    select(events.c.kind, events.c.row, events.c.data)
    .where(
        events.c.id > select(func.max(events.c.id)).scalar_subquery() - _LOOKED_AT,
        events.c.campaign == bindparam("of"),
        events.c.kind.in_(("placed", "found", "refused", "not_sent", "campaign")),
    )
    .order_by(events.c.id.desc())
)


def refused_alike(connection: Connection, campaign: str, why: str, now: float) -> int:
    """How many calls were refused for this reason, since one of the campaign was placed or it was let run last. Where
    they are so many that they concern the campaign, their rows wait again."""
    last = connection.execute(_LAST, {"of": campaign})
    found = alike((Told(kind=each.kind, row=each.row, data=each.data) for each in last), why)
    if len(found) >= IN_A_ROW:
        wait_again(connection, found, now)
    return len(found)


def wait_again(connection: Connection, ids: Sequence[int], now: float) -> None:
    """Let refused rows wait, unless they were refused too often."""
    for row in ids:
        mine = attempts.c.row == row
        states = connection.execute(select(attempts.c.state).where(mine).order_by(attempts.c.n)).scalars().all()
        if states[-1] != AttemptState.REFUSED or states.count(AttemptState.REFUSED) >= MOST_REFUSALS:
            continue
        refused = and_(rows.c.id == row, rows.c.state == RowState.DONE, rows.c.number.is_not(None))
        changed = connection.execute(
            update(rows).where(refused).values(state=RowState.WAITING, reason="refused_alike", due_at=now)
        )
        if changed.rowcount:
            note(connection, now, "waits_again", row=row)
