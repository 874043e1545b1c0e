"""What a claim asks when several dial: the canary, the gap, who may be called, the fence, and the database's server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from tests.dialer.claiming import NOON, A, B, C, Worker, campaign_of, contacts
from tests.fakes.clock import FakeClock
from trudy.dialer import Hours, Policy
from trudy.dialer.records import Claim, Miss
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.throwaway_postgres import PostgresServer

pytestmark = pytest.mark.anyio
EVENLY = Policy(hours=Hours.always(), gap=2.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(postgres_url, clock=FakeClock())
    await store.open()
    change = await store.server_change()
    assert change is not None
    await store.guarded(change.server)
    yield store
    await store.close()


def missed(found: Claim | Miss, reason: str) -> Miss:
    assert isinstance(found, Miss), found
    assert found.reason == reason
    return found


async def test_the_canary_is_the_most_that_all_workers_call(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B, C)
    await store.call_only(campaign, None, 2)
    workers = [await Worker(store, campaign).start()]
    first, second, third = await contacts(store, campaign)
    attempt = await workers[0].must_claim(first)
    await workers[0].must_claim(second)
    missed(await workers[0].claim(third), "canary")
    await store.not_sent(attempt, "e", NOON)
    await workers[0].must_claim(third)
    await store.call_only(campaign, None, None)
    assert (await store.campaign(campaign)).canary is None


@pytest.mark.parametrize("numbers", [[A], []])
async def test_nobody_but_the_numbers_of_only_to_is_claimed_however_a_row_came_to_wait(
    store: SqlStore, numbers: list[str]
) -> None:
    campaign = await campaign_of(store, A, B)
    allowed, other = await contacts(store, campaign)
    await store.call_only(campaign, numbers)
    await store.postpone(other.id, NOON, "by hand")
    worker = await Worker(store, campaign).start()
    missed(await worker.claim(other), "only_to")
    assert isinstance(await worker.claim(allowed), Claim) == bool(numbers)
    await store.call_only(campaign, None)
    assert isinstance(await worker.claim(other), Claim)


async def test_the_gap_holds_between_the_calls_of_all_workers(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B, policy=EVENLY)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await store.database.share("one of many")
    await worker.must_claim(first)
    assert missed(await worker.claim(second, NOON + 1.5), "gap").due_at == NOON + 2.0
    await worker.must_claim(second, NOON + 2.0)


async def test_a_turn_that_another_worker_has_taken_over_claims_nothing(store: SqlStore) -> None:
    campaign = await campaign_of(store, *(f"+121255501{index:02d}" for index in range(32)))
    waiting = await contacts(store, campaign)
    assert {contact.shard for contact in waiting} == set(range(16))
    mine = [contact for contact in waiting if contact.shard == 3]
    worker = Worker(store, campaign)
    worker.fence = await store.take_shard(campaign, 3, "a worker")
    other = await store.take_shard(campaign, 4, "another worker")
    await worker.must_claim(mine[0])
    assert await store.take_shard(campaign, 3, "another worker") == worker.fence + 1
    missed(await worker.claim(mine[1]), "fence")
    assert await store.take_shard(campaign, None, "one alone") > max(worker.fence + 1, other)
    assert [each.shard for each in await store.due(campaign, 4, NOON, 5)] == [4, 4]


Change = Callable[[PostgresServer, psycopg.Connection[tuple[object, ...]]], None]


def restart(server: PostgresServer, _: object) -> None:
    server.stop("immediate")
    server.start()


def fill_from_a_dump(_: object, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("CREATE TABLE dump AS TABLE attempts")
    connection.execute("TRUNCATE attempts")
    connection.execute("INSERT INTO attempts SELECT * FROM dump")


def promote(_: object, connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """As it looks to who was on another server before."""
    connection.execute(
        """UPDATE store SET guarded_for = guarded_for::jsonb || '{"timeline": "00000000", "started": "1.0"}'"""
    )


@pytest.mark.parametrize(
    ("change", "keeps"), [(restart, True), (fill_from_a_dump, False), (promote, False)], ids=lambda it: str(it)[:20]
)
async def test_on_another_server_nothing_is_claimed_until_the_store_was_compared(
    store: SqlStore, postgres: PostgresServer, postgres_url: str, change: Change, keeps: bool
) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await worker.must_claim(first)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        change(postgres, connection)
    missed(await worker.claim(second), "server")
    found = await store.server_change()
    assert found is not None
    assert found.keeps_data == keeps
    await store.guarded(found.server)
    assert await store.server_change() is None
    await worker.must_claim(second)


@pytest.mark.parametrize("hidden", ["timeline", "system", "files", "started"])
async def test_a_server_that_does_not_tell_everything_is_known_by_the_rest(
    store: SqlStore, postgres_url: str, hidden: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE store SET guarded_for = guarded_for::jsonb - %s::text", (hidden,))
        assert await store.server_change() is None
        if hidden == "started":
            return
        connection.execute("""UPDATE store SET guarded_for = guarded_for::jsonb || '{"started": "1.0"}'""")
    found = await store.server_change()
    assert found is not None
    assert found.keeps_data == (hidden != "timeline")
