"""What a store knows of one campaign: its attempts as a list, and a copy for a rehearsal.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, case, delete, func, insert, literal, or_, select, update

from trudy.dialer.export import AttemptRow, CampaignCopy, HeldRow
from trudy.dialer.records import HELD_UNTIL
from trudy.dialer.schema import SCHEMA, attempts, caller_days, campaigns, do_not_call, rows, store
from trudy.dialer.sql_rows import PAGE
from trudy.dialer.states import RINGING, AttemptState, RowState
from trudy.dialer.statistics import NOT_MADE

_IN_ORDER = (campaigns, rows, attempts, caller_days, do_not_call)
"""Tables of a copy, those first that others point to."""


def snapshot(connection: Connection, campaign: str) -> CampaignCopy:
    """The campaign, its rows, what counts against the caps of their numbers, and the do-not-call list."""
    keys = select(rows.c.key).where(rows.c.campaign == campaign)
    theirs = attempts.c.number_hash.in_(keys)
    mine = or_(rows.c.campaign == campaign, rows.c.id.in_(select(attempts.c.row).where(theirs)))
    which = {
        campaigns.name: campaigns.c.id.in_(select(rows.c.campaign).where(mine)) | (campaigns.c.id == campaign),
        rows.name: mine,
        attempts.name: or_(theirs, attempts.c.campaign == campaign),
    }
    return CampaignCopy(
        store_id=connection.execute(select(store.c.id)).scalar_one(),
        tables={table.name: _read(connection, table, which.get(table.name)) for table in _IN_ORDER},
    )


def load(connection: Connection, copied: CampaignCopy, *, campaign: str, agent_id: str, now: float) -> None:
    """Put a copy into an empty store, as a campaign that may be run at once.

    Attempts whose end is not known are taken for ended: their calls are in no list that the copy will be shown.
    """
    connection.execute(delete(store))
    connection.execute(insert(store).values(id=copied.store_id, schema=SCHEMA, last_activity_at=0.0))
    for table in _IN_ORDER:
        if found := copied.tables[table.name]:
            connection.execute(insert(table), [dict(each) for each in found])
    connection.execute(
        update(attempts)
        .where(attempts.c.state.in_(RINGING))
        .values(state=AttemptState.ENDED, outcome="unknown", ended_at=now)
    )
    connection.execute(update(rows).values(shard=0))
    on_line = rows.c.state.in_((RowState.CLAIMED, RowState.LIVE))
    connection.execute(update(rows).where(on_line).values(state=RowState.DONE, reason="on the line when copied"))
    connection.execute(update(campaigns).values(live=0, reserved=0.0))
    mine = and_(campaigns.c.id == campaign, campaigns.c.state.not_in(("done", "stopped")))
    connection.execute(update(campaigns).where(mine).values(state="planned", reason=None))
    connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(agent=agent_id))


def attempts_after(connection: Connection, campaign: str, last: str) -> list[AttemptRow]:
    """The next attempts of a campaign after one, oldest first: their ids are in order of time."""
    found = connection.execute(
        select(attempts, rows.c.line)
        .join(rows, rows.c.id == attempts.c.row)
        .where(attempts.c.campaign == campaign, attempts.c.id > last)
        .order_by(attempts.c.id)
        .limit(PAGE)
    )
    return [
        AttemptRow(
            line=each.line,
            phone_number=each.number,
            attempt=each.id,
            n=each.n,
            state=str(each.state),
            outcome=each.outcome,
            error=each.error,
            zones=each.zone,
            from_number=each.from_number,
            call_id=each.call_id,
            intent_at=each.intent_at,
            started_at=each.started_at,
            ended_at=each.ended_at,
            duration_seconds=each.duration,
            cost=each.cost,
            price=each.price,
        )
        for each in found
    ]


def uncalled(connection: Connection, campaign: str) -> dict[str, int]:
    """Rows that are done without a call, by reason."""
    mine = select(attempts.c.row).where(attempts.c.campaign == campaign)
    is_refused = rows.c.id.in_(mine.where(attempts.c.state == AttemptState.REFUSED))
    reason = func.coalesce(rows.c.reason, "")
    told = case((is_refused, literal("refused by the server: ") + reason), else_=reason).label("told")
    which = (rows.c.campaign == campaign, rows.c.state == RowState.DONE)
    found = select(told).where(*which, rows.c.id.not_in(mine.where(attempts.c.state.not_in(NOT_MADE)))).subquery()
    return {each[0]: each[1] for each in connection.execute(select(found.c.told, func.count()).group_by(found.c.told))}


def held(connection: Connection, campaign: str, most: int) -> list[HeldRow]:
    """Rows that are held or unresolved, or wait for more than their turn: first those that only a person can settle."""
    waits = and_(rows.c.state == RowState.WAITING, rows.c.reason.is_not(None), rows.c.reason != "retry")
    found = connection.execute(
        select(rows.c.line, rows.c.number, rows.c.state, rows.c.reason)
        .where(rows.c.campaign == campaign, or_(rows.c.state == RowState.UNRESOLVED, waits))
        .order_by(rows.c.state != RowState.UNRESOLVED, func.coalesce(rows.c.due_at, 0.0) < HELD_UNTIL, rows.c.id)
        .limit(most)
    )
    return [
        HeldRow(line=each.line, phone_number=each.number, state=str(each.state), reason=each.reason) for each in found
    ]


def _read(connection: Connection, table: Table, which: Any) -> Sequence[Mapping[str, object]]:
    statement = select(table) if which is None else select(table).where(which)
    return [dict(each) for each in connection.execute(statement).mappings()]
