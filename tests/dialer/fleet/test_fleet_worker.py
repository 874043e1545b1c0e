"""Workers that dial together: what one of them does when others pause, die, or are told something."""

from __future__ import annotations

import asyncio
import time

import anyio
import pytest
from attrs import evolve

from tests.dialer.child import numbers_that
from tests.dialer.fleet.conftest import POLICY, Fleet, fleet_of, until, working
from tests.dialer.fleet.silent_proxy import silent_proxy
from trudy.dialer import Dialer, DueRow, Policy, interrupts
from trudy.dialer.fleet import supervisor
from trudy.dialer.fleet.keeper import Keeper, Kept
from trudy.dialer.refusals import IN_A_ROW
from trudy.dialer.store import StoreError
from trudy.dialer.throwaway_postgres import PostgresServer

pytestmark = pytest.mark.anyio
NUMBERS = numbers_that(16, 0, 1, 2, 3)


async def started(
    fleet: Fleet, policy: Policy = POLICY, numbers: list[str] = NUMBERS, **members: object
) -> tuple[Dialer, str]:
    """A dialer that does not dial, and a campaign that it started."""
    dialer = await fleet.dialer()
    plan = await fleet.plan(dialer, numbers, policy, **members)
    await dialer.start(plan, confirm=plan.hash)
    return dialer, plan.campaign


async def test_a_worker_that_comes_later_gets_its_share_of_the_shards(postgres_url: str) -> None:
    # A turn lasts a minute; so long nobody would wait here.
    async with fleet_of(postgres_url, speed=1) as fleet:
        await started(fleet, evolve(POLICY, gap=0.05), numbers=numbers_that(400, *range(40)))

        def shares() -> list[int]:
            return sorted(int(str(count)) for (count,) in fleet.ask("SELECT count(*) FROM leases GROUP BY worker"))

        async with working(await fleet.dialer()):
            await until(lambda: shares() == [16])
            async with working(await fleet.dialer()):
                await until(lambda: shares() == [8, 8])
    fleet.sandbox.assert_no_number_dialed_twice()


async def until_done(fleet: Fleet, *dialers: Dialer) -> None:
    with anyio.fail_after(40):
        await asyncio.gather(*(dialer.work(until_done=True) for dialer in dialers))
    fleet.sandbox.assert_no_number_dialed_twice()


async def test_a_pause_holds_all_workers_at_once_and_they_go_on_when_it_ends(fleet: Fleet) -> None:
    boss, campaign = await started(fleet, evolve(POLICY, gap=1.0))
    async with working(await fleet.dialer(), await fleet.dialer()):
        await until(lambda: len(fleet.sandbox.placed_calls) >= 3)
        await boss.pause(campaign)
        await until(lambda: fleet.ask("SELECT id FROM attempts WHERE state = 'intent'") == [])
        placed = len(fleet.sandbox.placed_calls)
        assert placed < len(NUMBERS)
        await until(lambda: fleet.ask("SELECT id FROM attempts WHERE state = 'placed'") == [])
        assert len(fleet.sandbox.placed_calls) == placed, "the ends of calls are looked for in a pause too"
        assert (
            fleet.ask(
                "SELECT id FROM events WHERE kind = 'intent'"
                " AND id > (SELECT max(id) FROM events WHERE kind = 'campaign' AND data->>'to' = 'paused')"
            )
            == []
        ), "from the moment on at which the pause is committed, nobody claims"
        resumed = time.monotonic()
        await boss.resume(campaign)
        await until(lambda: len(fleet.sandbox.placed_calls) > placed)
        assert time.monotonic() - resumed < 10
        await boss.stop(campaign)
        await until(lambda: fleet.ask("SELECT id FROM procrastinate_jobs WHERE task_name = 'trudy.dialer.dial'") == [])
    fleet.sandbox.assert_no_number_dialed_twice()


async def test_the_canary_pauses_for_all_workers(fleet: Fleet) -> None:
    boss, campaign = await started(fleet, canary=3)
    await until_done(fleet, await fleet.dialer(), await fleet.dialer())
    status = await boss.status(campaign)
    assert (status.state, status.reason, len(fleet.sandbox.placed_calls)) == ("paused", "the canary was called", 3)


@pytest.mark.parametrize("status", [400, 404])
async def test_what_everybody_is_refused_for_is_counted_over_all_workers_and_nobody_is_lost_for_it(
    fleet: Fleet, status: int
) -> None:
    most_live = 2
    boss, campaign = await started(fleet, evolve(POLICY, max_live=most_live))
    fleet.sandbox.faults.add(method="POST", path="/calls", status=status)
    await until_done(fleet, *[await fleet.dialer() for _ in range(3)])
    asked = [each for each in fleet.sandbox.requests if each.method == "POST" and each.path == "/calls"]
    assert len(asked) <= IN_A_ROW + 2 * most_live, "those that are on their way meanwhile"
    found = await boss.status(campaign)
    assert (found.state, found.counts) == ("paused", {"waiting": len(NUMBERS)})
    assert f"refused alike: HTTP {status}" in (found.reason or "")


