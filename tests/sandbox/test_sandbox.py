from __future__ import annotations

from typing import Any

import pytest

from trudy import RateLimitError
from trudy.clock import SystemClock
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def test_requests_are_kept_with_their_key_masked(sandbox: Sandbox, api: Any) -> None:
    await api("POST", "/agents?x=1", {"name": ""}, headers={"X-Idempotency-Key": "k", "Cookie": "secret"})
    (request,) = sandbox.requests
    assert (request.method, request.path, request.query, request.status) == ("POST", "/agents", "x=1", 422)
    assert request.headers["authorization"] == "Bearer ***"
    assert request.headers["cookie"] == "***"
    assert request.headers["x-idempotency-key"] == "k"
    assert request.json() == {"name": ""}
    assert request.received_at.timestamp() == sandbox.clock.time()
    assert sandbox.api_key not in repr(sandbox.requests)


async def test_the_request_id_is_the_one_answered(sandbox: Sandbox, api: Any) -> None:
    answer = await api("GET", "/agents")
    assert sandbox.requests[-1].request_id == answer.headers["x-request-id"]


async def test_numbers_dialed_twice(sandbox: Sandbox, api: Any) -> None:
    await api.call("+14155550100")
    await api.call("+14155550101")
    sandbox.assert_no_number_dialed_twice()
    await api.call("+14155550101")
    with pytest.raises(AssertionError, match=r"^dialed more than once: \+1415\*\*\*0101 2 times$"):
        sandbox.assert_no_number_dialed_twice()
    assert len(sandbox.calls_to("+14155550101")) == 2
    assert sandbox.calls_to("+14155550102") == []


async def test_a_batch_may_try_a_contact_again(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    for _ in range(2):
        sandbox.assert_no_number_dialed_twice()
        body = {
            "name": "June",
            "agent_id": agent["id"],
            "contacts": [{"phone_number": "+14155550110"}],
            "working_days": [1, 2, 3, 4, 5, 6, 7],
            "retry_failed": True,
            "max_retry_attempts": 2,
        }
        batch = (await api("POST", "/batch-calls", body)).json()["data"]
        await api("POST", f"/batch-calls/{batch['id']}/schedule", {})
        sandbox.advance(hours=2)
    assert len(sandbox.calls_to("+14155550110")) == 6
    with pytest.raises(AssertionError, match=r"^dialed more than once: \+1415\*\*\*0110 2 times$"):
        sandbox.assert_no_number_dialed_twice()


async def test_the_most_calls_at_one_time(sandbox: Sandbox, api: Any) -> None:
    assert sandbox.max_concurrent_calls == 0
    for number in ("+14155550100", "+14155550101", "+14155550150"):
        await api.call(number)
    assert sandbox.max_concurrent_calls == 0
    sandbox.advance(seconds=2)
    assert sandbox.max_concurrent_calls == 2
    sandbox.advance(seconds=26)
    await api.call("+14155550102")
    sandbox.advance(minutes=5)
    assert sandbox.max_concurrent_calls == 2


async def test_placeholders_are_accepted_where_asked_for(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, placeholders=True)
    api = api_of(sandbox)
    key = {"Authorization": "Bearer YOUR_API_KEY"}
    agent = await api("GET", "/agents/agent-uuid", headers=key)
    assert agent.status_code == 200
    body = {"name": "Ada", "voice_id": "VOICE_UUID", "system_prompt": "x"}
    assert (await api("POST", "/agents", body, headers=key)).status_code == 201
    call = {"agent_id": "agent-uuid", "phone_number": "+1234567890"}
    assert (await api("POST", "/calls", call, headers=key)).status_code == 201
    other = await api("POST", "/calls", call | {"phone_number": "+1234567891"}, headers=key)
    assert other.status_code == 422


async def test_placeholders_mean_nothing_otherwise(sandbox: Sandbox, api: Any) -> None:
    assert (await api("GET", "/agents", headers={"Authorization": "Bearer YOUR_API_KEY"})).status_code == 401
    assert (await api("GET", "/agents/agent-uuid")).status_code == 404
    assert (await api("GET", "/voices/VOICE_UUID")).status_code == 404


async def test_chance_is_repeatable(api_of: Any) -> None:
    async def story(seed: int) -> list[str]:
        sandbox = Sandbox(speed=0, seed=seed, rate_limit=None)
        api = api_of(sandbox)
        for _ in range(20):
            await api.call("+14155550199")
        return [call.outcome.value for call in sandbox.placed_calls]

    assert await story(1) == await story(1)
    assert await story(1) != await story(2)


async def test_a_repr_shows_no_key(sandbox: Sandbox) -> None:
    assert sandbox.api_key not in repr(sandbox)
    assert repr(sandbox) == "<Sandbox 0 agents, 0 calls>"


async def test_sandboxes_that_take_one_key_have_a_limit_each() -> None:
    full, fresh = (Sandbox(speed=0, rate_limit=2, placeholders=True) for _ in range(2))
    async with (
        full.async_client(api_key="YOUR_API_KEY") as first,
        fresh.async_client(api_key="YOUR_API_KEY") as second,
    ):
        for _ in range(2):
            await first.voices.list()
        with pytest.raises(RateLimitError):
            await first.with_options(deadline=1).voices.list()
        await second.with_options(deadline=1).voices.list()
        assert second.rate_limit.limit is None


async def test_keys_of_one_sandbox_share_its_limit_in_each_time() -> None:
    sandbox = Sandbox(speed=0, rate_limit=2)
    async with (
        sandbox.async_client() as first,
        sandbox.async_client(api_key=sandbox.new_api_key()) as second,
        sandbox.async_client(clock=SystemClock()) as real,
        sandbox.async_client(rate_limit_group="mine") as other,
    ):
        await first.voices.list()
        assert [client.rate_limit.used for client in (first, second, real, other)] == [1, 1, 0, 0]
