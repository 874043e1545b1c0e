from __future__ import annotations

import functools
import threading
from typing import Any

import anyio
import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.routers import Send, delivery, handle_claimed, make_router
from tests.webhooks.samples import BATCH_ID, CALL_ID, NUMBER, OTHER, SECRET, signed
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.event_source import EventSource
from trudy.webhooks import Answer, CallEnded, UnknownEvent, WebhookEvent, WebhookRouter

pytestmark = pytest.mark.anyio


async def test_each_handler_gets_its_events_in_order(send: Send) -> None:
    router, seen = make_router(), []

    @router.on("call.ended")
    async def ended(event: CallEnded) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(("ended", event.call_id))

    @router.on_any
    def everything(event: WebhookEvent) -> None:
        seen.append(("any", event.name))

    @router.on("call.started", "call.ended")
    def two(event: WebhookEvent) -> None:
        seen.append(("two", event.name))

    @router.on("call.invented")
    def unknown(event: UnknownEvent) -> None:
        seen.append(("unknown", event.name))

    for name in ("call.ended", "call.started", "call.invented", "batch.completed"):
        assert (await send(router, name)).status == 204
    assert seen == [
        ("ended", CALL_ID), ("any", "call.ended"), ("two", "call.ended"),
        ("any", "call.started"), ("two", "call.started"),
        ("any", "call.invented"), ("unknown", "call.invented"),
        ("any", "batch.completed"),
    ]  # fmt: skip


async def test_statuses_as_documented(send: Send) -> None:
    router = make_router()
    headers, body = delivery()
    assert (await send(router)).status == 204
    assert (await send(router, secret=OTHER)).status == 401
    assert (await router.handle("POST", {}, body)).status == 401
    assert (await router.handle("POST", signed(body, at=NOON - 301), body)).status == 401
    assert (await router.handle("POST", signed(b"[]"), b"[]")).status == 400
    assert (await router.handle("POST", headers, b" " * 1_100_000)).status == 400
    refused = await router.handle("GET", headers, body)
    assert (refused.status, refused.headers["allow"]) == (405, "POST")


async def test_refusals_tell_and_log_nothing_private(caplog: pytest.LogCaptureFixture) -> None:
    router = make_router()
    headers, body = delivery(secret=OTHER, data={"phone_number": NUMBER})
    answer = await router.handle("POST", headers, body)
    assert "bad_signature" in caplog.text
    for text in (caplog.text, answer.body.decode(), repr(router)):
        assert not any(private in text for private in (SECRET, NUMBER, CALL_ID, headers["X-Truedy-Signature"]))


async def test_an_event_is_handled_once(send: Send) -> None:
    router, seen = make_router(), []
    router.on("call.ended")(lambda event: seen.append(event.call_id))
    for _ in range(3):
        assert (await send(router)).status == 204
    assert (await send(router, call_id="another")).status == 204
    assert seen == [CALL_ID, "another"]


