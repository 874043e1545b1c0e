"""The transactions that decide whether a phone rings, and what came of it: T1 claim, T2 answer, T3 end.

Each function runs inside one transaction of its caller and changes a row only in the state that it expects. Where that
matches nothing it raises, and the whole transaction is rolled back.

The statements of each call stand at the top, made once: SQLAlchemy takes four times as long to make one as to run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Executable, and_, bindparam, exists, func, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from trudy.dialer import sql_servers
from trudy.dialer.policy import Policy
from trudy.dialer.records import HELD_UNTIL, Claim, DueRow, Ended
from trudy.dialer.schema import attempt_is, attempts, campaigns, do_not_call, events, leases, only_to, rows, store
from trudy.dialer.sql_caps import COUNTED, Missed, check_caps, counted, day_of, give_back_caller_id, take_caller_id
from trudy.dialer.states import RINGING, AttemptState, Happening, ImpossibleError, RowState, attempt_after, row_after

_UNDECIDED: Final = (*RINGING, AttemptState.UNRESOLVED)
"""While a later attempt is in one of these, it decides what becomes of the row."""
_RINGS_WITHIN: Final = 160.0
"""Seconds in which the server may still place a call whose request it has. The hours must stay open for so long: less
lets a phone ring after hours, more gives away the last minutes of each day."""
_NO_LIMIT: Final = 2**31 - 1
"""More calls than a campaign can make."""

_TAKE_SLOT: Final = (
    update(campaigns)
    .where(
        campaigns.c.id == bindparam("of"),
        campaigns.c.state == "running",
        campaigns.c.live < bindparam("max_live"),
        campaigns.c.dialed < bindparam("max_calls"),
        campaigns.c.spent + campaigns.c.reserved + bindparam("price") <= bindparam("max_spend"),
        or_(campaigns.c.canary.is_(None), campaigns.c.dialed < campaigns.c.canary),
        # The last claim may lie in the future: two workers do not know the server's time to the same millisecond.
        or_(campaigns.c.claimed_at.is_(None), func.abs(bindparam("now") - campaigns.c.claimed_at) >= bindparam("gap")),
    )
    .values(
        live=campaigns.c.live + 1,
        dialed=campaigns.c.dialed + 1,
        reserved=campaigns.c.reserved + bindparam("price"),
        claimed_at=bindparam("now"),
    )
)
_GIVE_BACK: Final = (
    update(campaigns)
    .where(campaigns.c.id == bindparam("of"))
    .values(
        live=campaigns.c.live - bindparam("slots"),
        dialed=campaigns.c.dialed - bindparam("calls"),
        reserved=campaigns.c.reserved - bindparam("price"),
        spent=campaigns.c.spent + bindparam("paid"),
    )
)
_CLAIM_ROW: Final = (
    update(rows)
    .where(
        rows.c.id == bindparam("of"),
        rows.c.state == RowState.WAITING,
        or_(rows.c.due_at.is_(None), rows.c.due_at <= bindparam("now")),
    )
    .values(state=row_after(RowState.WAITING, "claimed"))
)
_STANDS: Final = select(
    campaigns.c.agent,
    select(leases.c.fence)
    .where(leases.c.campaign == campaigns.c.id, leases.c.shard == bindparam("shard"))
    .scalar_subquery()
    .label("fence"),
    exists().where(do_not_call.c.number_hash == bindparam("number_hash")).label("is_do_not_call"),
    and_(
        exists().where(only_to.c.campaign == campaigns.c.id),
        not_(exists().where(only_to.c.campaign == campaigns.c.id, only_to.c.number_hash == bindparam("number_hash"))),
    ).label("is_left_out"),
    select(func.count())
    .where(attempts.c.campaign == campaigns.c.id, attempts.c.row == bindparam("row"))
    .scalar_subquery()
    .label("attempts"),
    exists().where(*COUNTED).label("was_called"),
).where(campaigns.c.id == bindparam("of"))
"""What a claim must know beside the slot and the row."""
_INTENT: Final = insert(attempts)
_ACTIVE: Final = (
    update(store).where(store.c.last_activity_at < bindparam("now")).values(last_activity_at=bindparam("now"))
)
_NOTE: Final = insert(events)
_later: Final = attempts.alias()
_ATTEMPT: Final = (
    select(
        attempts.c.state,
        attempts.c.campaign,
        attempts.c.row,
        attempts.c.from_number,
        attempts.c.day,
        attempts.c.price,
        rows.c.state.label("row_state"),
        exists()
        .where(
            _later.c.campaign == attempts.c.campaign,
            _later.c.row == attempts.c.row,
            _later.c.n > attempts.c.n,
            attempt_is(_UNDECIDED, _later),
        )
        .label("is_old"),
    )
    .join(rows, rows.c.id == attempts.c.row)
    .where(attempts.c.id == bindparam("of"))
)
_MOVE_ATTEMPT: Final = update(attempts).where(attempts.c.id == bindparam("of"), attempts.c.state == bindparam("was"))
_MOVE_ROW: Final = update(rows).where(rows.c.id == bindparam("of"), rows.c.state == bindparam("was"))
_MOVE_ROW_COUNTED: Final = _MOVE_ROW.values(attempts=rows.c.attempts + 1)


def note(
    connection: Connection,
    now: float,
    kind: str,
    *,
    campaign: str | None = None,
    row: int | None = None,
    attempt: str | None = None,
    **data: object,
) -> None:
    """An entry of the audit."""
    entry = {"at": now, "kind": kind, "campaign": campaign, "row": row, "attempt": attempt, "data": data}
    connection.execute(_NOTE, entry)


def claim(
    connection: Connection,
    contact: DueRow,
    policy: Policy,
    *,
    attempt: str,
    from_number: str | None,
    worker: str,
    shard: int,
    fence: int,
    now: float,
    send_within: float,
    number_hash: str,
    gap: float = 0.0,
) -> Claim:
    """T1. `gap`: seconds since the campaign's last claim at least; a process by itself keeps them without the store.

    Raises:
        Missed: something does not allow it. The caller rolls back.
    """
    price = policy.price or 0.0
    if sql_servers.change(connection) is not None:
        raise Missed("server")
    _take_slot(connection, contact.campaign, policy, price, gap, now)
    _expect(connection, _CLAIM_ROW, {"of": contact.id, "now": now}, Missed("row"))
    asked = {"of": contact.campaign, "shard": shard, "row": contact.id}
    stands = connection.execute(_STANDS, {**asked, **counted(number_hash, now)}).one()
    if stands.fence != fence:
        raise Missed("fence")
    if stands.is_do_not_call:
        raise Missed("do_not_call")
    if stands.is_left_out:
        raise Missed("only_to", HELD_UNTIL)
    for moment in (now, now + send_within + _RINGS_WITHIN):
        opening = policy.hours.opens(contact.zones, country=contact.country, region=contact.region, moment=moment)
        if opening != moment:
            raise Missed("hours", opening)
    day = day_of(contact, now)
    if stands.was_called:
        check_caps(connection, policy, contact, number_hash, day, now)
    take_caller_id(connection, policy, contact, from_number, day, now)
    intent = {
        "id": attempt,
        "campaign": contact.campaign,
        "row": contact.id,
        "n": stands.attempts + 1,
        "number": contact.number,
        "number_hash": number_hash,
        "from_number": from_number,
        "state": AttemptState.INTENT,
        "worker": worker,
        "fence": fence,
        "intent_at": now,
        "send_by": now + send_within,
        "window": _window(policy, contact),
        "zone": ", ".join(contact.zones),
        "day": day,
        "consent": contact.consent,
        "price": price,
    }
    try:
        connection.execute(_INTENT, intent)
    except IntegrityError:
        raise Missed("ringing") from None
    connection.execute(_ACTIVE, {"now": now})
    note(connection, now, "intent", campaign=contact.campaign, row=contact.id, attempt=attempt)
    return Claim(attempt=attempt, contact=contact, agent_id=stands.agent, send_by=now + send_within)


def answered(
    connection: Connection,
    attempt: str,
    happening: Happening,
    now: float,
    *,
    due_at: float | None = None,
    again: bool = False,
    why: str | None = None,
    row_values: Mapping[str, object] | None = None,
    **values: object,
) -> None:
    """T2 and T3: move an attempt and its row, and give back what no longer is taken. `why`: for the audit.

    Raises:
        ImpossibleError: attempt or row are in another state than this can happen in.
    """
    found = connection.execute(_ATTEMPT, {"of": attempt}).first()
    if found is None:
        raise ImpossibleError("there is no such attempt")
    if found.is_old:
        raise ImpossibleError("the contact was called again since")
    was, row_was = AttemptState(found.state), RowState(found.row_state)
    following, row_following = attempt_after(was, happening), row_after(row_was, happening, again=again)
    changes: dict[str, Any] = {"state": row_following, **(row_values or {})}
    if row_following is RowState.WAITING:
        changes["due_at"] = now if due_at is None else due_at
    if happening in ("placed", "found"):
        changes["caller_id"] = found.from_number
    is_spent = happening in ("placed", "found", "given_up") and was is not AttemptState.UNRESOLVED
    _expect(
        connection,
        _MOVE_ATTEMPT,
        {"of": attempt, "was": was, "state": following, **values},
        ImpossibleError(f"the attempt is no longer {was}"),
    )
    _expect(
        connection,
        _MOVE_ROW_COUNTED if is_spent else _MOVE_ROW,
        {"of": found.row, "was": row_was, **changes},
        ImpossibleError(f"the row is no longer {row_was}"),
    )
    _give_back(connection, found, happening, was, values.get("cost"))
    told = _plain({**values, "why": why})
    note(connection, now, happening, campaign=found.campaign, row=found.row, attempt=attempt, **told)


def end(connection: Connection, attempt: str, ended: Ended) -> None:
    """T3, with the opt-out, before anything else can be placed."""
    answered(
        connection,
        attempt,
        "ended",
        ended.ended_at,
        again=ended.again_at is not None and not ended.opt_out,
        due_at=ended.again_at,
        row_values={"outcome": ended.outcome, "reason": ended.reason},
        outcome=ended.outcome,
        ended_at=ended.ended_at,
        duration=ended.duration,
        cost=ended.cost,
    )
    if ended.opt_out:
        found = connection.execute(select(attempts.c.number_hash).where(attempts.c.id == attempt)).scalar_one()
        add_do_not_call(connection, found, "asked in a call", ended.ended_at)


def add_do_not_call(connection: Connection, number_hash: str, source: str, now: float) -> bool:
    """Whether it was new. What waits for this number is suppressed."""
    known = connection.execute(select(do_not_call.c.source).where(do_not_call.c.number_hash == number_hash)).first()
    if known is None:
        connection.execute(insert(do_not_call).values(number_hash=number_hash, source=source, added_at=now))
        note(connection, now, "do_not_call", number_hash=number_hash, source=source)
    connection.execute(
        update(rows)
        .where(rows.c.key == number_hash, rows.c.state == RowState.WAITING)
        .values(state=RowState.SUPPRESSED, reason="do_not_call")
    )
    return known is None


def _take_slot(connection: Connection, campaign: str, policy: Policy, price: float, gap: float, now: float) -> None:
    limits = {
        "gap": gap,
        "max_live": policy.max_live,
        "max_calls": _NO_LIMIT if policy.max_calls is None else policy.max_calls,
        "max_spend": float("inf") if policy.max_spend is None else policy.max_spend,
    }
    taken = connection.execute(_TAKE_SLOT, {"of": campaign, "price": price, "now": now, **limits})
    if taken.rowcount == 1:
        return
    found = connection.execute(select(campaigns).where(campaigns.c.id == campaign)).first()
    if found is None or found.state != "running":
        raise Missed("campaign")
    if found.live >= policy.max_live:
        raise Missed("max_live")
    if found.canary is not None and found.dialed >= found.canary:
        raise Missed("canary")
    if policy.max_calls is not None and found.dialed >= policy.max_calls:
        raise Missed("max_calls")
    if found.spent + found.reserved + price > limits["max_spend"]:
        raise Missed("max_spend")
    raise Missed("gap", found.claimed_at + gap)


def _window(policy: Policy, contact: DueRow) -> str:
    """The hours under which a call is placed, for whoever asks later."""
    hours = policy.hours.of(contact.country, contact.region)
    if hours.anytime:
        return "any time"
    days = "".join(str(day) for day in sorted(hours.days))
    return f"{hours.start:%H:%M}-{'24:00' if hours.end is None else format(hours.end, '%H:%M')} on days {days}"


def _give_back(connection: Connection, found: Any, happening: Happening, was: AttemptState, cost: object) -> None:
    """Slots, counts and money: what an attempt took, and no longer needs."""
    given = {"slots": 1, "calls": 0, "price": found.price, "paid": 0.0}
    match happening:
        case "not_sent" | "refused":
            given["calls"] = 1
            if found.from_number is not None:
                give_back_caller_id(connection, found.from_number, found.day)
        case "ended" | "lost":
            given["paid"] = cost if isinstance(cost, int | float) else found.price
        case "given_up":  # it may have rung, and then it costs
            given["price"] = 0.0
        case "found" if was is AttemptState.UNRESOLVED:
            given.update(slots=-1, price=0.0)
        case _:
            return
    connection.execute(_GIVE_BACK, {"of": found.campaign, **given})


def _expect(connection: Connection, statement: Executable, values: Mapping[str, object], otherwise: Exception) -> None:
    if connection.execute(statement, values).rowcount != 1:
        raise otherwise


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    """What of the values JSON can hold, for the audit."""
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}
