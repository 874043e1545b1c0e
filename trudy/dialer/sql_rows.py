"""Campaigns and rows in SQL: moved from state to state, picked, settled by hand, read, and how a person is forgotten.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from trudy.dialer.exported import own_name
from trudy.dialer.policy import Policy
from trudy.dialer.records import CAMPAIGN_STATES, HELD_UNTIL, CampaignRecord, CampaignState, DueRow
from trudy.dialer.schema import SHARDS, attempts, campaigns, do_not_call, events, leases, only_to, rows
from trudy.dialer.sql_claims import note
from trudy.dialer.states import RINGING, AttemptState, ImpossibleError, RowState

PAGE: Final = 1_000
"""Rows read at a time for an export: more costs memory, fewer costs statements."""
ONLY_TO: Final = "only_to"
"""Why a row is held while a run calls only some numbers."""

_ROW: Final = select(rows).where(rows.c.id == bindparam("of"))
POSTPONE: Final = (
    update(rows)
    .where(rows.c.id == bindparam("of"), rows.c.state == RowState.WAITING)
    .values(due_at=bindparam("until"), reason=bindparam("why"))
)
"""Lets a waiting row wait until a time, for a reason."""
_DUE: Final = (
    select(rows)
    .where(
        rows.c.campaign == bindparam("of"),
        rows.c.shard.between(bindparam("first"), bindparam("last")),
        rows.c.state == RowState.WAITING,
        or_(rows.c.due_at.is_(None), rows.c.due_at <= bindparam("now")),
    )
    .order_by(rows.c.priority.desc(), rows.c.due_at.asc().nulls_first(), rows.c.id)
    .limit(bindparam("most"))
)


def as_campaign(found: Row[Any], policy: Policy) -> CampaignRecord:
    """A campaign from its row and its policy."""
    return CampaignRecord(
        id=found.id,
        plan_hash=found.plan_hash,
        agent_id=found.agent,
        policy=policy,
        consent=found.consent,
        region=found.region,
        longest_call=found.longest_call,
        state=found.state,
        reason=found.reason,
        created_at=found.created_at,
        live=found.live,
        dialed=found.dialed,
        reserved=found.reserved,
        spent=found.spent,
        canary=found.canary,
        running_since=found.running_since,
    )


def move_campaign(
    connection: Connection,
    campaign: str,
    to: CampaignState,
    *,
    reason: str | None,
    now: float,
    by: str | None = None,
    was: Collection[CampaignState] = CAMPAIGN_STATES,
) -> bool:
    """Whether it was in one of these states, and is moved."""
    changes: dict[str, Any] = {"state": to, "reason": reason, "revision": campaigns.c.revision + 1}
    if by is not None:
        changes["confirmed_by"] = by
    if to == "running":
        changes["running_since"] = now
    moved = update(campaigns).where(campaigns.c.id == campaign, campaigns.c.state.in_(was)).values(**changes)
    if connection.execute(moved).rowcount != 1:
        return False
    note(connection, now, "campaign", campaign=campaign, to=to, reason=reason, by=by)
    return True


def waiting(campaign: str, shard: int | None) -> tuple[ColumnElement[bool], ...]:
    """Rows of a shard that wait; None for all shards."""
    waits = rows.c.campaign == campaign, rows.c.state == RowState.WAITING
    return waits if shard is None else (*waits, rows.c.shard == shard)


def due(connection: Connection, campaign: str, shard: int | None, now: float, limit: int) -> list[DueRow]:
    """Rows that may be dialed now, in the order in which they should be."""
    first, last = (0, SHARDS) if shard is None else (shard, shard)
    found = connection.execute(_DUE, {"of": campaign, "first": first, "last": last, "now": now, "most": limit})
    return [as_contact(row) for row in found]


def next_due(connection: Connection, campaign: str, shard: int | None) -> float | None:
    """When the next waiting row of a shard is due; None where none waits."""
    first = func.min(func.coalesce(rows.c.due_at, 0.0))
    return connection.execute(select(first).where(*waiting(campaign, shard))).scalar()


def counts(connection: Connection, campaign: str) -> dict[str, int]:
    """Rows by state."""
    statement = select(rows.c.state, func.count()).where(rows.c.campaign == campaign).group_by(rows.c.state)
    return {each[0]: each[1] for each in connection.execute(statement)}


def contact(connection: Connection, row: int) -> DueRow:
    """One row."""
    return as_contact(connection.execute(_ROW, {"of": row}).one())


def as_contact(row: Row[Any]) -> DueRow:
    """A contact from its row."""
    return DueRow(
        id=row.id,
        campaign=row.campaign,
        line=row.line,
        number=row.number or "",
        variables=row.vars,
        columns=row.columns,
        zones=tuple(row.zones),
        country=row.country,
        region=row.region,
        consent=row.consent,
        attempts=row.attempts,
        due_at=row.due_at or 0.0,
        caller_id=row.caller_id,
        shard=row.shard,
    )


def take_shards(connection: Connection, campaign: str, shards: Collection[int], worker: str) -> int:
    """A new fence for them all; every claim under an older one misses from now on."""
    mine = and_(leases.c.campaign == campaign, leases.c.shard.in_(shards))
    fences = {found.shard: found.fence for found in connection.execute(select(leases).where(mine))}
    fence: int = max(fences.values(), default=0) + 1
    if fences:
        connection.execute(update(leases).where(mine).values(worker=worker, fence=fence))
    new = [{"campaign": campaign, "shard": each, "worker": worker, "fence": fence} for each in {*shards} - {*fences}]
    if new:
        connection.execute(insert(leases), new)
    return fence


def call_only(connection: Connection, campaign: str, keys: frozenset[str] | None, canary: int | None) -> None:
    """Hold what waits for other numbers, and let go what was held so before; note after how many calls to stop."""
    connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(canary=canary))
    connection.execute(delete(only_to).where(only_to.c.campaign == campaign))
    if keys is not None:
        # No row at all means that every number may be called, so that an empty list needs one: the empty key.
        connection.execute(insert(only_to), [{"campaign": campaign, "number_hash": key} for key in sorted({*keys, ""})])
    waits = and_(rows.c.campaign == campaign, rows.c.state == RowState.WAITING)
    connection.execute(update(rows).where(waits, rows.c.reason == ONLY_TO).values(due_at=None, reason=None))
    if keys is None:
        return
    others = [
        {"held": found.id}
        for found in connection.execute(select(rows.c.id, rows.c.key).where(waits))
        if found.key not in keys
    ]
    if others:
        hold = update(rows).where(rows.c.id == bindparam("held")).values(due_at=HELD_UNTIL, reason=ONLY_TO)
        connection.execute(hold, others)


def held_rows(connection: Connection, number_hash: str) -> list[int]:
    """Rows of which nobody knows whether they were called."""
    mine = and_(rows.c.key == number_hash, rows.c.state == RowState.UNRESOLVED)
    return list(connection.execute(select(rows.c.id).where(mine).order_by(rows.c.id)).scalars())


def settle_row(connection: Connection, row: int, was: RowState, to: RowState, reason: str, now: float) -> None:
    """Move a row by somebody's word rather than by a call."""
    changed = connection.execute(
        update(rows).where(rows.c.id == row, rows.c.state == was).values(state=to, reason=reason, due_at=now)
    )
    if changed.rowcount != 1:
        raise ImpossibleError(f"row {row} is not {was.value}")
    campaign = connection.execute(select(rows.c.campaign).where(rows.c.id == row)).scalar_one()
    note(connection, now, "settled", campaign=campaign, row=row, to=to.value, reason=reason)


