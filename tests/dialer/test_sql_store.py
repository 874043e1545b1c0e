"""The store: what a claim demands, what it counts, and that no crash or second process makes it forget."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from attrs import evolve
from sqlalchemy import event, inspect, text
from sqlalchemy.exc import DBAPIError

from tests.dialer.recount import check_counters, reader, tables_of
from tests.fakes.clock import FakeClock
from trudy.dialer.migrations import alembic_config
from trudy.dialer.policy import DAY, Attempts, Hours, Policy, RetryAfter
from trudy.dialer.records import Claim, DueRow, Ended, Miss, NewRow, PlanHeader
from trudy.dialer.schema import SCHEMA, metadata
from trudy.dialer.sql_database import Database
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.states import AttemptState, ImpossibleError, RowState
from trudy.dialer.store import StoreBusyError, StoreError

pytestmark = pytest.mark.anyio
NOON = 1_780_675_200.0
"""2026-06-05 12:00 in New York, a Friday."""
ZONES = ("America/New_York",)
OPEN = Policy(hours=Hours.always())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


IN_A_FILE = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store in each of the databases."""
    if request.param == "sqlite":
        return str(tmp_path / "leads.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(store_url, clock=FakeClock())
    await store.open()
    if (change := await store.server_change()) is not None:
        await store.guarded(change.server)
    yield store
    await store.close()


async def campaign_of(store: SqlStore, *numbers: str, policy: Policy = OPEN, name: str = "a", **members: Any) -> str:
    header = PlanHeader(agent_id="agent", policy=policy, consent={"basis": "form"}, region="US")
    campaign = await store.start_plan(header, NOON)
    rows = [
        evolve(
            NewRow(
                line=line,
                number=number,
                variables={},
                columns={"phone": number},
                zones=("America/New_York",),
                country="US",
            ),
            **members,
        )
        for line, number in enumerate(numbers, start=2)
    ]
    await store.add_rows(campaign, rows)
    kept, _ = await store.finish_plan(campaign, f"hash-{name}", NOON)
    await store.move_campaign(kept.id, "running", reason=None, now=NOON)
    return kept.id


async def contacts(store: SqlStore, campaign: str, now: float = NOON) -> list[DueRow]:
    return list(await store.due(campaign, None, now, 100))


class Worker:
    """Claims with a fence of its own, and names its attempts."""

    def __init__(self, store: SqlStore, campaign: str) -> None:
        self.store, self.campaign = store, campaign
        self.fence = 0
        self.count = 0

    async def start(self) -> Worker:
        self.fence = await self.store.take_shard(self.campaign, None, "worker")
        return self

    async def claim(self, contact: DueRow, now: float = NOON) -> Claim | Miss:
        self.count += 1
        attempt = f"{self.campaign[:8]}-{self.fence}-{self.count}"
        policy = (await self.store.campaign(self.campaign)).policy
        from_number = await self.store.caller_id(contact, policy, now)
        if isinstance(from_number, Miss):
            return from_number
        return await self.store.claim(
            contact,
            from_number=from_number,
            attempt=attempt,
            worker="worker",
            shard=contact.shard,
            fence=self.fence,
            now=now,
            send_within=5.0,
        )

    async def must_claim(self, contact: DueRow, now: float = NOON) -> str:
        claim = await self.claim(contact, now)
        assert isinstance(claim, Claim), claim
        return claim.attempt


A, B, C = "+12125550100", "+12125550101", "+12125550102"


@IN_A_FILE
async def test_an_intent_is_there_after_a_crash(store: SqlStore, tmp_path: Path) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)
    copy = tmp_path / "copy.db"
    with sqlite3.connect(tmp_path / "leads.db") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    again = SqlStore(copy, clock=FakeClock())
    await again.open()
    (found,) = await again.open_attempts()
    assert (found.id, found.state, found.number, found.send_by) == (attempt, AttemptState.INTENT, A, NOON + 5)
    assert again.id == store.id
    await again.close()