async def test_without_a_guard_every_delivery_is_handled(send: Send) -> None:
    router, seen = make_router(replay_guard=None), []
    router.on("call.ended")(lambda event: seen.append(event.call_id))
    assert [(await send(router)).status for _ in range(3)] == [204] * 3
    assert len(seen) == 3


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_failed_handler_is_tried_again(send: Send, is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
    router, tries = make_router(), []

    def fail_once(event: WebhookEvent) -> None:
        tries.append(event.name)
        if len(tries) == 1:
            raise OSError("database is away")

    async def fail_once_later(event: WebhookEvent) -> None:
        fail_once(event)

    router.on_any(fail_once_later if is_async else fail_once)
    assert [(await send(router)).status for _ in range(3)] == [500, 204, 204]
    assert len(tries) == 2
    assert "database is away" in caplog.text


async def test_status_of_an_error_can_be_chosen(send: Send) -> None:
    router = make_router(error_status=503)
    router.on_any(lambda event: 1 / 0)  # type: ignore[arg-type, return-value]
    assert (await send(router)).status == 503


async def test_a_generator_is_no_handler(send: Send) -> None:
    router, runs = make_router(), []

    def generator(event: WebhookEvent) -> Any:
        yield runs.append(event)

    async def async_generator(event: WebhookEvent) -> Any:
        yield runs.append(event)

    class Generator:
        def __call__(self, event: WebhookEvent) -> Any:
            yield runs.append(event)

    for refused in (generator, async_generator, Generator(), functools.partial(generator)):
        with pytest.raises(InvalidArgumentError, match="generator"):
            router.on_any(refused)
    # One that only shows when it is called is a failure, and so the event is not forgotten.
    for hidden in (generator, async_generator):
        router = make_router()
        router.on_any(lambda event, hidden=hidden: hidden(event))  # type: ignore[misc]
        assert [(await send(router)).status for _ in range(2)] == [500, 500]
    assert not runs


async def test_callable_objects(send: Send) -> None:
    seen = []

    class Later:
        async def __call__(self, event: WebhookEvent) -> None:
            await anyio.lowlevel.checkpoint()
            seen.append(event.name)

    router = make_router()
    router.on_any(Later())
    assert (await send(router)).status == 204
    assert seen == ["call.ended"]


class TestEventSource:
    async def test_wakes_those_who_wait(self) -> None:
        router, woken = make_router(), []
        source: EventSource = router
        stop = source.subscribe("call", CALL_ID, lambda: woken.append("call"))
        source.subscribe("call", CALL_ID, lambda: woken.append("too"))
        source.subscribe("call", "another", lambda: woken.append("another"))
        source.subscribe("batch", BATCH_ID, lambda: woken.append("batch"))
        await router.handle("POST", *delivery("call.ended"))
        assert woken == ["call", "too"]
        stop()
        stop()
        await router.handle("POST", *delivery("call.failed"))
        assert woken == ["call", "too", "too"]
        await router.handle("POST", *delivery("batch.completed", batch_id=BATCH_ID))
        assert woken[3:] == ["batch"]

    @pytest.mark.parametrize(
        ("name", "wakes"),
        [
            ("call.started", []),
            ("call.joined", []),
            ("call.ended", ["call"]),
            ("call.failed", ["call"]),
            ("call.invented", ["call", "batch"]),
            ("batch.status.changed", ["batch"]),
            ("voice.training.completed", []),
        ],
    )
    async def test_wakes_for_what_may_be_an_end_only(self, name: str, wakes: list[str]) -> None:
        router, woken = make_router(), []
        router.subscribe("call", CALL_ID, lambda: woken.append("call"))
        router.subscribe("batch", BATCH_ID, lambda: woken.append("batch"))
        await router.handle("POST", *delivery(name, batch_id=BATCH_ID))
        assert woken == wakes

    async def test_repeated_deliveries_wake_too_and_forged_ones_do_not(self) -> None:
        router, woken = make_router(), []
        router.subscribe("call", CALL_ID, lambda: woken.append(1))
        await router.handle("POST", *delivery(secret=OTHER))
        assert not woken
        await router.handle("POST", *delivery())
        await router.handle("POST", *delivery())
        assert len(woken) == 2

    async def test_a_waiter_whose_loop_is_closed_does_not_stop_the_others(self) -> None:
        router, woken = make_router(), []

        def gone() -> None:
            raise RuntimeError("Event loop is closed")

        router.subscribe("call", CALL_ID, gone)
        router.subscribe("call", CALL_ID, lambda: woken.append(1))
        assert (await router.handle("POST", *delivery())).status == 204
        assert woken == [1]

    async def test_wakes_across_threads(self) -> None:
        from trudy._concurrency.loops import thread_safe_event

        router = make_router()
        event, wake = thread_safe_event()
        router.subscribe("call", CALL_ID, wake)
        thread = threading.Thread(target=router.handle_blocking, args=("POST", *delivery()))
        thread.start()
        with anyio.fail_after(60):
            await event.wait()
        await anyio.to_thread.run_sync(thread.join)

    async def test_leaves_nothing_behind(self) -> None:
        router = make_router()
        for number in range(100):
            router.subscribe("call", str(number), lambda: None)()
        assert not router._subscriptions._wakes


class TestSettings:
    async def test_secret_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)
        router = WebhookRouter(clock=FakeClock())
        with pytest.raises(ConfigurationError, match="TRUDY_WEBHOOK_SECRET"):
            await router.handle("POST", *delivery())
        monkeypatch.setenv("TRUDY_WEBHOOK_SECRET", f"{OTHER},{SECRET}")
        assert (await router.handle("POST", *delivery())).status == 204

    @pytest.mark.parametrize(
        "options",
        [
            {"lease": 0},
            {"remember": float("inf")},
            {"error_status": 99},
            {"tolerance": float("nan")},
            {"future_tolerance": -1},
        ],
    )
    async def test_senseless(self, options: Any) -> None:
        with pytest.raises(InvalidArgumentError):
            make_router(**options)

    async def test_handlers(self) -> None:
        router = make_router()
        with pytest.raises(InvalidArgumentError):
            router.on("call.ended")(5)  # type: ignore[call-overload]
        with pytest.raises(InvalidArgumentError):
            router.on("")

    async def test_a_decoded_body_is_the_programmers_fault(self) -> None:
        headers, body = delivery()
        with pytest.raises(TypeError, match="raw bytes"):
            await make_router().handle("POST", headers, body.decode())  # type: ignore[arg-type]


class TestClaimed:
    async def test_gives_each_event_once(self) -> None:
        router = make_router()
        async with router.claimed("POST", *delivery()) as event:
            assert isinstance(event, CallEnded)
            async with router.claimed("POST", *delivery()) as busy:
                assert isinstance(busy, Answer)
                assert busy.status == 503
        async with router.claimed("POST", *delivery()) as repeated:
            assert isinstance(repeated, Answer)
            assert repeated.status == 204

    async def test_refuses_what_is_forged(self) -> None:
        async with make_router().claimed("POST", *delivery(secret=OTHER)) as given:
            assert isinstance(given, Answer)
            assert given.status == 401

    async def test_an_event_that_was_not_handled_comes_again(self) -> None:
        router, tries = make_router(), []

        async def fail_once(event: WebhookEvent) -> None:
            tries.append(event)
            if len(tries) == 1:
                raise OSError("database is away")

        assert [await handle_claimed(router, fail_once) for _ in range(3)] == [500, 204, 204]
        assert len(tries) == 2
