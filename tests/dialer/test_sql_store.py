"""The store: plans, people who are forgotten, who may use it, and faults of its file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import event

from tests.dialer.claiming import IN_A_FILE, NOON, OPEN, ZONES, A, B, C, Worker, campaign_of, contacts
from tests.dialer.recount import check_counters, reader, tables_of
from tests.fakes.clock import FakeClock
from trudy.dialer.policy import DAY, Hours, Policy
from trudy.dialer.records import DueRow, Ended, NewRow, PlanHeader
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import StoreBusyError, StoreError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_held_row_is_settled_by_a_persons_word(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)
    await store.unknown(attempt, "timeout", NOON)
    await store.given_up(attempt, NOON + 400, redial=False)
    await store.resolve(contact.id, to="waiting", reason="asked her", now=NOON + 500)
    with pytest.raises(ImpossibleError):
        await store.resolve(contact.id, to="done", reason="twice", now=NOON + 500)
    assert await store.counts(campaign) == {"waiting": 1}


async def test_rows_that_are_done_without_a_call(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B, C)
    other = await campaign_of(store, "+12125550104", name="other")
    called, skipped, refused = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    attempt = await worker.must_claim(called)
    await store.placed(attempt, "call", NOON)
    await store.ended(attempt, Ended(outcome="answered", ended_at=NOON + 60, reason="sold"))
    await store.refused(await worker.must_claim(refused), "validation_error", NOON)
    for row in (skipped, *await contacts(store, other)):
        await store.settle_row(row.id, "sold", NOON)
    assert await store.uncalled(campaign) == {"sold": 1, "refused by the server: validation_error": 1}


async def test_the_same_plan_is_the_same_campaign(store: SqlStore) -> None:
    first = await campaign_of(store, A, B, A)
    assert await store.counts(first) == {"waiting": 2, "duplicate": 1}
    (contact, _) = await contacts(store, first)
    await (await Worker(store, first).start()).must_claim(contact)
    assert await campaign_of(store, A, B, A) == first
    assert await store.counts(first) == {"waiting": 1, "claimed": 1, "duplicate": 1}


async def test_an_earlier_campaign_keeps_its_numbers(store: SqlStore) -> None:
    await campaign_of(store, A, name="first")
    second = await campaign_of(store, A, B, name="second")
    assert await store.counts(second) == {"waiting": 1, "duplicate": 1}


async def test_a_plan_that_was_never_finished_keeps_nobody_from_being_called(store: SqlStore, store_url: str) -> None:
    header = PlanHeader(agent_id="agent", policy=OPEN, consent={}, region="US")
    dead = await store.start_plan(header, NOON)
    await store.add_rows(dead, [NewRow(line=2, number=A, variables={}, columns={}, zones=ZONES, country="US")])
    assert await store.counts(await campaign_of(store, A)) == {"waiting": 1}
    await store.start_plan(header, NOON + DAY + 1)
    with reader(store_url) as read:
        assert dead not in {row["campaign"] for row in read("SELECT campaign FROM rows")}


async def test_a_person_is_forgotten_and_still_not_called(store: SqlStore, store_url: str, tmp_path: Path) -> None:
    campaign = await campaign_of(store, A, B)
    first, _ = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(first)
    with pytest.raises(ImpossibleError):
        await store.forget(A, NOON)
    await store.placed(attempt, "call-1", NOON)
    await store.ended(attempt, Ended(outcome="answered", ended_at=NOON))
    await store.add_do_not_call([A], "asked", NOON)
    assert await store.forget(A, NOON) == 1
    await store.close()
    assert A not in str(tables_of(store_url))
    assert A.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    again = SqlStore(store_url, clock=FakeClock())
    await again.open()
    assert A not in str([row async for row in again.export(campaign)])
    assert await again.counts(await campaign_of(again, A, name="later")) == {"suppressed": 1}
    await again.close()


async def test_one_process_dials_from_a_store(store: SqlStore, store_url: str) -> None:
    script = (
        "import sys, anyio\n"
        "from trudy.clock import SystemClock\n"
        "from trudy.dialer.sql_store import SqlStore\n"
        "async def main():\n"
        "    store = SqlStore(sys.argv[1], clock=SystemClock())\n"
        "    await store.open()\n"
        "    await store.lock('the other')\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", script, store_url]
    with subprocess.Popen(  # noqa: ASYNC220  # it says a line and waits
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StoreBusyError, match="the other"):
            await store.lock("me")
        other.kill()
        other.wait()
    with anyio.fail_after(20):
        while not await is_locked(store):  # noqa: ASYNC110  # PostgreSQL has yet to see that the connection is gone
            await anyio.sleep(0.02)


async def is_locked(store: SqlStore) -> bool:
    try:
        await store.lock("me")
    except StoreBusyError:
        return False
    return True


async def test_each_move_of_a_campaign_is_a_revision(store: SqlStore, store_url: str) -> None:
    campaign = await campaign_of(store, A)
    await store.move_campaign(campaign, "paused", reason="by hand", now=NOON)
    await store.move_campaign(campaign, "running", reason=None, now=NOON, by="Ada")
    with reader(store_url) as read:
        assert read("SELECT revision, confirmed_by FROM campaigns") == [{"revision": 3, "confirmed_by": "Ada"}]


async def test_hints_are_taken_once(store: SqlStore) -> None:
    await store.add_hint("call.ended", "uv_call_1", NOON)
    await store.add_hint("call.ended", None, NOON)
    assert [await store.take_hints(), await store.take_hints()] == [2, 0]
    for _ in range(120):
        await store.add_hint("call.ended", None, NOON)
    assert await store.take_hints() == 100, "they pile up while nobody dials"


async def test_last_activity_never_goes_back(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await worker.must_claim(first, NOON + 60)
    await worker.must_claim(second, NOON)
    assert await store.last_activity_at() == NOON + 60


async def test_an_adopted_call_is_counted_like_any_other(store: SqlStore, store_url: str) -> None:
    campaign = await campaign_of(store, A)
    assert await store.adopt("forgotten", "call-1", A, NOON - 60, NOON)
    assert not await store.adopt("forgotten", "call-1", A, NOON - 60, NOON)
    assert await store.counts(campaign) == {"unresolved": 1}
    tables = tables_of(store_url)
    check_counters(tables)
    assert tables["campaigns"][0]["dialed"] == 1


@IN_A_FILE
async def test_a_damaged_file_fails_the_claim_and_says_so(store: SqlStore, tmp_path: Path) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await store.close()
    (tmp_path / "leads.db-wal").unlink(missing_ok=True)
    path = tmp_path / "leads.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\0" * (path.stat().st_size - 4096))
    with pytest.raises(StoreError, match="malformed") as caught:
        await worker.claim(contact)
    assert A not in str(caught.value)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        await SqlStore(path, clock=FakeClock()).open()


async def test_loops_in_many_threads_write_one_after_another(store: SqlStore) -> None:
    numbers = [f"+1212555{index:04d}" for index in range(100, 140)]
    campaign = await campaign_of(store, *numbers, policy=Policy(hours=Hours.always(), max_live=40))
    worker = await Worker(store, campaign).start()
    due = await contacts(store, campaign)

    def claim_some(share: list[DueRow]) -> None:
        async def claim() -> None:
            for contact in share:
                await worker.must_claim(contact)

        anyio.run(claim)

    async with anyio.create_task_group() as tasks:
        for start in range(4):
            tasks.start_soon(anyio.to_thread.run_sync, claim_some, due[start::4])
    assert (await store.campaign(campaign)).live == 40


@IN_A_FILE
async def test_no_step_of_a_call_reads_a_whole_table(store: SqlStore) -> None:
    """Else each call costs more than the one before, and an export the square of its rows."""
    campaign = await campaign_of(store, A, B)
    worker = await Worker(store, campaign).start()
    told: list[tuple[str, Any]] = []

    def tell(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            told.append((statement, values))

    event.listen(store._database._engine, "before_cursor_execute", tell)
    first, _ = await contacts(store, campaign)
    attempt = await worker.must_claim(first)
    await store.placed(attempt, "call", NOON)
    await store.contact(first.id)
    for found in (await store.open_attempts(), await store.open_attempts(campaign), await store.attempts([attempt])):
        assert [each.id for each in found] == [attempt]
    await store.ended(attempt, Ended(outcome="answered", ended_at=NOON + 60, duration=50.0, cost=None))
    assert [row["outcome"] async for row in store.export(campaign)] == ["answered", None]
    event.remove(store._database._engine, "before_cursor_execute", tell)
    with store._database._engine.connect() as connection:
        plans = {
            statement: [step.detail for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in told
        }
    assert len(plans) > 10
    few = "leases|store|attempts USING INDEX attempts_ringing"
    scans = {statement: plan for statement, plan in plans.items() if re.search(rf"SCAN (?!{few})", str(plan))}
    assert not scans