async def test_a_row_is_claimed_once(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await worker.must_claim(contact)
    assert await worker.claim(contact) == Miss(reason="row")
    assert (await store.campaign(campaign)).live == 1


async def test_a_worker_that_was_overtaken_cannot_claim(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    frozen = await Worker(store, campaign).start()
    fresh = await Worker(store, campaign).start()
    assert await frozen.claim(contact) == Miss(reason="fence")
    await fresh.must_claim(contact)


async def test_a_number_rings_once_over_all_campaigns(store: SqlStore) -> None:
    """The second campaign's row came in before the first was known of it: only the index can tell."""
    first = await campaign_of(
        store, A, name="first", policy=Policy(hours=Hours.always(), attempts=Attempts(a_day=9, in_30_days=9))
    )
    (contact,) = await contacts(store, first)
    second = await campaign_of(
        store, B, name="second", policy=Policy(hours=Hours.always(), attempts=Attempts(a_day=9, in_30_days=9))
    )
    (other,) = await contacts(store, second)
    await (await Worker(store, first).start()).must_claim(contact)
    assert await (await Worker(store, second).start()).claim(evolve(other, number=A)) == Miss(reason="ringing")


@pytest.mark.parametrize("state", ["paused", "stopped", "halted", "planned", "done"])
async def test_only_a_running_campaign_dials(store: SqlStore, state: Any) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    await store.move_campaign(campaign, state, reason=None, now=NOON)
    assert await worker.claim(contact) == Miss(reason="campaign")


async def test_the_caps_of_a_campaign(store: SqlStore) -> None:
    policy = Policy(hours=Hours.always(), max_live=1, max_calls=2, price=1.0, max_spend=2.0)
    campaign = await campaign_of(store, A, B, C, policy=policy)
    first, second, third = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    attempt = await worker.must_claim(first)
    assert await worker.claim(second) == Miss(reason="max_live")
    await store.placed(attempt, "call-1", NOON)
    await store.ended(attempt, Ended(outcome="answered", ended_at=NOON + 60, cost=1.5))
    assert await worker.claim(second) == Miss(reason="max_spend")
    await store.move_campaign(campaign, "running", reason=None, now=NOON)
    found = await store.campaign(campaign)
    assert (found.live, found.dialed, found.reserved, found.spent) == (0, 1, 0.0, 1.5)
    del third


async def test_max_calls(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B, policy=Policy(hours=Hours.always(), max_calls=1))
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    refused = await worker.must_claim(first)
    await store.refused(refused, "validation_error", NOON)
    await worker.must_claim(second)
    assert (await store.campaign(campaign)).dialed == 1, "what the server refused was not dialed"


async def test_do_not_call_acts_between_pick_and_claim(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    assert await store.add_do_not_call([A, A], "by hand", NOON) == 1
    assert isinstance(await worker.claim(first), Miss)
    await worker.must_claim(second)
    assert await store.counts(campaign) == {"suppressed": 1, "claimed": 1}
    assert await store.remove_do_not_call(A, NOON)
    assert not await store.remove_do_not_call(A, NOON)


async def test_an_opt_out_is_committed_with_the_end(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)
    await store.placed(attempt, "call-1", NOON)
    await store.ended(attempt, Ended(outcome="opted_out", ended_at=NOON + 9, again_at=NOON + 10, opt_out=True))
    assert await store.counts(campaign) == {"done": 1}
    later = await campaign_of(store, A, name="later")
    assert await store.counts(later) == {"suppressed": 1}


async def test_caps_of_a_number_hold_over_campaigns_and_days(store: SqlStore) -> None:
    policy = Policy(hours=Hours.always(), retry={"no_answer": RetryAfter()})
    campaign = await campaign_of(store, A, policy=policy)
    worker = await Worker(store, campaign).start()
    now = NOON
    for day in range(3):
        (contact,) = await contacts(store, campaign, now)
        attempt = await worker.must_claim(contact, now)
        await store.placed(attempt, f"call-{day}", now)
        await store.ended(attempt, Ended(outcome="no_answer", ended_at=now, again_at=now))
        (contact,) = await contacts(store, campaign, now)
        midnight = NOON + 43_200 + day * DAY
        assert await worker.claim(contact, now + 60) == Miss(reason="a_day", due_at=midnight)
        now = midnight
    assert await worker.claim(contact, now) == Miss(reason="in_30_days", due_at=NOON + 30 * DAY)


async def test_hours_are_asked_at_the_claim(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, policy=Policy())
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    evening = NOON + 6 * 3600
    monday = Miss(reason="hours", due_at=NOON + 3 * DAY - 2 * 3600)
    assert await worker.claim(contact, evening) == monday
    assert await worker.claim(contact, evening - 164.0) == monday, "it may ring as late as the server places it"
    await worker.must_claim(contact, NOON)


async def test_caller_ids_stick_and_have_a_cap_a_day(store: SqlStore) -> None:
    own, other = "+12125550198", "+12125550199"
    policy = Policy(hours=Hours.always(), caller_ids={own: 1, other: 2})
    campaign = await campaign_of(store, A, B, C, "+12125550103", policy=policy)
    worker = await Worker(store, campaign).start()
    chosen: list[str | None] = []
    for contact in (await contacts(store, campaign))[:3]:
        attempt = await worker.must_claim(contact)
        chosen += [each.from_number for each in await store.open_attempts() if each.id == attempt]
    assert sorted(map(str, chosen)) == [own, other, other]
    midnight = NOON + 43_200
    assert await worker.claim((await contacts(store, campaign))[-1]) == Miss(reason="caller_id", due_at=midnight)


async def test_a_caller_id_whose_calls_were_used_up_since_the_pick_is_refused(store: SqlStore) -> None:
    policy = Policy(hours=Hours.always(), caller_ids={"+12125550198": 1})
    campaign = await campaign_of(store, A, B, policy=policy)
    first, second = await contacts(store, campaign)
    picked = await store.caller_id(second, policy, NOON)
    assert isinstance(picked, str)
    worker = await Worker(store, campaign).start()
    attempt = await worker.must_claim(first)
    members: dict[str, Any] = {
        "worker": "w",
        "shard": second.shard,
        "fence": worker.fence,
        "now": NOON,
        "send_within": 5.0,
    }
    for number in (picked, "+12125550197", None):
        missed = await store.claim(second, attempt="second", from_number=number, **members)
        assert isinstance(missed, Miss)
        assert missed.reason == "caller_id"
    await store.not_sent(attempt, "rate_limit", NOON)
    assert isinstance(await store.claim(second, attempt="second", from_number=picked, **members), Claim)


async def test_what_was_not_sent_spends_nothing(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, policy=Policy(hours=Hours.always(), price=2.0, max_spend=2.0))
    worker = await Worker(store, campaign).start()
    for _ in range(3):
        (contact,) = await contacts(store, campaign)
        attempt = await worker.must_claim(contact)
        await store.not_sent(attempt, "rate_limit", NOON)
    found = await store.campaign(campaign)
    assert (found.live, found.dialed, found.reserved, found.spent) == (0, 0, 0.0, 0.0)
    assert (await contacts(store, campaign))[0].attempts == 0


async def test_an_unknown_end_keeps_its_slot_until_it_is_found_or_given_up(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    lost, found = await worker.must_claim(first), await worker.must_claim(second)
    await store.unknown(lost, "timeout", NOON)
    await store.unknown(found, "timeout", NOON)
    assert (await store.campaign(campaign)).live == 2
    await store.found(found, "call-2", NOON + 1)
    (looked_for,) = await store.attempts([lost])
    await store.looked(looked_for, NOON + 400)
    await store.looked(looked_for, NOON + 400)
    assert [each.looks for each in await store.attempts([lost])] == [1], "two that look at once count as one"
    await store.given_up(lost, NOON + 400, redial=False)
    assert await store.counts(campaign) == {"unresolved": 1, "live": 1}
    assert (await store.campaign(campaign)).live == 1
    with pytest.raises(ImpossibleError):
        await store.given_up(lost, NOON + 400, redial=True)
    await store.found(lost, "call-1", NOON + 500)
    assert (await store.campaign(campaign)).live == 2
    await store.lost(lost, NOON + 9_000)
    assert await store.counts(campaign) == {"done": 1, "live": 1}


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


async def test_a_call_has_one_attempt(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    one, two = await worker.must_claim(first), await worker.must_claim(second)
    await store.placed(one, "call-1", NOON)
    with pytest.raises(ImpossibleError):
        await store.placed(two, "call-1", NOON)
    assert await store.counts(campaign) == {"claimed": 1, "live": 1}


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


async def test_a_state_row_that_moved_is_not_moved_again(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)
    await store.refused(attempt, "no", NOON)
    for move in (
        store.placed(attempt, "c", NOON),
        store.unknown(attempt, "e", NOON),
        store.not_sent(attempt, "e", NOON),
    ):
        with pytest.raises(ImpossibleError):
            await move
    assert await store.counts(campaign) == {RowState.DONE: 1}


async def test_many_tasks_claim_at_once(store: SqlStore) -> None:
    numbers = [f"+1212555{index:04d}" for index in range(100, 140)]
    campaign = await campaign_of(store, *numbers, policy=Policy(hours=Hours.always(), max_live=7))
    worker = await Worker(store, campaign).start()
    won: list[str] = []

    async def claim(contact: DueRow) -> None:
        claim = await worker.claim(contact)
        if isinstance(claim, Claim):
            won.append(claim.attempt)

    async with anyio.create_task_group() as tasks:
        for contact in await contacts(store, campaign):
            tasks.start_soon(claim, contact)
    assert len(won) == (await store.campaign(campaign)).live == 7


async def test_an_attempt_says_under_which_hours_it_was_placed(store: SqlStore, store_url: str) -> None:
    policy = Policy(hours=Hours(by_region={"US-FL": Hours.us_federal()}))
    campaign = await campaign_of(store, A, policy=policy)
    there = await campaign_of(store, B, policy=policy, name="there", region="US-FL", consent="asked her")
    anytime = await campaign_of(store, C, name="anytime", zones=())
    for each in (campaign, there, anytime):
        (contact,) = await contacts(store, each)
        await (await Worker(store, each).start()).must_claim(contact)
    with reader(store_url) as read:
        found = read('SELECT number, "window", zone, day, consent FROM attempts ORDER BY number')
    assert [tuple(each.values()) for each in found] == [
        (A, "10:00-18:00 on days 12345", "America/New_York", "2026-06-05", None),
        (B, "08:00-21:00 on days 1234567", "America/New_York", "2026-06-05", "asked her"),
        (C, "any time", "", "2026-06-05", None),
    ]


@pytest.mark.parametrize("change", ["UPDATE events SET kind = 'nothing'", "DELETE FROM events"])
async def test_the_audit_is_append_only(store: SqlStore, store_url: str, change: str) -> None:
    await campaign_of(store, A)
    engine = Database(store_url, clock=FakeClock())._engine
    with pytest.raises(DBAPIError, match="events is append only"), engine.begin() as connection:
        connection.execute(text(change))
    engine.dispose()


async def test_the_migrations_make_the_tables_of_the_schema(store: SqlStore, store_url: str) -> None:
    await store.close()
    engine = Database(store_url, clock=FakeClock())._engine
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT schema FROM store")).scalar_one() == SCHEMA
        connection.rollback()
        command.downgrade(alembic_config(connection), "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


async def test_a_store_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(
    store: SqlStore, store_url: str
) -> None:
    campaign = await campaign_of(store, A)
    await store.close()
    engine = Database(store_url, clock=FakeClock())._engine
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "0001")
        assert connection.execute(text("SELECT schema FROM store")).scalar_one() == 1
    engine.dispose()
    await store.open()
    if (change := await store.server_change()) is not None:
        await store.guarded(change.server)
    (contact,) = await contacts(store, campaign)
    await (await Worker(store, campaign).start()).must_claim(contact)


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


async def test_an_earlier_attempt_of_a_contact_that_was_called_again_changes_nothing(store: SqlStore) -> None:
    policy = Policy(hours=Hours.always(), attempts=Attempts(a_day=9, in_30_days=9))
    campaign = await campaign_of(store, A, policy=policy)
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    first = await worker.must_claim(contact)
    await store.unknown(first, "timeout", NOON)
    await store.given_up(first, NOON, redial=True)
    second = await worker.must_claim((await contacts(store, campaign))[0])
    with pytest.raises(ImpossibleError, match="called again"):
        await store.found(first, "call-1", NOON + 1)
    await store.placed(second, "call-2", NOON + 1)
    assert await store.counts(campaign) == {"live": 1}
    assert (await store.campaign(campaign)).live == 1


async def test_what_may_have_rung_is_an_attempt_and_counts_once(store: SqlStore) -> None:
    campaign = await campaign_of(store, A)
    (contact,) = await contacts(store, campaign)
    attempt = await (await Worker(store, campaign).start()).must_claim(contact)
    await store.unknown(attempt, "timeout", NOON)
    assert (await store.contact(contact.id)).attempts == 0
    await store.given_up(attempt, NOON + 400, redial=False)
    assert (await store.contact(contact.id)).attempts == 1
    await store.found(attempt, "call-1", NOON + 500)
    assert (await store.contact(contact.id)).attempts == 1


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
