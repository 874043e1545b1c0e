"""The log of a whole client: what it holds, and what it must not."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import trudy
from tests.fakes.clock import settle
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_the_log_holds_no_key_no_number_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    sandbox = Sandbox(speed=1000)
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        await client.calls.create(agent_id=agent.id, phone_number="+14155550191")
        await client.agents.list(name="a-name")
        with pytest.raises(trudy.ValidationError):
            await client.calls.create(agent_id=agent.id, phone_number="+14155550140")
    lines = [record.message for record in caplog.records if record.name == "trudy"]
    assert any(line.startswith("POST /calls 500 in ") for line in lines)
    assert not any(word in line for line in lines for word in (sandbox.api_key, "415555", "a-name"))


def hold_up_the_end(event: trudy.Event) -> Awaitable[None] | None:
    return anyio.sleep_forever() if isinstance(event, trudy.RequestEnded) and event.method == "POST" else None


@pytest.mark.parametrize(
    ("fault", "hooks"),
    [({"delay": 30}, []), ({"reset": "after"}, []), ({"headers": {"X-Fault": "none"}}, [hold_up_the_end])],
    ids=["while it is sent", "while it is looked for", "while a hook holds it up"],
)
async def test_a_cancelled_call_leaves_its_key_in_the_log(
    fault: dict[str, Any], hooks: list[trudy.Hook], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = Sandbox(speed=0, placeholders=True)
    sandbox.fail_next(method="POST", path="/calls", **fault)
    sandbox.fail_next(method="GET", path="/calls", delay=30)

    async def create() -> None:
        await client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7")

    async with sandbox.async_client(hooks=hooks) as client, anyio.create_task_group() as group:
        group.start_soon(create)
        while not sandbox.calls_to("+14155550100"):
            await anyio.lowlevel.checkpoint()
        await settle()
        group.cancel_scope.cancel()
    assert "idempotency key order-7" in caplog.text


@pytest.mark.parametrize("scope", ["operation", "attempt"])
async def test_a_call_leaves_its_key_in_the_log_where_a_foreign_fault_takes_its_answer(
    scope: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Faulty:
        def __init__(self) -> None:
            self.scope = scope

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            await call_next(request)
            raise LookupError("a fault of this middleware")

    sandbox = Sandbox(speed=0, placeholders=True)
    async with sandbox.async_client(middleware=[Faulty()]) as client:
        with pytest.raises(LookupError):
            await client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7")
    assert sandbox.calls_to("+14155550100")
    assert "idempotency key order-7" in caplog.text


async def test_a_call_leaves_its_key_in_the_log_where_only_its_first_attempt_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Vault:
        scope = "attempt"
        asked = 0

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            self.asked += 1
            if self.asked > 1:
                raise LookupError("the vault is down")
            return await call_next(request)

    sandbox = Sandbox(speed=100, placeholders=True)
    sandbox.fail_next(method="POST", path="/calls", reset="after")
    async with sandbox.async_client(middleware=[Vault()]) as client:
        with pytest.raises(LookupError):
            await client.calls.create(
                agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7", on_unknown="retry"
            )
    assert "idempotency key order-7" in caplog.text


async def test_a_call_cancelled_before_it_was_sent_leaves_no_key(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox(speed=0)
    held = anyio.Event()

    async def key() -> str:
        await held.wait()
        return "k"

    async with sandbox.async_client(api_key=key) as client, anyio.create_task_group() as group:
        group.start_soon(lambda: client.calls.create(agent_id="a", phone_number="+14155550100"))
        await settle()
        group.cancel_scope.cancel()
    assert caplog.text == ""


async def test_a_path_in_log_and_errors_holds_no_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    async with Sandbox().async_client() as client:
        for use in (lambda: client.calls.get("+14155550123"), lambda: client.request("GET", "/x/+14155550123")):
            with pytest.raises(trudy.NotFoundError) as caught:
                await use()
            assert "5550123" not in f"{caught.value}{caught.value!r}{caught.value.path}"
    assert "5550123" not in caplog.text


async def test_an_id_makes_no_line_of_its_own_in_log_and_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    async with Sandbox().async_client() as client:
        with pytest.raises(trudy.NotFoundError) as caught:
            await client.calls.get("a\nERROR forged\x1b[2J")
    assert r"GET /calls/a\nERROR forged\x1b[2J" in str(caught.value)
    assert r"GET /calls/a\nERROR forged\x1b[2J 404" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)


async def test_an_attempt_that_the_deadline_cuts_short_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "trudy")
    ends: list[trudy.AttemptEnded] = []

    def hook(event: trudy.Event) -> None:
        if isinstance(event, trudy.AttemptEnded):
            ends.append(event)

    sandbox = Sandbox(speed=100)
    sandbox.fail_next(delay=3600)
    async with sandbox.async_client(hooks=[hook]) as client:
        with pytest.raises(trudy.APITimeoutError):
            await client.agents.list(deadline=5, max_retries=0)
    assert [(end.status, end.error) for end in ends] == [(None, "timeout")]
    assert "GET /agents cancelled in " in caplog.text
