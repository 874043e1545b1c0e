from __future__ import annotations

import asyncio
import threading
from typing import Any

import anyio
import pytest

from tests.webhooks.routers import Send, delivery, make_router, plainly_wrapped
from trudy.webhooks import CallEnded, SQLiteReplayGuard, WebhookEvent

pytestmark = pytest.mark.anyio


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