async def test_shards_whose_jobs_were_lost_get_new_ones(fleet: Fleet) -> None:
    boss, campaign = await started(fleet)
    fleet.ask("DELETE FROM procrastinate_jobs WHERE args->>'shard' < '5' RETURNING id")
    # As a worker leaves them that died in its turn.
    fleet.ask("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') RETURNING id")
    fleet.ask("UPDATE procrastinate_jobs SET status = 'doing', worker_id = 1 WHERE args->>'shard' = '7' RETURNING id")
    fleet.ask("UPDATE procrastinate_jobs SET status = 'failed' WHERE args->>'shard' = '8' RETURNING id")
    await until_done(fleet, await fleet.dialer())
    assert (await boss.status(campaign)).counts == {"done": len(NUMBERS)}


async def test_a_database_that_restarts_in_mid_run(fleet: Fleet, postgres: PostgresServer) -> None:
    boss, campaign = await started(fleet, evolve(POLICY, gap=2.0))
    workers = [asyncio.create_task((await fleet.dialer()).work(until_done=True)) for _ in range(2)]
    await until(lambda: len(fleet.ask("SELECT name FROM workers")) == 2)
    await until(lambda: len(fleet.sandbox.placed_calls) >= 4)
    await anyio.to_thread.run_sync(postgres.stop, "immediate")
    await anyio.to_thread.run_sync(postgres.start)
    with anyio.fail_after(40):
        await asyncio.gather(*workers)
    status = await boss.status(campaign)
    assert (status.state, status.counts) == ("done", {"done": len(NUMBERS)})
    fleet.sandbox.assert_no_number_dialed_twice()
    assert len(fleet.sandbox.placed_calls) == len(NUMBERS)


@pytest.mark.soak
async def test_connections_that_die_without_a_word_are_given_up(
    fleet: Fleet, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "_SILENT", 1.5)
    for name in ("_SILENT", "_STOPS_WITHIN", "_SAYS_SO_WITHIN", "_BEATS_EVERY", "_STALLED_AFTER"):
        monkeypatch.setattr(supervisor, name, 3.0 if name == "_STALLED_AFTER" else 1.0)
    boss = await fleet.dialer()
    url = fleet.url.replace(str(postgres.port), "{}")
    async with silent_proxy(postgres.port) as proxy:
        worker = Dialer(boss.client, store=url.format(proxy.port), clock=fleet.sandbox.clock)
        await fleet.stack.enter_async_context(worker)
        async with working(worker):
            # It waits for jobs, and for those of the sweep; the proxy runs on this loop.
            await until(lambda: fleet.ask("SELECT name FROM workers") != [])
            await until(lambda: len(fleet.ask("SELECT id FROM procrastinate_workers")) == 2)
            proxy.silence()
            plan = await fleet.plan(boss, NUMBERS)
            await boss.start(plan, confirm=plan.hash)
            await until(lambda: fleet.ask("SELECT state FROM campaigns") == [("done",)], 40)
    fleet.sandbox.assert_no_number_dialed_twice()
    assert (await boss.status(plan.campaign)).counts == {"done": len(NUMBERS)}


