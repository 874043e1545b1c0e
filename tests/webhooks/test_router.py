from __future__ import annotations

import asyncio
import functools
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from itertools import product
from typing import Any

import anyio
import httpx
import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.fastapi_route import make_app
from tests.webhooks.forking import in_child
from tests.webhooks.samples import BATCH_ID, CALL_ID, NUMBER, OTHER, SECRET, signed
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.event_source import EventSource
from trudy.testing import make_delivery
from trudy.webhooks import (
    Answer,
    CallEnded,
    MemoryReplayGuard,
    SQLiteReplayGuard,
    UnknownEvent,
    WebhookEvent,
    WebhookRouter,
)

pytestmark = pytest.mark.anyio
Send = Callable[..., Awaitable[Answer]]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_router(**options: Any) -> WebhookRouter:
    return WebhookRouter(**{"secret": SECRET, "clock": FakeClock(), **options})


def delivery(name: str = "call.ended", **options: Any) -> tuple[dict[str, str], bytes]:
    made = make_delivery(name, secret=options.pop("secret", SECRET), sent_at=NOON, **{"call_id": CALL_ID, **options})
    return made.headers, made.body


@pytest.fixture(params=["async", "blocking"])
def send(request: pytest.FixtureRequest) -> Send:
    """Hands a delivery to a router in either of its two ways."""

    async def send(router: WebhookRouter, name: str = "call.ended", **options: Any) -> Answer:
        headers, body = delivery(name, **options)
        if request.param == "async":
            return await router.handle("POST", headers, body)
        return await anyio.to_thread.run_sync(router.handle_blocking, "POST", headers, body)

    return send


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


def plainly_wrapped(handler: Any) -> Any:
    """What a decorator does that knows nothing of async functions."""

    @functools.wraps(handler)
    def wrapper(event: WebhookEvent) -> Any:
        return handler(event)

    return wrapper


@pytest.mark.parametrize("alone", [True, False])
async def test_a_wrapped_async_handler_is_awaited(send: Send, alone: bool) -> None:
    router, seen = make_router(), []

    async def later(event: WebhookEvent) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(threading.current_thread())

    router.on_any(plainly_wrapped(later))
    if not alone:
        router.on_any(later)
    assert (await send(router)).status == 204
    assert len(seen) == 2 - alone
    assert len(set(seen)) == 1


async def test_a_wrapped_async_handler_runs_on_the_servers_loop() -> None:
    router, threads = make_router(), []

    async def later(event: WebhookEvent) -> None:
        await anyio.lowlevel.checkpoint()
        threads.append(threading.current_thread())

    router.on_any(plainly_wrapped(later))
    assert (await router.handle("POST", *delivery())).status == 204
    assert threads == [threading.current_thread()]


async def test_a_wrapped_async_handler_that_fails_is_tried_again(send: Send) -> None:
    router, tries = make_router(), []

    async def fail_once(event: WebhookEvent) -> None:
        tries.append(event)
        if len(tries) == 1:
            raise OSError("database is away")

    router.on_any(plainly_wrapped(fail_once))
    assert [(await send(router)).status for _ in range(3)] == [500, 204, 204]
    assert len(tries) == 2


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


def test_a_forked_child_is_not_busy_with_what_its_parent_handles(tmp_path: Any) -> None:
    clock = FakeClock()
    guard = SQLiteReplayGuard(tmp_path / "keys.db", clock=clock)
    router, runs, in_child = make_router(replay_guard=guard, lease=1, clock=clock), [], []

    @router.on("call.ended")
    def fork_once(event: CallEnded) -> None:
        runs.append(event)
        if len(runs) > 1:
            return
        child = os.fork()
        if child == 0:
            code = 1
            try:
                clock.advance(2)  # past the lease: the parent is taken to have died
                code = 0 if router.handle_blocking("POST", *delivery()).status == 204 and len(runs) == 2 else 2
            finally:
                os._exit(code)
        in_child.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    assert router.handle_blocking("POST", *delivery()).status == 204
    assert in_child == [0]
    guard.close()


@pytest.mark.parametrize("holder", ["router", "subscriptions"])
def test_a_child_forked_while_a_thread_holds_a_lock_can_handle(holder: str) -> None:
    router, seen = make_router(), []
    router.on("call.ended")(lambda event: seen.append(event.call_id))
    router.subscribe("call", CALL_ID, lambda: seen.append("the parent's"))
    held: Any = {"router": router, "subscriptions": router._subscriptions}[holder]

    def handle() -> None:
        assert router.handle_blocking("POST", *delivery()).status == 204
        assert seen == [CALL_ID]

    with held._lock:
        in_child(handle)
    assert seen == []


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


async def test_busy_while_it_is_being_handled() -> None:
    router, entered, leave = make_router(), anyio.Event(), anyio.Event()

    @router.on("call.ended")
    async def slow(event: CallEnded) -> None:
        entered.set()
        await leave.wait()

    answers: list[Answer] = []

    async def first() -> None:
        answers.append(await router.handle("POST", *delivery()))

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await entered.wait()
        busy = await router.handle("POST", *delivery())
        assert (busy.status, "retry-after" in busy.headers) == (503, True)
        leave.set()
    assert answers[0].status == 204
    assert (await router.handle("POST", *delivery())).status == 204


