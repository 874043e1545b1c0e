from __future__ import annotations

import asyncio
import logging
import os
from itertools import product
from typing import Any

import anyio
import pytest

from tests.fakes.clock import FakeClock
from tests.webhooks.fastapi_route import make_app
from tests.webhooks.forking import in_child
from tests.webhooks.routers import BrokenGuard, HeldGuard, Send, delivery, handle_claimed, make_router, post
from tests.webhooks.samples import CALL_ID
from trudy.webhooks import Answer, CallEnded, MemoryReplayGuard, SQLiteReplayGuard, WebhookEvent

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize(("anyio_backend", "native"), [("asyncio", True), ("asyncio", False), ("trio", False)])
@pytest.mark.parametrize(
    ("way", "held"),
    [*product(["plain", "async", "claimed", "fastapi"], ["begin", "commit", "abandon"])],
)
async def test_cancelled_while_the_guard_is_at_work(native: bool, way: str, held: str) -> None:
    """Whenever a request is cancelled, its event was handled or can be handled again: no claim is left."""
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
        # A step that outlives the request ends in its thread.
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
        # Not answered as busy: whatever failed, this process no longer handles the first delivery.
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
