"""How often may be called: the caps of a campaign, of a number and of a caller id."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialer.claiming import NOON, A, B, C, Worker, campaign_of, contacts
from trudy.dialer.policy import DAY, Hours, Policy, RetryAfter
from trudy.dialer.records import Claim, Ended, Miss
from trudy.dialer.sql_store import SqlStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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