async def test_a_handler_that_outlives_its_lease_is_not_run_twice_in_one_process() -> None:
    clock = FakeClock()
    router, runs = make_router(clock=clock, replay_guard=MemoryReplayGuard(clock=clock), lease=1), []

    @router.on("call.ended")
    async def slow(event: CallEnded) -> None:
        runs.append(event)
        clock.advance(100)
        assert (await router.handle("POST", *delivery())).status == 503

    assert (await router.handle("POST", *delivery())).status == 204
    assert len(runs) == 1


async def test_cancelled_handlers_give_the_event_back(tmp_path: Any) -> None:
    for guard in (MemoryReplayGuard(), SQLiteReplayGuard(tmp_path / "keys.db")):
        router, runs = make_router(replay_guard=guard), []

        @router.on("call.ended")
        async def slow(event: CallEnded, runs: list[CallEnded] = runs) -> None:
            runs.append(event)
            if len(runs) == 1:
                scope.cancel()
                await anyio.sleep_forever()

        with anyio.CancelScope() as scope:
            await router.handle("POST", *delivery())
        assert scope.cancelled_caught
        assert (await router.handle("POST", *delivery())).status == 204
        assert len(runs) == 2
    guard.close()


async def test_a_plain_handler_in_its_thread_ends_properly_when_the_request_is_gone(tmp_path: Any) -> None:
    guard = SQLiteReplayGuard(tmp_path / "keys.db")
    router, runs, leave = make_router(replay_guard=guard), [], threading.Event()

    @router.on("call.ended")
    def slow(event: CallEnded) -> None:
        runs.append(event)
        anyio.from_thread.run_sync(scope.cancel)
        assert leave.wait(60)

    async def release() -> None:
        await anyio.lowlevel.checkpoint()
        leave.set()

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(release)
            await router.handle("POST", *delivery())
    assert (await router.handle("POST", *delivery())).status == 204
    assert len(runs) == 1
    guard.close()


class HeldGuard(MemoryReplayGuard):
    """A blocking guard, one of whose methods does not return before it is let go."""

    def __init__(self, held: str) -> None:
        super().__init__()
        self.held = held
        self.entered, self.leave = threading.Event(), threading.Event()

    blocking = True

    def begin(self, key: str, ttl: float) -> Any:
        self._hold("begin")
        return super().begin(key, ttl)

    def commit(self, key: str, ttl: float) -> None:
        self._hold("commit")
        super().commit(key, ttl)

    def abandon(self, key: str) -> None:
        self._hold("abandon")
        super().abandon(key)

    def _hold(self, name: str) -> None:
        if name == self.held:
            self.held = ""
            self.entered.set()
            assert self.leave.wait(60)


async def handle_claimed(router: WebhookRouter, handler: Callable[[Any], Awaitable[None]]) -> int:
    """What an application does that handles its events itself."""
    try:
        async with router.claimed("POST", *delivery()) as given:
            if isinstance(given, Answer):
                return given.status
            await handler(given)
    except OSError:
        return 500
    return 204


