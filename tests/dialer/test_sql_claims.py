"""What a claim demands, and what it counts: the transactions that decide whether a phone rings."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from tests.dialer.claiming import IN_A_FILE, NOON, A, B, C, Worker, campaign_of, contacts
from tests.dialer.recount import reader
from tests.fakes.clock import FakeClock
from trudy.dialer.policy import DAY, Attempts, Hours, Policy
from trudy.dialer.records import Claim, DueRow, Ended, Miss
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.states import AttemptState, ImpossibleError, RowState

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


async def test_hours_are_asked_at_the_claim(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, policy=Policy())
    (contact,) = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    evening = NOON + 6 * 3600
    monday = Miss(reason="hours", due_at=NOON + 3 * DAY - 2 * 3600)
    assert await worker.claim(contact, evening) == monday
    assert await worker.claim(contact, evening - 164.0) == monday, "it may ring as late as the server places it"
    await worker.must_claim(contact, NOON)


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


async def test_a_call_has_one_attempt(store: SqlStore) -> None:
    campaign = await campaign_of(store, A, B)
    first, second = await contacts(store, campaign)
    worker = await Worker(store, campaign).start()
    one, two = await worker.must_claim(first), await worker.must_claim(second)
    await store.placed(one, "call-1", NOON)
    with pytest.raises(ImpossibleError):
        await store.placed(two, "call-1", NOON)
    assert await store.counts(campaign) == {"claimed": 1, "live": 1}


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
