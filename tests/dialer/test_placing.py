"""One worker's calls: what is sent for a contact, and under which name."""

from __future__ import annotations

import uuid

import pytest

from tests.dialer.conftest import START, Night, numbers_ending
from trudy.dialer import Hours, Policy
from trudy.dialer.placing import new_attempt_id

pytestmark = pytest.mark.anyio


async def test_a_call_is_placed_from_a_number_of_the_policy(night: Night) -> None:
    numbers = ("+12125550198", "+12125550199")
    for number in numbers:
        imported = await night.client.telephony.numbers.import_(
            number, provider_type="twilio", account_sid="AC" + "0" * 32, auth_token="0" * 32
        )
        await night.client.telephony.numbers.assign(imported.id, agent_id=night.agent, assignment_type="outbound")
    policy = Policy(hours=Hours.always(), gap=0, caller_ids=dict.fromkeys(numbers, 1), max_live=1)
    plan = await night.plan(numbers_ending(0, 1), policy)
    result = await night.dialer.run(plan, confirm=plan.hash)
    assert result.counts == {"done": 2}
    assert sorted(str(call.from_number) for call in night.sandbox.placed_calls) == list(numbers)


async def test_a_call_carries_the_stores_mark_and_the_attempts_key(night: Night) -> None:
    plan = await night.plan(numbers_ending(0))
    await night.dialer.run(plan, confirm=plan.hash)
    (call,) = night.sandbox.placed_calls
    store, attempt = call.variables["trudy_ref"].split("/")
    assert (store, attempt) == (night.dialer.store.id, call.idempotency_key)
    assert uuid.UUID(attempt).version == 7


def test_attempt_ids_are_in_order_of_time() -> None:
    ids = [new_attempt_id(START + index * 0.001) for index in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    first = uuid.UUID(ids[0])
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert first.int >> 80 == int(START * 1000)
