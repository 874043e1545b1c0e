from __future__ import annotations

from contextlib import suppress
from functools import partial

import anyio
import pytest
from attrs import evolve

from tests.fakes.answers import Ending, Script, answer, failure, request_for, success
from tests.fakes.clock import FakeClock
from trudy import APIConnectionError, ConfigurationError, RateLimitError, TrudyError
from trudy.pipeline.middleware_guard import SealStep, SendOnce, seal
from trudy.pipeline.record import RecordStep
from trudy.request import CallNext, Request, Response, RetryClass
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio

REPEAT, KEYED, PLACE, ONCE = RetryClass.REPEAT, RetryClass.KEYED, RetryClass.RECONCILE, RetryClass.ONCE
DROPPED = APIConnectionError("reset")
NOT_SENT = APIConnectionError("no route", request_sent=False)


async def twice(request: Request, call_next: CallNext) -> Response:
    with suppress(TrudyError, LookupError):
        await call_next(request)
    return await call_next(request)


def recorded(send: CallNext) -> CallNext:
    """What counts each request that leaves."""
    return partial(RecordStep(FakeClock()), call_next=send)


@pytest.mark.parametrize("retry", [PLACE, ONCE])
@pytest.mark.parametrize("first", [success(), DROPPED, answer(500), answer(200, b"<html>")])
async def test_what_may_have_happened_is_not_sent_on_again(retry: RetryClass, first: Ending) -> None:
    script = Script(first)
    with pytest.raises(ConfigurationError, match=r"sent things\.do on again") as caught:
        await SendOnce(twice)(request_for("POST", retry), recorded(script))
    assert len(script.requests) == 1
    assert caught.value.details["may_have_happened"] is True


@pytest.mark.parametrize("retry", [PLACE, ONCE])
@pytest.mark.parametrize("first", [NOT_SENT, failure(402, "payment_required"), RateLimitError("wait")])
async def test_what_did_not_happen_may_be_sent_on_again(retry: RetryClass, first: Ending) -> None:
    script = Script(first, success())
    assert (await SendOnce(twice)(request_for("POST", retry), recorded(script))).is_success
    assert len(script.requests) == 2


async def test_where_nothing_left_it_may_be_sent_on_again() -> None:
    faults = [LookupError("no credential")]
    script = Script(success())

    async def sign(request: Request) -> Response:
        if faults:
            raise faults.pop()
        return await recorded(script)(request)

    assert (await SendOnce(twice)(request_for("POST", ONCE), sign)).is_success


async def test_a_fault_after_the_request_was_sent_proves_nothing() -> None:
    async def broken(request: Request) -> Response:
        raise LookupError("while reading")

    with pytest.raises(ConfigurationError):
        await SendOnce(twice)(request_for("POST", ONCE), recorded(broken))


@pytest.mark.parametrize(
    "request_",
    [request_for(), request_for("POST", KEYED), request_for("POST", PLACE, on_unknown="retry")],
    ids=["get", "keyed", "trusting the key"],
)
async def test_middleware_may_repeat_a_get(request_: Request) -> None:
    script = Script(DROPPED, success())
    assert (await SendOnce(twice)(request_, recorded(script))).is_success


async def test_a_request_is_not_sent_a_second_time_beside_the_first() -> None:
    sent: list[Request] = []

    async def slow(request: Request) -> Response:
        sent.append(request)
        await anyio.sleep_forever()
        raise AssertionError

    async def hedge(request: Request, call_next: CallNext) -> Response:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(call_next, request)
                await anyio.wait_all_tasks_blocked()
                scope.cancel()
        return await call_next(request)

    with pytest.raises(ConfigurationError):
        await SendOnce(hedge)(request_for("POST", PLACE), recorded(slow))
    assert len(sent) == 1


async def test_middleware_may_not_change_a_keyed_post() -> None:
    request = request_for("POST", PLACE)
    seal(request)
    script = Script(success())
    await SealStep()(request, script)
    await SealStep()(request.with_header("Authorization", "Bearer x"), script)
    for changed in (request.with_header("traceparent", "1"), evolve(request, body=b"{ }")):
        with pytest.raises(ConfigurationError, match='scope "operation"'):
            await SealStep()(changed, script)
    assert len(script.requests) == 2


async def test_middleware_may_change_any_other_request() -> None:
    request = request_for()
    await SealStep()(request.with_header("traceparent", "1"), Script(success()))


@pytest.mark.parametrize("scope", ["operation", "attempt"])
async def test_no_middleware_of_a_client_dials_twice(scope: str) -> None:
    class Twice:
        async def __call__(self, request: Request, call_next: CallNext) -> Response:
            await call_next(request)
            return await call_next(request)

    step = Twice()
    step.scope = scope  # type: ignore[attr-defined]
    sandbox = Sandbox(speed=0, placeholders=True)
    async with sandbox.async_client(middleware=[step]) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.calls.create(agent_id="agent-uuid", phone_number="+14155550100", idempotency_key="order-7")
    assert len([request for request in sandbox.requests if request.method == "POST"]) == 1
    assert caught.value.idempotency_key == "order-7"
