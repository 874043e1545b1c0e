"""How a campaign is given to the workers of a store, and how a process becomes one of them."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import anyio
from sqlalchemy import Connection

from trudy._concurrency.loops import Wakeup, current_loop, is_asyncio
from trudy.dialer import sql_postgres, sql_rows, sql_servers
from trudy.dialer.assembly import RunHooks
from trudy.dialer.fleet import jobs
from trudy.dialer.interrupts import until_interrupted
from trudy.dialer.placing import worker_name
from trudy.dialer.plan import Plan
from trudy.dialer.records import CampaignState
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import Store, StoreError
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.client import AsyncTrudyClient
    from trudy.clock import Clock


_STAND_STILL: Final[Collection[CampaignState]] = ("planned", "paused", "halted")


def shared_store(store: Store) -> SqlStore:
    """A store from which several processes may dial.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(store, SqlStore) or not store.database.is_postgres:
        raise ConfigurationError('several workers need a store in PostgreSQL: Dialer(client, store="postgresql://...")')
    return store


def check_client(client: AsyncTrudyClient) -> None:
    """The workers' requests must be counted together.

    Raises:
        ConfigurationError: this client counts its own.
    """
    if client.rate_limit is not None:
        raise ConfigurationError(
            "each worker would take the whole rate limit for itself: make the client with"
            " rate_limiter=trudy.PostgresRateLimiter(...), the same one for all"
        )


async def start(store: SqlStore, plan: Plan, *, now: float, by: str | None) -> None:
    """Let a campaign run, with the first jobs of its shards, in one transaction. One that runs gets what it lacks."""
    keys = None if plan.only_to is None else frozenset(map(store.hash_of, plan.only_to))

    def give(connection: Connection) -> None:
        jobs.make_tables(connection)
        sql_rows.call_only(connection, plan.campaign, keys, plan.canary)
        sql_rows.move_campaign(connection, plan.campaign, "running", reason=None, now=now, by=by, was=_STAND_STILL)
        jobs.put_shards(connection, store.id, plan.campaign)
        sql_postgres.notify(connection, store.id, "move")

    await store.database.in_transaction(give)


async def work(
    store: SqlStore,
    hooks: RunHooks,
    *,
    client: AsyncTrudyClient,
    clock: Clock,
    server_now: Callable[[], float],
    event_of: Callable[[str], object],
    look_soon: Wakeup,
    until_done: bool,
) -> None:
    """Dial with others until it is interrupted, or all is done."""
    if not is_asyncio(current_loop()):
        raise ConfigurationError("a worker needs asyncio: Procrastinate runs on no other event loop")
    async with _one_of_the_workers(store) as name:
        # Imported after the check of the extra, which names what is missing.
        from trudy.dialer.fleet.fleet_worker import FleetWorker

        worker = FleetWorker(
            client=client,
            store=store,
            clock=clock,
            server_now=server_now,
            name=name,
            hooks=hooks,
            event_of=event_of,
            look_soon=look_soon,
            until_done=until_done,
        )
        await until_interrupted(worker, signal.SIGTERM)


@asynccontextmanager
async def _one_of_the_workers(store: SqlStore) -> AsyncGenerator[str]:
    """A name that no other worker has, while nobody dials alone."""
    name = f"{worker_name()}, worker {uuid4().hex[:12]}"
    is_alone = await store.database.share(name)
    try:
        await store.database.in_transaction(_prepare, is_alone)
        yield name
    finally:
        # Where the database is away, the lock has gone with the connection.
        with anyio.CancelScope(shield=True), suppress(StoreError):
            await store.database.unlock()


def _prepare(connection: Connection, is_alone: bool) -> None:
    jobs.make_tables(connection)
    if is_alone:  # while nobody dialed, a backup may have been restored
        sql_servers.doubt(connection)
