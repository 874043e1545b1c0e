"""`before_send`: the hook that may stop an attempt."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.fakes.wire import BASE_URL, KEY, Wire, envelope, refusal
from tests.pipeline.conftest import MakeClient
from tests.pipeline.operations import CREATES, NUMBER, Operation
from trudy import (
    APIConnectionError,
    CallNext,
    InvalidArgumentError,
    Request,
    Response,
    ServerError,
    TrudyClient,
    ValidationError,
)
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


class NotNowError(Exception):
    """The caller's own."""


async def test_before_send_runs_once_for_each_attempt_before_it_counts(client: MakeClient, wire: Wire) -> None:
    log: list[object] = []

    async def before_send() -> None:
        log.append(len(wire.sent))

    wire.answer(httpx.Response(503), refusal(429, "rate_limit_exceeded"), envelope({"id": "a1"}))
    async with client() as c:
        agent = await c.agents.get("a1", before_send=before_send)
    assert log == [0, 1, 2]
    assert agent.meta is not None
    assert agent.meta.attempts == 3


@pytest.mark.parametrize("operation", CREATES)
async def test_what_before_send_raises_reaches_the_caller_and_nothing_is_sent(
    client: MakeClient, wire: Wire, operation: Operation, caplog: pytest.LogCaptureFixture
) -> None:
    for error in (
        NotNowError("no"),
        APIConnectionError("the caller's own, of our class"),
        ServerError("likewise", status_code=500),
        ValidationError("likewise"),
    ):
        asked = 0

        def before_send(error: Exception = error) -> None:
            nonlocal asked
            asked += 1
            raise error

        async with client(rate_limit=3) as c:
            with pytest.raises(type(error)) as caught:
                await operation(c.with_options(before_send=before_send))
            status = c.rate_limit
        assert caught.value is error
        assert asked == 1
        assert status is not None
        assert status.used == 0
        assert getattr(error, "attempts", 0) == 0
        assert getattr(error, "path", None) is None
    assert wire.sent == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("result", [False, True, 0, "no", object()])
async def test_before_send_that_returns_something_is_refused_by_name(
    client: MakeClient, wire: Wire, result: object
) -> None:
    def before_send() -> Any:
        return result

    async with client(rate_limit=3) as c:
        with pytest.raises(InvalidArgumentError, match="before_send refuses by raising") as caught:
            await c.agents.get("a1", before_send=before_send)
        status = c.rate_limit
    assert caught.value.argument == "before_send"
    assert status is not None
    assert status.used == 0
    assert wire.sent == []


async def test_what_a_hook_returns_is_ignored(client: MakeClient, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[object] = []

    def count(event: object) -> Any:
        seen.append(event)
        return len(seen)

    wire.answer(envelope({"id": "a1"}))
    async with client(hooks=[count]) as c:
        await c.agents.get("a1")
    assert seen
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_before_send_comes_after_admission(client: MakeClient, wire: Wire) -> None:
    used: list[int] = []
    async with client(rate_limit=2) as c:

        def before_send() -> None:
            assert c.rate_limit is not None
            used.append(c.rate_limit.used)

        for _ in range(2):
            await c.agents.get("a", before_send=before_send)
    assert used == [1, 2]


async def test_a_refusal_before_a_second_attempt_does_not_hide_the_first(
    client: MakeClient, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Exception | None] = [None, NotNowError("no more")]

    def before_send() -> None:
        if (error := answers.pop(0)) is not None:
            raise error

    wire.answer(httpx.Response(503))
    async with client() as c:
        with pytest.raises(NotNowError) as caught:
            await c.calls.create(
                agent_id="a", phone_number=NUMBER, on_unknown="retry", idempotency_key="k-1", before_send=before_send
            )
    assert len(wire.sent) == 1
    assert "may have been carried out" in "".join(caught.value.__notes__)
    assert "k-1" in caplog.text


async def test_looking_for_a_call_does_not_ask_before_send(client: MakeClient, wire: Wire) -> None:
    asked: list[int] = []
    row = {
        "id": str(uuid4()),
        "to": NUMBER,
        "agent_id": "a",
        "created_at": "2027-01-15T08:00:00.5Z",
        "status": "completed",
    }
    wire.answer(httpx.Response(503), envelope([row], has_more=False))
    async with client(clock=FakeClock(NOON)) as c:
        await c.calls.create_and_wait(agent_id="a", phone_number=NUMBER, before_send=lambda: asked.append(1))
    assert asked == [1]
    assert len(wire.sent) == 2


def test_the_sync_client_asks_before_send_too() -> None:
    sandbox = Sandbox(speed=0, placeholders=True)
    asked: list[str] = []

    def refuse() -> None:
        asked.append("refuse")
        raise NotNowError

    async def agree() -> None:
        asked.append("agree")

    with sandbox.client() as client:
        with pytest.raises(NotNowError):
            client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", before_send=refuse)
        client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", before_send=agree)
    assert asked == ["refuse", "agree"]
    assert len([request for request in sandbox.requests if request.method == "POST"]) == 1


async def test_a_bad_before_send_and_a_bad_scope_are_named(client: MakeClient) -> None:
    async with client() as c:
        with pytest.raises(InvalidArgumentError, match="before_send") as caught:
            await c.agents.get("a", before_send="now")  # type: ignore[arg-type]
        assert caught.value.argument == "before_send"

    class Old:
        scope = "call"

        async def __call__(self, request: Request, call_next: CallNext) -> Response:
            return await call_next(request)

    for word in ("call", "Operation", None, 3):
        Old.scope = word  # type: ignore[assignment]
        with pytest.raises(InvalidArgumentError, match=r'"operation".*"attempt"') as bad:
            TrudyClient(KEY, base_url=BASE_URL, middleware=[Old()])
        assert bad.value.argument == "middleware"
