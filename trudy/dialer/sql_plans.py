"""Plans in SQL: how rows come into the store, and which of them are duplicates or not to be called.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from trudy.dialer import policy_json
from trudy.dialer.records import NewRow, PlanHeader
from trudy.dialer.schema import attempts, campaigns, do_not_call, only_to, rows
from trudy.dialer.sql_claims import note
from trudy.dialer.states import RowState

_AGAIN_AFTER: Final = 30 * 86_400.0
"""An earlier campaign that has done with a number keeps it from another for so long, as the caps of attempts do."""
_PLANNED_WITHIN: Final = 86_400.0
"""A plan that is not finished after so long never will be: its process died. Less could drop one that is being read."""


def start_plan(connection: Connection, header: PlanHeader, now: float) -> str:
    """A campaign without rows, under a name of its own until its hash is known."""
    stale = and_(_is_unfinished(), campaigns.c.created_at < now - _PLANNED_WITHIN)
    for left in connection.execute(select(campaigns.c.id).where(stale)).scalars().all():
        drop_plan(connection, left)
    campaign = str(uuid4())
    connection.execute(
        insert(campaigns).values(
            id=campaign,
            plan_hash=campaign,
            agent=header.agent_id,
            policy=policy_json.to_json(header.policy),
            consent=dict(header.consent),
            region=header.region,
            longest_call=header.longest_call,
            state="planned",
            created_at=now,
        )
    )
    return campaign


def add_rows(
    connection: Connection, campaign: str, new: Sequence[NewRow], hash_of: Callable[[str], str], shards: int
) -> None:
    """Rows as they are read, dealt out to so many shards."""
    connection.execute(
        insert(rows),
        [
            {
                "campaign": campaign,
                "line": row.line,
                "number": row.number,
                "key": None if row.number is None else hash_of(row.number),
                "vars": dict(row.variables),
                "columns": dict(row.columns),
                "zones": list(row.zones),
                "country": row.country,
                "region": row.region,
                "consent": row.consent,
                "shard": row.line % shards,
                "priority": row.priority,
                "state": row.state,
                "reason": row.reason,
            }
            for row in new
        ],
    )


def finish_plan(connection: Connection, campaign: str, plan_hash: str, now: float) -> tuple[str, dict[str, int]]:
    """The campaign to go on with: this one, or an earlier one of the same hash; and its rows by state and reason."""
    earlier = connection.execute(
        select(campaigns.c.id).where(campaigns.c.plan_hash == plan_hash, campaigns.c.id != campaign)
    ).scalar()
    if earlier is not None:
        drop_plan(connection, campaign)
        return earlier, reasons(connection, earlier)
    connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(plan_hash=plan_hash))
    mine = and_(rows.c.campaign == campaign, rows.c.state == RowState.WAITING)
    _mark(connection, mine, rows.c.key.in_(select(do_not_call.c.number_hash)), "suppressed", "do_not_call")
    firsts = select(func.min(rows.c.id)).where(mine).group_by(rows.c.key)
    _mark(connection, mine, rows.c.id.not_in(firsts), "duplicate", "in_file")
    other = rows.alias()
    others = select(other.c.key).where(
        other.c.campaign.not_in(select(campaigns.c.id).where(_is_unfinished())),
        other.c.campaign != campaign,
        or_(
            other.c.state.in_((RowState.WAITING, RowState.CLAIMED, RowState.LIVE, RowState.UNRESOLVED)),
            exists().where(
                attempts.c.campaign == other.c.campaign,
                attempts.c.row == other.c.id,
                attempts.c.intent_at > now - _AGAIN_AFTER,
            ),
        ),
    )
    _mark(connection, mine, rows.c.key.in_(others), "duplicate", "earlier_campaign")
    note(connection, now, "planned", campaign=campaign, hash=plan_hash)
    return campaign, reasons(connection, campaign)


def _is_unfinished() -> ColumnElement[bool]:
    """A campaign of which rows are being read, or whose process died over it: it has no hash yet."""
    return campaigns.c.plan_hash == campaigns.c.id


def drop_plan(connection: Connection, campaign: str) -> None:
    """Forget a campaign that was never started."""
    for table in (rows, only_to):
        connection.execute(delete(table).where(table.c.campaign == campaign))
    connection.execute(delete(campaigns).where(campaigns.c.id == campaign, campaigns.c.state == "planned"))


def drop_rival_plans(connection: Connection, campaign: str) -> Sequence[str]:
    """Forget plans that nobody ran and that hold numbers of this one, and then this one as well: it is to be made anew.

    A campaign whose state another process is changing keeps its place: each is taken by a change of its own first.
    """
    kept_out = select(rows.c.key).where(rows.c.campaign == campaign, rows.c.reason == "earlier_campaign")
    other = rows.alias()
    holding = select(other.c.campaign).where(other.c.state == RowState.WAITING, other.c.key.in_(kept_out))
    rivals = and_(
        campaigns.c.state == "planned", ~_is_unfinished(), campaigns.c.id != campaign, campaigns.c.id.in_(holding)
    )
    found = connection.execute(select(campaigns.c.id).where(rivals)).scalars().all()
    gone = [each for each in found if _is_taken(connection, each)]
    if gone and _is_taken(connection, campaign):
        for each in (*gone, campaign):
            drop_plan(connection, each)
        return gone
    return ()


def _is_taken(connection: Connection, campaign: str) -> bool:
    """Whether nobody runs it, and from here on nobody can: its row is this transaction's."""
    mine = and_(campaigns.c.id == campaign, campaigns.c.state == "planned")
    return connection.execute(update(campaigns).where(mine).values(state="planned")).rowcount == 1


def zones(connection: Connection, campaign: str) -> list[tuple[tuple[str, ...], str | None, str | None, int]]:
    """Where waiting rows may be."""
    place = (cast(rows.c.zones, Text), rows.c.country, rows.c.region)
    counted = connection.execute(
        select(*place, func.count())
        .where(rows.c.campaign == campaign, rows.c.state == RowState.WAITING)
        .group_by(*place)
    )
    return [(tuple(json.loads(each[0])), each[1], each[2], each[3]) for each in counted]


def _mark(
    connection: Connection, mine: ColumnElement[bool], which: ColumnElement[bool], state: str, reason: str
) -> None:
    connection.execute(update(rows).where(mine, which).values(state=state, reason=reason))


def reasons(connection: Connection, campaign: str) -> dict[str, int]:
    """Rows by `state` or `state: reason`."""
    key = case((rows.c.reason.is_(None), rows.c.state), else_=rows.c.state + ": " + rows.c.reason)
    counted = connection.execute(select(key, func.count()).where(rows.c.campaign == campaign).group_by(key))
    return {each[0]: each[1] for each in counted}
