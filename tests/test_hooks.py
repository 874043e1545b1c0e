"""Hooks and middleware of a whole client."""

from __future__ import annotations

import httpx
import pytest

import trudy
from tests.fakes.wire import KEY
from trudy import AsyncTrudyClient
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_middleware_says_what_it_wraps() -> None:
    seen: list[str] = []

    class Attempts:
        scope = "attempt"

        async def __call__(self, request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
            seen.append("attempt")
            assert request.header("authorization") is None
            return await call_next(request)

    async def calls(request: trudy.Request, call_next: trudy.CallNext) -> trudy.Response:
        seen.append("call")
        return await call_next(request.with_header("X-Trace", "7"))

    sandbox = Sandbox(speed=1000)
    sandbox.fail_next(status=503, times=2)
    async with sandbox.async_client(middleware=[Attempts(), calls]) as client:
        await client.agents.list()
    assert seen == ["call", "attempt", "attempt", "attempt"]
    assert {request.headers["x-trace"] for request in sandbox.requests} == {"7"}


async def test_hooks_are_told_what_happens() -> None:
    told: list[str] = []
    kept: list[trudy.Event] = []

    def sync_hook(event: trudy.Event) -> None:
        told.append(type(event).__name__)

    async def async_hook(event: trudy.Event) -> None:
        kept.append(event)

    sandbox = Sandbox(speed=1000)
    sandbox.fail_next(status=503)
    async with sandbox.async_client(hooks=[sync_hook, async_hook]) as client:
        await client.agents.list()
        with pytest.raises(trudy.NotFoundError):
            await client.agents.get("nobody")
    assert told == [type(event).__name__ for event in kept]
    assert told == [
        *("RequestStarted", "AttemptEnded", "RetryScheduled", "AttemptEnded", "RequestEnded"),
        *("RequestStarted", "AttemptEnded", "RequestEnded"),
    ]
    ends = [event for event in kept if isinstance(event, trudy.RequestEnded)]
    assert [(end.operation, end.outcome, end.attempts, end.error) for end in ends] == [
        ("agents.list", "ok", 2, None),
        ("agents.get", "error", 1, "not_found"),
    ]


@pytest.mark.parametrize("use", ["get", "list"])
async def test_hooks_are_told_that_an_answer_could_not_be_read(use: str) -> None:
    ends: list[trudy.RequestEnded] = []

    def hook(event: trudy.Event) -> None:
        if isinstance(event, trudy.RequestEnded):
            ends.append(event)

    mock = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {}}))
    async with AsyncTrudyClient(KEY, http_client=lambda: httpx.AsyncClient(transport=mock), hooks=[hook]) as client:
        with pytest.raises(trudy.ResponseDecodeError) as caught:
            await (client.agents.get("a") if use == "get" else client.agents.list())
    assert (caught.value.method, caught.value.attempts) == ("GET", 1)
    assert [(end.outcome, end.error) for end in ends] == [("error", "response_decode_error")]


async def test_a_hook_that_fails_loses_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: trudy.Event) -> None:
        raise LookupError("hook")

    async with Sandbox().async_client(hooks=[broken]) as client:
        assert (await client.agents.list()).data == []
    assert "LookupError" in caplog.text