async def test_a_worker_that_begins_waits_for_a_database_that_is_lost_meanwhile(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialer, looks, look = await fleet.dialer(), list[Keeper](), Keeper.look

    async def fails_once(keeper: Keeper) -> Kept:
        looks.append(keeper)
        if len(looks) == 1:
            raise StoreError("the connection was lost")
        return await look(keeper)

    monkeypatch.setattr(Keeper, "look", fails_once)
    with anyio.fail_after(20):
        await dialer.work(until_done=True)
    assert len(looks) >= 2


async def test_what_a_restored_store_has_forgotten_halts_all_and_is_not_dialed_again(fleet: Fleet) -> None:
    boss, campaign = await started(fleet, canary=4)
    await until_done(fleet, await fleet.dialer())
    known = {call.to for call in fleet.sandbox.placed_calls}
    assert known
    # As a backup from before has it.
    fleet.ask("DELETE FROM attempts RETURNING id")
    fleet.ask("UPDATE rows SET state = 'waiting', due_at = NULL, attempts = 0, outcome = NULL RETURNING id")
    fleet.ask("UPDATE campaigns SET dialed = 0, canary = NULL, state = 'running' RETURNING id")
    async with working(await fleet.dialer()):
        await until(lambda: fleet.ask("SELECT state FROM campaigns") == [("halted",)])
        status = await boss.status(campaign)
        assert "backup" in (status.reason or "")
        assert status.counts == {"unresolved": len(known), "waiting": len(NUMBERS) - len(known)}
        assert len(fleet.sandbox.placed_calls) == len(known)
        await boss.resume(campaign)
        await until(lambda: len(fleet.sandbox.placed_calls) == len(NUMBERS))
    assert {call.to for call in fleet.sandbox.placed_calls[len(known) :]}.isdisjoint(known)
    fleet.sandbox.assert_no_number_dialed_twice()


async def test_an_answer_that_the_store_could_not_take_is_kept(fleet: Fleet) -> None:
    """A refusal is told once: nothing would find it later."""
    boss, campaign = await started(fleet)
    dialer = await fleet.dialer()
    fleet.sandbox.fail_next(method="POST", path="/calls", status=400, times=1)
    lost: list[str] = []
    refused = dialer.store.refused

    async def cut(attempt: str, error: str, now: float, *, why: str | None = None) -> None:
        if not lost:
            lost.append(attempt)
            fleet.ask(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            raise StoreError("the connection was lost")
        await refused(attempt, error, now, why=why)

    dialer.store.refused = cut  # type: ignore[method-assign]
    await until_done(fleet, dialer)
    assert (lost[0], "refused") in fleet.ask("SELECT id, state FROM attempts")
    assert (await boss.status(campaign)).counts == {"done": len(NUMBERS)}


async def test_what_a_hook_raises_ends_the_worker_in_good_order_and_others_go_on(fleet: Fleet) -> None:
    boss, campaign = await started(fleet)
    seen: list[DueRow] = []

    def fails(row: DueRow) -> None:
        seen.append(row)
        if len(seen) == 3:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), anyio.fail_after(20):
        await (await fleet.dialer()).work(should_dial=fails)
    assert fleet.ask("SELECT id FROM attempts WHERE state = 'intent'") == []
    await until_done(fleet, await fleet.dialer())
    assert (await boss.status(campaign)).counts == {"done": len(NUMBERS)}


async def test_an_intent_of_a_worker_that_is_alive_waits_for_its_answer_and_that_of_a_dead_one_is_looked_for(
    fleet: Fleet,
) -> None:
    boss, campaign = await started(fleet)
    store = boss.store
    change = await store.server_change()
    assert change is not None
    await store.guarded(change.server)
    contact = (await store.due(campaign, None, boss.now(), 1))[0]
    fence = await store.take_shard(campaign, contact.shard, "another")
    attempt = "0" * 36
    await store.claim(
        contact, attempt=attempt, from_number=None, worker="another", shard=contact.shard, fence=fence, now=boss.now(),
        send_within=10_000.0,
    )  # fmt: skip
    await boss.client.calls.create(
        agent_id=fleet.agent, phone_number=contact.number, variables={"trudy_ref": f"{store.id}/{attempt}"}
    )
    alive = "INSERT INTO workers VALUES ('another', extract(epoch FROM now()) + 1000) RETURNING name"
    fleet.ask(alive)
    async with working(await fleet.dialer()):
        await until(lambda: len(fleet.sandbox.placed_calls) == len(NUMBERS))
        await until(lambda: fleet.ask("SELECT id FROM attempts WHERE state = 'placed'") == [])
        assert fleet.ask("SELECT id FROM attempts WHERE state = 'intent'") == [(attempt,)]
        fleet.ask("DELETE FROM workers WHERE name = 'another' RETURNING name")
        await until(lambda: (attempt, "ended") in fleet.ask("SELECT id, state FROM attempts"))
    fleet.sandbox.assert_no_number_dialed_twice()


@pytest.mark.parametrize("keeps_every", [1.0, 60.0], ids=["by the keeper too", "by a notice alone"])
async def test_what_any_process_heard_of_a_call_brings_the_sweep_forward(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, keeps_every: float
) -> None:
    monkeypatch.setattr("trudy.dialer.fleet.fleet_worker._KEEPS_EVERY", keeps_every)
    async with fleet_of(postgres_url, speed=1) as fleet:
        boss, _ = await started(fleet, evolve(POLICY, max_live=1))
        looks = lambda: sum(each.method == "GET" and each.path.endswith("/calls") for each in fleet.sandbox.requests)  # noqa: E731
        async with working(await fleet.dialer(), await fleet.dialer()):
            await until(lambda: fleet.ask("SELECT id FROM attempts WHERE state = 'placed'") != [])
            before = looks()
            for count in (1, 2):
                await boss.hint()
                await until(lambda count=count: looks() >= before + count, 5.0)  # type: ignore[misc]