def history(connection: Connection, number_hash: str) -> list[dict[str, object]]:
    """What happened to a number, oldest first."""
    ids = list(connection.execute(select(rows.c.id).where(rows.c.key == number_hash)).scalars())
    found = connection.execute(select(events).where(events.c.row.in_(ids)).order_by(events.c.id))
    shown = ("campaign", "line", "state", "reason", "due_at", "zones", "attempts", "outcome")
    stands = connection.execute(select(rows).where(rows.c.key == number_hash).order_by(rows.c.id))
    told: list[dict[str, object]] = [
        *({"at": each.at, "kind": each.kind, "attempt": each.attempt, **each.data} for each in found),
        *({"kind": "row", **{name: getattr(row, name) for name in shown}} for row in stands),
    ]
    listed = connection.execute(select(do_not_call).where(do_not_call.c.number_hash == number_hash)).first()
    if listed is not None:
        told.append({"kind": "do_not_call", "at": listed.added_at, "source": listed.source})
    return told


def forget(connection: Connection, number_hash: str, now: float) -> int:
    """Delete what is a person's: number, columns, variables. Hashes, states and times stay."""
    busy = connection.execute(
        select(attempts.c.id).where(attempts.c.number_hash == number_hash, attempts.c.state.in_(RINGING))
    ).first()
    if busy is not None:
        raise ImpossibleError("the number is being called, or a call to it is being looked for")
    connection.execute(update(attempts).where(attempts.c.number_hash == number_hash).values(number=""))
    mine = rows.c.key == number_hash
    connection.execute(
        update(rows).where(mine, rows.c.state == RowState.WAITING).values(state=RowState.DONE, reason="forgotten")
    )
    count = connection.execute(update(rows).where(mine).values(number=None, vars={}, columns={})).rowcount
    note(connection, now, "forgotten", number_hash=number_hash)
    return count


def exported(connection: Connection, campaign: str, after: int) -> list[tuple[int, Mapping[str, object]]]:
    """The next rows of a campaign after one, with the last attempt of each that was placed."""
    last = (
        select(func.max(attempts.c.n))
        .where(
            attempts.c.campaign == rows.c.campaign,
            attempts.c.row == rows.c.id,
            attempts.c.state.not_in((AttemptState.NOT_SENT, AttemptState.REFUSED)),
        )
        .correlate(rows)
        .scalar_subquery()
    )
    found = connection.execute(
        select(
            rows, attempts.c.call_id, attempts.c.started_at, attempts.c.ended_at, attempts.c.duration, attempts.c.cost
        )
        .outerjoin(
            attempts,
            and_(attempts.c.campaign == rows.c.campaign, attempts.c.row == rows.c.id, attempts.c.n == last),
        )
        .where(rows.c.campaign == campaign, rows.c.id > after)
        .order_by(rows.c.id)
        .limit(PAGE)
    )
    return [
        (
            row.id,
            {
                **{own_name(name): cell for name, cell in row.columns.items()},
                "state": row.state,
                "outcome": row.outcome,
                "reason": row.reason,
                "attempts": row.attempts,
                "call_id": row.call_id,
                "started_at": row.started_at,
                "ended_at": row.ended_at,
                "duration_seconds": row.duration,
                "cost": row.cost,
            },
        )
        for row in found
    ]
