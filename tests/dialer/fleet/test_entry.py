"""Campaigns given to workers, and who may be one."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from tests.dialer.child import numbers_that
from tests.dialer.fleet.conftest import Fleet, until, working
from trudy import AsyncTrudyClient
from trudy.dialer import Dialer, StoreBusyError, SyncDialer
from trudy.dialer.store import StoreError
from trudy.errors import ConfigurationError, InvalidArgumentError

pytestmark = pytest.mark.anyio


async def test_workers_share_a_campaign_and_call_each_number_once(fleet: Fleet) -> None:
    dialers = [await fleet.dialer() for _ in range(3)]
    plan = await fleet.plan(dialers[0], numbers_that(24, 0, 1, 2, 3))
    assert (await dialers[0].start(plan, confirm=plan.hash)).state == "running"
    async with asyncio.timeout(40):
        await asyncio.gather(*(dialer.work(until_done=True) for dialer in dialers))
    status = await dialers[0].status(plan.campaign)
    assert (status.state, status.counts, status.live) == ("done", {"done": 24}, 0)
    fleet.sandbox.assert_no_number_dialed_twice()
    assert len(fleet.sandbox.placed_calls) == 24
    assert len(fleet.ask("SELECT DISTINCT worker FROM attempts")) == 3
    assert fleet.ask("SELECT status FROM procrastinate_jobs WHERE task_name = 'trudy.dialer.dial'") == []
    assert fleet.ask("SELECT * FROM workers") == []


async def test_a_start_gives_each_shard_its_job_and_once_more_changes_nothing(fleet: Fleet) -> None:
    dialer = await fleet.dialer()
    plan = await fleet.plan(dialer, numbers_that(8, 0))
    with pytest.raises(InvalidArgumentError, match="hash"):
        await dialer.start(plan, confirm="no")
    await dialer.start(plan, confirm=plan.hash, confirmed_by="Ada")
    jobs = "SELECT lock, queueing_lock, args->>'shard' FROM procrastinate_jobs WHERE status = 'todo'"
    assert sorted(fleet.ask(jobs)) == sorted(
        (f"{plan.campaign}/{shard}", f"{plan.campaign}/{shard}", str(shard)) for shard in range(16)
    )
    [before] = fleet.ask("SELECT revision, running_since, confirmed_by FROM campaigns")
    await dialer.start(plan, confirm=plan.hash)
    assert len(fleet.ask(jobs)) == 16
    assert fleet.ask("SELECT revision, running_since, confirmed_by FROM campaigns") == [before]
    await dialer.stop(plan.campaign)
    assert (await dialer.start(plan, confirm=plan.hash)).state == "stopped"


async def test_who_dials_alone_and_who_dials_with_others_keep_each_other_out(fleet: Fleet) -> None:
    worker, other, alone = [await fleet.dialer() for _ in range(3)]
    plan = await fleet.plan(alone, numbers_that(4, 0))
    async with working(worker, other):
        await until(lambda: len(fleet.ask("SELECT * FROM workers")) == 2)
        with pytest.raises(StoreBusyError, match="worker"):
            await alone.run(plan, confirm=plan.hash)
        with pytest.raises(StoreBusyError, match="dials already"):
            await worker.work()
        with pytest.raises(StoreBusyError, match="is a worker"):
            await worker.run(plan, confirm=plan.hash)
    assert (await alone.run(plan, confirm=plan.hash)).state == "done"
    with pytest.raises(StoreBusyError, match="process"):
        await worker.work(until_done=True)
    await alone.work(until_done=True)
    await worker.work(until_done=True)


async def test_what_no_worker_can_be_made_of_is_named(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> None:
    counts_alone = await fleet.dialer(rate_limit=100)
    with pytest.raises(ConfigurationError, match="PostgresRateLimiter"):
        await counts_alone.work()
    path = tmp_path_factory.mktemp("store") / "leads.db"
    async with AsyncTrudyClient(api_key="sk_test") as client, Dialer(client, store=path) as in_a_file:
        with pytest.raises(ConfigurationError, match="PostgreSQL"):
            await in_a_file.work()


async def test_a_worker_needs_no_event_loop_of_its_own(fleet: Fleet) -> None:
    boss = await fleet.dialer()
    plan = await fleet.plan(boss, numbers_that(6, 0))
    await boss.start(plan, confirm=plan.hash)

    def work() -> list[str]:
        heard: list[str] = []
        client = fleet.sandbox.client(rate_limit=False)
        with client, SyncDialer(client, store=fleet.url, clock=fleet.sandbox.clock) as dialer:
            dialer.work(on_event=lambda event: heard.append(event.kind), until_done=True)
        return heard

    with anyio.fail_after(40):
        heard = await anyio.to_thread.run_sync(work)
    assert heard.count("placed") == 6
    assert (await boss.status(plan.campaign)).counts == {"done": 6}


async def test_a_role_that_may_make_no_tables_is_told_so_and_dials_from_those_that_are_made(fleet: Fleet) -> None:
    boss = await fleet.dialer()
    plan = await fleet.plan(boss, numbers_that(4, 0))
    fleet.run("CREATE ROLE lowly LOGIN; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO lowly")
    grant = (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lowly;"
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lowly"
    )
    lowly = Dialer(boss.client, store=fleet.url.replace("postgres@", "lowly@"), clock=fleet.sandbox.clock)
    try:
        with pytest.raises(StoreError, match="permission denied for table"):
            await lowly.__aenter__()
        assert fleet.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'lowly'") == []
        fleet.run(grant)
        async with lowly:
            with pytest.raises(StoreError, match="permission denied for schema public"):
                await lowly.start(plan, confirm=plan.hash)
            with pytest.raises(StoreError, match="permission denied for schema public"):
                await lowly.work()
            await boss.start(plan, confirm=plan.hash)
            fleet.run(grant)
            assert (await lowly.start(plan, confirm=plan.hash)).state == "running"
            with anyio.fail_after(40):
                await lowly.work(until_done=True)
        assert (await boss.status(plan.campaign)).counts == {"done": 4}
    finally:
        fleet.run("DROP OWNED BY lowly; DROP ROLE lowly")


async def test_tables_of_procrastinate_that_are_too_old_are_named(fleet: Fleet) -> None:
    dialer = await fleet.dialer()
    plan = await fleet.plan(dialer, numbers_that(4, 0))
    await dialer.start(plan, confirm=plan.hash)
    fleet.run("ALTER FUNCTION procrastinate_fetch_job_v2 RENAME TO procrastinate_fetch_job_v1")
    with pytest.raises(StoreError, match="Procrastinate"):
        await dialer.start(plan, confirm=plan.hash)
    with pytest.raises(StoreError, match="Procrastinate"):
        await dialer.work()
    fleet.run("ALTER FUNCTION procrastinate_fetch_job_v1 RENAME TO procrastinate_fetch_job_v2")
    fleet.run("CREATE FUNCTION procrastinate_fetch_job_v9() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert (await dialer.start(plan, confirm=plan.hash)).state == "running", "later versions do as well"