async def post(app: Any, headers: dict[str, str], body: bytes) -> int:
    """Send to an ASGI application in this task, so that it is cancelled with it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        return (await client.post("/", headers=headers, content=body)).status_code


@pytest.mark.parametrize(("anyio_backend", "native"), [("asyncio", True), ("asyncio", False), ("trio", False)])
@pytest.mark.parametrize(
    ("way", "held"),
    [*product(["plain", "async", "claimed", "fastapi"], ["begin", "commit", "abandon"])],
)
async def test_cancelled_while_the_guard_is_at_work(native: bool, way: str, held: str) -> None:
    """Whenever a request is cancelled, its event is handled or free, and no claim is left behind."""
    guard, runs = HeldGuard(held), []
    router = make_router(replay_guard=guard)

    def plain(event: CallEnded) -> None:
        runs.append(event)
        if held == "abandon" and len(runs) == 1:
            raise OSError("database is away")

    async def later(event: CallEnded) -> None:
        await anyio.lowlevel.checkpoint()
        plain(event)

    router.on("call.ended")(later if "async" in way else plain)  # type: ignore[call-overload]
    app = make_app(router, "/", [plain])
    cancelled = []

    async def answer() -> int:
        match way:
            case "claimed":
                return await handle_claimed(router, later)
            case "fastapi":
                return await post(app, *delivery())
            case _:
                return (await router.handle("POST", *delivery())).status

    async def handle() -> None:
        try:
            await answer()
        except anyio.get_cancelled_exc_class():
            cancelled.append(True)
            raise

    if native:
        task = asyncio.create_task(handle())
        await anyio.to_thread.run_sync(guard.entered.wait, 60)
        task.cancel()
        await anyio.wait_all_tasks_blocked()
        guard.leave.set()
        await asyncio.wait([task])
        assert cancelled
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(handle)
            await anyio.to_thread.run_sync(guard.entered.wait, 60)
            group.cancel_scope.cancel()
            guard.leave.set()
    with anyio.fail_after(60):
        # What was not ended in the request ends in its thread.
        while await answer() != 204:
            await anyio.lowlevel.checkpoint()
    assert len(runs) == (2 if held == "abandon" else 1)
    assert guard.begin(make_router().admit("POST", *delivery()).event.dedupe_key, 60) == "done"  # type: ignore[union-attr]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_timeout_of_asyncio_during_begin_is_one() -> None:
    guard = HeldGuard("begin")
    router = make_router(replay_guard=guard)

    @router.on("call.ended")
    async def never(event: CallEnded) -> None:
        raise AssertionError("cancelled before")

    asyncio.get_running_loop().call_later(0.05, guard.leave.set)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await router.handle("POST", *delivery())
    assert guard.entered.is_set()
    assert len(guard) == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_plain_handler_among_async_ones_is_not_run_twice_when_the_request_is_gone() -> None:
    router, runs, entered, leave = make_router(), [], threading.Event(), threading.Event()

    @router.on("call.ended")
    def slow(event: CallEnded) -> None:
        runs.append(event)
        entered.set()
        assert leave.wait(60)

    @router.on_any
    async def after(event: WebhookEvent) -> None: ...

    task = asyncio.create_task(router.handle("POST", *delivery()))
    await anyio.to_thread.run_sync(entered.wait, 60)
    task.cancel()
    await anyio.wait_all_tasks_blocked()
    assert (await router.handle("POST", *delivery())).status == 503
    assert len(runs) == 1
    leave.set()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_handler_that_awaited_something_cancelled_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    router, runs = make_router(), []

    @router.on("call.ended")
    async def meet(event: CallEnded) -> None:
        runs.append(event)
        if len(runs) == 1:
            task = asyncio.ensure_future(asyncio.sleep(3600))
            task.cancel()
            await task

    assert [(await router.handle("POST", *delivery())).status for _ in range(3)] == [500, 204, 204]
    assert len(runs) == 2
    assert "CancelledError" in caplog.text


async def test_plain_handlers_do_not_block_the_loop() -> None:
    router, release = make_router(), threading.Event()
    threads = []

    @router.on_any
    def wait(event: WebhookEvent) -> None:
        threads.append(threading.current_thread())
        assert release.wait(60)

    async with anyio.create_task_group() as group:
        group.start_soon(router.handle, "POST", *delivery())
        while not threads:
            await anyio.lowlevel.checkpoint()
        release.set()
    assert threads != [threading.current_thread()]


async def test_async_handlers_of_a_blocking_server_share_a_loop() -> None:
    import asyncio

    loops = []

    def serve() -> None:
        router = make_router()

        @router.on_any
        async def look(event: WebhookEvent) -> None:
            loops.append(asyncio.get_running_loop())

        for number in range(3):
            assert router.handle_blocking("POST", *delivery(call_id=str(number))).status == 204

    await anyio.to_thread.run_sync(serve)
    assert len(set(loops)) == 1


class BrokenGuard:
    """A guard whose named method fails."""

    blocking = False

    def __init__(self, broken: str) -> None:
        self.broken = broken
        self.calls: list[str] = []

    def begin(self, key: str, ttl: float) -> Any:
        self._call("begin")
        return "new"

    def commit(self, key: str, ttl: float) -> None:
        self._call("commit")

    def abandon(self, key: str) -> None:
        self._call("abandon")

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.broken:
            raise ConnectionError("the store is away")


@pytest.mark.parametrize(
    ("broken", "fails", "status", "calls"),
    [
        ("begin", False, 500, ["begin", "abandon"]),
        ("commit", False, 204, ["begin", "commit"]),
        ("abandon", True, 500, ["begin", "abandon"]),
    ],
)
async def test_a_guard_that_fails(
    send: Send, broken: str, fails: bool, status: int, calls: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    guard = BrokenGuard(broken)
    router, runs = make_router(replay_guard=guard), []

    @router.on_any
    async def handler(event: WebhookEvent) -> None:
        runs.append(event)
        if fails:
            raise ValueError("no")

    for _ in range(2):
        # The second delivery is not taken for busy: whatever failed, this process is done with the first.
        assert (await send(router)).status == status
    assert guard.calls == calls * 2
    assert len(runs) == (0 if broken == "begin" else 2)
    assert "the store is away" in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR


async def test_a_claim_that_was_made_by_a_guard_that_failed_blocks_nothing(send: Send) -> None:
    class LosesItsAnswer(MemoryReplayGuard):
        faults = 1

        def begin(self, key: str, ttl: float) -> Any:
            verdict = super().begin(key, ttl)
            if self.faults:
                self.faults -= 1
                raise ConnectionError("the store is away")
            return verdict

    router, seen = make_router(replay_guard=LosesItsAnswer()), []
    router.on_any(lambda event: seen.append(event.name))  # type: ignore[arg-type, return-value]
    assert [(await send(router)).status for _ in range(3)] == [500, 204, 204]
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

    async def test_a_waiter_whose_loop_is_closed_harms_nobody(self) -> None:
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
