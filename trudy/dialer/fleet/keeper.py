"""What each worker looks after every second: who is alive, which jobs are missing, which campaigns are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen
from sqlalchemy import Connection, delete, exists, or_, select, text

from trudy.dialer import sql_attempts, sql_rows, sql_servers
from trudy.dialer.fleet import jobs
from trudy.dialer.records import HELD_UNTIL, ONLY_HELD, CampaignState
from trudy.dialer.schema import attempts, campaigns, hints, rows, workers
from trudy.dialer.sql_store import SqlStore

ALIVE_WITHIN: Final = 10.0
"""Seconds since it said so for which a worker is alive. Longer leaves the calls of one that died waiting; shorter takes
one whose machine is busy for dead, whose calls are then looked for at once."""
_FORGET_AFTER: Final = 86_400.0
"""Seconds after which a worker that says nothing is deleted: a day is enough to look for why, and more would leave a
row for each that ever was."""
_SEEN: Final = text(
    "INSERT INTO workers (name, seen_at) VALUES (:name, extract(epoch FROM clock_timestamp()))"
    " ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at"
)
_NOW: Final = text("SELECT extract(epoch FROM clock_timestamp())::float8")


@frozen(kw_only=True)
class Kept:
    """What one look showed.

    Attributes:
        alive: names of the workers that are alive.
        running: ids of the campaigns that run.
        turns: how many turns at shards there are to be had, those that are taken too.
        has_hints: whether something was heard of a call that the sweep has not seen yet.
        has_open_calls: whether the end of a call is not known yet.
    """

    alive: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    turns: int = 0
    has_hints: bool = False
    has_open_calls: bool = True


@define(kw_only=True, eq=False)
class Keeper:
    """Puts in the jobs that are missing, ends campaigns that are over, and tells who is alive."""

    store: SqlStore
    server_now: Callable[[], float]
    worker: str
    _last: Kept = field(init=False, factory=Kept)

    async def look(self) -> Kept:
        """Look once, in one transaction."""
        return await self.store.database.in_transaction(self._look)

    async def leave(self) -> None:
        """This worker is gone, and awaits no answer any more."""
        gone = delete(workers).where(workers.c.name == self.worker)
        await self.store.database.in_transaction(lambda connection: connection.execute(gone))

    def _look(self, connection: Connection) -> Kept:
        connection.execute(_SEEN, {"name": self.worker})
        at = connection.execute(_NOW).scalar_one()
        connection.execute(delete(workers).where(workers.c.seen_at < at - _FORGET_AFTER))
        alive = connection.execute(select(workers.c.name).where(workers.c.seen_at > at - ALIVE_WITHIN)).scalars()
        self._end_those_that_are_over(connection)
        jobs.put_sweep(connection, self.store.id)
        if sql_servers.change(connection) is None:
            jobs.put_missing(connection, self.store.id, self.server_now())
        running = connection.execute(select(campaigns.c.id).where(campaigns.c.state == "running")).scalars()
        is_open = select(attempts.c.id).where(sql_attempts.IS_OPEN).limit(1)
        return Kept(
            alive=frozenset(alive),
            running=frozenset(running),
            turns=jobs.count_turns(connection, self.store.id),
            has_hints=connection.execute(select(hints.c.id).limit(1)).first() is not None,
            has_open_calls=connection.execute(is_open).first() is not None,
        )

    def _end_those_that_are_over(self, connection: Connection) -> None:
        quiet = select(campaigns.c.id).where(campaigns.c.state == "running", campaigns.c.live == 0)
        for campaign in connection.execute(quiet).scalars().all():
            waits = sql_rows.waiting(campaign, None)
            will_be_due = or_(rows.c.due_at.is_(None), rows.c.due_at < HELD_UNTIL)
            if connection.execute(select(exists().where(*waits, will_be_due))).scalar_one():
                continue
            is_held = connection.execute(select(exists().where(*waits))).scalar_one()
            to: CampaignState = "paused" if is_held else "done"
            reason = ONLY_HELD if is_held else None
            sql_rows.move_campaign(connection, campaign, to, reason=reason, now=self.server_now())
