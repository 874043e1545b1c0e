"""The store in SQL: what is asked of a store, each as one transaction of a database."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from trudy.clock import Clock
from trudy.dialer import (
    policy_json,
    sql_attempts,
    sql_caps,
    sql_claims,
    sql_copy,
    sql_plans,
    sql_postgres,
    sql_refusals,
    sql_rows,
    sql_servers,
)
from trudy.dialer.export import AttemptRow, CampaignCopy, HeldRow
from trudy.dialer.policy import OutcomeWord, Policy
from trudy.dialer.records import (
    CAMPAIGN_STATES,
    CampaignRecord,
    CampaignState,
    Claim,
    DueRow,
    Ended,
    Miss,
    NewRow,
    OpenAttempt,
    PlanHeader,
    ServerChange,
)
from trudy.dialer.schema import SHARDS, attempts, campaigns, do_not_call, hints
from trudy.dialer.schema import store as store_table
from trudy.dialer.sql_database import Database
from trudy.dialer.states import Happening, RowState

P = ParamSpec("P")
T = TypeVar("T")
_CAMPAIGN: Final = select(campaigns).where(campaigns.c.id == bindparam("of"))
_MOST_HINTS: Final = 100
"""Hints kept until somebody takes them: one is enough to look, and while nobody dials, nobody takes them."""


class SqlStore:
    """A store behind an SQLAlchemy URL; a plain path is a SQLite file, None the memory of a rehearsal."""

    def __init__(self, url: str | os.PathLike[str] | None, *, clock: Clock) -> None:
        self._database = Database(url, clock=clock)
        self._shards = SHARDS if self._database.is_postgres else 1
        self._policies: dict[str, Policy] = {}
        """By campaign: a policy stands in its plan's hash, and never changes."""

    @property
    def id(self) -> str:
        return self._database.id

    @property
    def database(self) -> Database:
        """What is under it, for workers that share it."""
        return self._database

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    async def lock(self, who: str) -> None:
        await self._database.lock(who)

    async def start_plan(self, header: PlanHeader, now: float) -> str:
        return await self._database.plan(sql_plans.start_plan, header, now)

    async def add_rows(self, campaign: str, rows: Sequence[NewRow]) -> None:
        if rows:
            await self._database.plan(sql_plans.add_rows, campaign, rows, self.hash_of, self._shards)

    async def finish_plan(self, campaign: str, plan_hash: str, now: float) -> tuple[CampaignRecord, Mapping[str, int]]:
        kept, counts = await self._database.plan(sql_plans.finish_plan, campaign, plan_hash, now)
        return await self.campaign(kept), counts

    async def drop_plan(self, campaign: str) -> None:
        await self._database.plan(sql_plans.drop_plan, campaign)

    async def drop_rival_plans(self, campaign: str) -> Sequence[str]:
        return await self._database.plan(sql_plans.drop_rival_plans, campaign)

    async def zones(self, campaign: str) -> Sequence[tuple[tuple[str, ...], str | None, str | None, int]]:
        return await self._database.read(sql_plans.zones, campaign)

    async def campaign(self, campaign: str) -> CampaignRecord:
        found = await self._database.read(lambda connection: connection.execute(_CAMPAIGN, {"of": campaign}).first())
        if found is None:
            raise LookupError(f"the store has no campaign {campaign}")
        return self._as_campaign(found)

    async def campaigns(self) -> Sequence[CampaignRecord]:
        statement = select(campaigns).order_by(campaigns.c.created_at)
        found = await self._database.read(lambda connection: connection.execute(statement).all())
        return [self._as_campaign(each) for each in found]

    async def move_campaign(
        self,
        campaign: str,
        to: CampaignState,
        *,
        reason: str | None,
        now: float,
        by: str | None = None,
        was: Collection[CampaignState] = CAMPAIGN_STATES,
    ) -> bool:
        def move(connection: Connection) -> bool:
            is_moved = sql_rows.move_campaign(connection, campaign, to, reason=reason, now=now, by=by, was=was)
            sql_postgres.notify(connection, self.id, "move")
            return is_moved

        return await self._in_transaction(move)

    async def take_shard(self, campaign: str, shard: int | None, worker: str) -> int:
        shards = range(self._shards) if shard is None else (shard,)
        return await self._in_transaction(sql_rows.take_shards, campaign, shards, worker)

    async def due(self, campaign: str, shard: int | None, now: float, limit: int) -> Sequence[DueRow]:
        return await self._database.read(sql_rows.due, campaign, shard, now, limit)

    async def contact(self, row: int) -> DueRow:
        return await self._database.read(sql_rows.contact, row)

    async def next_due(self, campaign: str, shard: int | None) -> float | None:
        return await self._database.read(sql_rows.next_due, campaign, shard)

    async def postpone(self, row: int, until: float, reason: str) -> None:
        values = {"of": row, "until": until, "why": reason}
        await self._in_transaction(lambda connection: connection.execute(sql_rows.POSTPONE, values))

    async def settle_row(self, row: int, reason: str, now: float) -> None:
        await self._in_transaction(sql_rows.settle_row, row, RowState.WAITING, RowState.DONE, reason, now)

    async def caller_id(self, contact: DueRow, policy: Policy, now: float) -> str | Miss | None:
        if not policy.caller_ids:
            return None
        try:
            return await self._in_transaction(sql_caps.caller_id, policy, contact, now)
        except sql_caps.Missed as missed:
            return missed.miss

    async def claim(
        self,
        contact: DueRow,
        *,
        attempt: str,
        from_number: str | None,
        worker: str,
        shard: int,
        fence: int,
        now: float,
        send_within: float,
    ) -> Claim | Miss:
        policy = self._policies.get(contact.campaign) or (await self.campaign(contact.campaign)).policy
        try:
            return await self._in_transaction(
                lambda connection: sql_claims.claim(
                    connection,
                    contact,
                    policy,
                    attempt=attempt,
                    from_number=from_number,
                    worker=worker,
                    shard=shard,
                    fence=fence,
                    now=now,
                    send_within=send_within,
                    number_hash=self.hash_of(contact.number),
                    gap=policy.gap if self._database.is_shared else 0.0,
                )
            )
        except sql_caps.Missed as missed:
            return missed.miss

    async def placed(self, attempt: str, call_id: str, now: float) -> None:
        await self._answered(attempt, "placed", now, call_id=call_id, started_at=now)

    async def refused(self, attempt: str, error: str, now: float, *, why: str | None = None) -> None:
        await self._answered(attempt, "refused", now, why=why, error=error, ended_at=now, row_values={"reason": error})

    async def refused_alike(self, campaign: str, why: str, now: float) -> int:
        return await self._in_transaction(sql_refusals.refused_alike, campaign, why, now)

    async def not_sent(
        self, attempt: str, error: str, now: float, *, due_at: float | None = None, why: str | None = None
    ) -> None:
        await self._answered(attempt, "not_sent", now, why=why, error=error, due_at=due_at)

    async def unknown(self, attempt: str, error: str, now: float) -> None:
        await self._answered(attempt, "unknown", now, error=error)

    async def found(self, attempt: str, call_id: str, now: float) -> None:
        await self._answered(attempt, "found", now, call_id=call_id, started_at=now)

    async def given_up(self, attempt: str, now: float, *, redial: bool) -> None:
        await self._answered(attempt, "given_up", now, again=redial, row_values={"reason": "unresolved"})

    async def ended(self, attempt: str, end: Ended) -> None:
        def write(connection: Connection) -> None:
            sql_claims.end(connection, attempt, end)
            sql_postgres.notify(connection, self.id, "end")

        await self._in_transaction(write)

    async def lost(self, attempt: str, now: float) -> None:
        await self._answered(
            attempt, "lost", now, outcome="unknown", row_values={"outcome": "unknown", "reason": "never ended"}
        )

    async def looked(self, attempt: OpenAttempt, next_look_at: float) -> None:
        statement = (
            update(attempts)
            .where(attempts.c.id == attempt.id, attempts.c.looks == attempt.looks)
            .values(looks=attempt.looks + 1, next_look_at=next_look_at)
        )
        await self._in_transaction(lambda connection: connection.execute(statement))

    async def open_attempts(self, campaign: str | None = None) -> Sequence[OpenAttempt]:
        return await self._database.read(sql_attempts.open_attempts, campaign)

    async def late_attempts(self, since: float) -> Sequence[OpenAttempt]:
        return await self._database.read(sql_attempts.late_attempts, since)

    async def last_ends(
        self, campaign: str, most: int, *, since: float = 0.0
    ) -> Sequence[tuple[OutcomeWord, float | None]]:
        return await self._database.read(sql_attempts.last_ends, campaign, most, since)

    async def counts(self, campaign: str) -> Mapping[str, int]:
        return await self._database.read(sql_rows.counts, campaign)

    async def attempts(self, ids: Sequence[str]) -> Sequence[OpenAttempt]:
        return await self._database.read(sql_attempts.attempts_by_id, ids)

    async def owned(self, call_ids: Sequence[str]) -> frozenset[str]:
        return await self._database.read(sql_attempts.owned, call_ids)

    async def adopt(self, attempt: str, call_id: str, number: str, placed_at: float, now: float) -> bool:
        return await self._in_transaction(sql_attempts.adopt, attempt, call_id, self.hash_of(number), placed_at, now)

    async def last_activity_at(self) -> float:
        def read(connection: Connection) -> float:
            last: float = connection.execute(select(store_table.c.last_activity_at)).scalar_one()
            return last or connection.execute(select(func.min(campaigns.c.created_at))).scalar() or 0.0

        return await self._database.read(read)

    async def has_dialed(self) -> bool:
        statement = select(store_table.c.last_activity_at)
        return await self._database.read(lambda connection: connection.execute(statement).scalar_one() > 0)

    async def add_do_not_call(self, numbers: Sequence[str], source: str, now: float) -> int:
        hashes = [self.hash_of(number) for number in numbers]

        def add(connection: Connection) -> int:
            return sum(sql_claims.add_do_not_call(connection, each, source, now) for each in hashes)

        return await self._in_transaction(add)

    async def remove_do_not_call(self, number: str, now: float) -> bool:
        number_hash = self.hash_of(number)

        def remove(connection: Connection) -> bool:
            gone = connection.execute(delete(do_not_call).where(do_not_call.c.number_hash == number_hash)).rowcount
            sql_claims.note(connection, now, "may_call_again", number_hash=number_hash)
            return gone > 0

        return await self._in_transaction(remove)

    async def add_hint(self, kind: str, call_id: str | None, now: float) -> None:
        def add(connection: Connection) -> None:
            if connection.execute(select(func.count()).select_from(hints)).scalar_one() < _MOST_HINTS:
                connection.execute(insert(hints).values(at=now, kind=kind, call_id=call_id))
            sql_postgres.notify(connection, self.id, "hint")

        await self._in_transaction(add)

    async def tell_of_hint(self) -> None:
        """Wake the worker that looks for the ends of calls, whichever it is."""
        await self._database.read(sql_postgres.notify, self.id, "hint")

    async def take_hints(self) -> int:
        def take(connection: Connection) -> int:
            if connection.execute(select(hints.c.id).limit(1)).first() is None:
                return 0  # asked every other second: where no hint came, nothing is written
            return connection.execute(delete(hints)).rowcount

        return await self._in_transaction(take)

    def may_have_changed(self) -> bool:
        return self._database.may_have_changed()

    def cut(self, after: float) -> None:
        self._database.cut(after)

    async def snapshot(self, campaign: str) -> CampaignCopy:
        await self.campaign(campaign)
        return await self._in_transaction(sql_copy.snapshot, campaign)

    async def load(self, snapshot: CampaignCopy, *, campaign: str, agent_id: str, now: float) -> None:
        """Take over what another store knows of a campaign, to be dialed by another agent. For an empty store."""
        await self._in_transaction(sql_copy.load, snapshot, campaign=campaign, agent_id=agent_id, now=now)
        self._database.id = snapshot.store_id

    async def reasons(self, campaign: str) -> Mapping[str, int]:
        return await self._database.read(sql_plans.reasons, campaign)

    async def uncalled(self, campaign: str) -> Mapping[str, int]:
        return await self._database.read(sql_copy.uncalled, campaign)

    async def held(self, campaign: str, most: int) -> Sequence[HeldRow]:
        return await self._database.read(sql_copy.held, campaign, most)

    async def export_attempts(self, campaign: str) -> AsyncIterator[AttemptRow]:
        last = ""
        while True:
            page = await self._database.read(sql_copy.attempts_after, campaign, last)
            for row in page:
                yield row
            if len(page) < sql_rows.PAGE:
                return
            last = page[-1].attempt

    async def history(self, number: str) -> Sequence[Mapping[str, object]]:
        return await self._database.read(sql_rows.history, self.hash_of(number))

    async def call_only(self, campaign: str, numbers: Collection[str] | None, canary: int | None = None) -> None:
        keys = None if numbers is None else frozenset(map(self.hash_of, numbers))
        await self._in_transaction(sql_rows.call_only, campaign, keys, canary)

    async def server_change(self) -> ServerChange | None:
        if not self._database.is_postgres:
            return None
        return await self._database.read(sql_servers.change)

    async def guarded(self, server: Mapping[str, str]) -> None:
        await self._in_transaction(sql_servers.guarded, server)

    async def held_rows(self, number: str) -> Sequence[int]:
        return await self._database.read(sql_rows.held_rows, self.hash_of(number))

    async def resolve(self, row: int, *, to: Literal["done", "waiting"], reason: str, now: float) -> None:
        await self._in_transaction(sql_rows.settle_row, row, RowState.UNRESOLVED, RowState(to), reason, now)

    async def forget(self, number: str, now: float) -> int:
        count = await self._in_transaction(sql_rows.forget, self.hash_of(number), now)
        await self._database.compact()
        return count

    async def export(self, campaign: str) -> AsyncIterator[Mapping[str, object]]:
        last = 0
        while True:
            page = await self._database.read(sql_rows.exported, campaign, last)
            for _, row in page:
                yield row
            last = page[-1][0] if page else last
            if len(page) < sql_rows.PAGE:
                return

    def hash_of(self, number: str) -> str:
        """What stands for a number where the number itself must not stand."""
        return self._database.hash_of(number)

    def _as_campaign(self, found: Row[Any]) -> CampaignRecord:
        policy = self._policies.get(found.id)
        if policy is None:
            policy = self._policies[found.id] = policy_json.from_json(found.policy)
        return sql_rows.as_campaign(found, policy)

    async def _in_transaction(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **values: P.kwargs
    ) -> T:
        return await self._database.in_transaction(work, *args, **values)

    async def _answered(self, attempt: str, happening: Happening, now: float, **values: Any) -> None:
        await self._in_transaction(
            lambda connection: sql_claims.answered(connection, attempt, happening, now, **values)
        )
