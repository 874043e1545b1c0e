"""Acknowledging first: bounded, drained at an orderly end, and honest about what a hurried end loses."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import SECRET
from trudy.errors import ConfigurationError
from trudy.testing import make_delivery
from trudy.webhooks import CallEnded, MemoryReplayGuard, SQLiteReplayGuard, WebhookRouter

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def make_router(**options: Any) -> WebhookRouter:
    return WebhookRouter(**{"secret": SECRET, "clock": FakeClock(), "background": True, **options})


def delivery(call_id: str) -> tuple[dict[str, str], bytes]:
    made = make_delivery("call.ended", secret=SECRET, sent_at=NOON, call_id=call_id)
    return made.headers, made.body


class TestTasks:
    async def test_answers_before_the_handler_ends(self) -> None:
        router, leave, done = make_router(), anyio.Event(), []

        @router.on("call.ended")
        async def slow(event: CallEnded) -> None:
            await leave.wait()
            done.append(event.call_id)

        async with router:
            assert (await router.handle("POST", *delivery("a"))).status == 204
            assert not done
            assert (await router.handle("POST", *delivery("a"))).status == 503
            leave.set()
        assert done == ["a"]

    async def test_a_full_queue_refuses_and_frees_the_key(self) -> None:
        router, leave, done = make_router(queue_size=2, workers=1), anyio.Event(), []

        @router.on("call.ended")
        async def slow(event: CallEnded) -> None:
            await leave.wait()
            done.append(event.call_id)

        async with router:
            await router.handle("POST", *delivery("working"))
            await anyio.wait_all_tasks_blocked()
            statuses = [(await router.handle("POST", *delivery(str(n)))).status for n in range(4)]
            assert statuses == [204, 204, 503, 503]
            leave.set()
            await anyio.wait_all_tasks_blocked()
            assert (await router.handle("POST", *delivery("3"))).status == 204
        assert done == ["working", "0", "1", "3"]

    @pytest.mark.parametrize("is_async", [True, False])
    async def test_drained_at_the_end(self, is_async: bool) -> None:
        router, done = make_router(workers=3), []

        async def later(event: CallEnded) -> None:
            await anyio.lowlevel.checkpoint()
            done.append(event.call_id)

        def now(event: CallEnded) -> None:
            done.append(event.call_id)

        router.on("call.ended")(later if is_async else now)  # type: ignore[call-overload]
        async with router:
            for number in range(200):
                assert (await router.handle("POST", *delivery(str(number)))).status == 204
        assert sorted(done, key=int) == [str(number) for number in range(200)]

    async def test_a_handler_that_fails_loses_its_event_and_says_so(self, caplog: pytest.LogCaptureFixture) -> None:
        router = make_router(error_status=204)
        router.on("call.ended")(lambda event: 1 / 0)  # type: ignore[call-overload]
        async with router:
            assert (await router.handle("POST", *delivery("a"))).status == 204
        assert "ZeroDivisionError" in caplog.text
        assert "is lost" in caplog.text

    async def test_refuses_while_it_ends(self) -> None:
        router, entered, leave = make_router(workers=1), anyio.Event(), anyio.Event()

        @router.on("call.ended")
        async def slow(event: CallEnded) -> None:
            entered.set()
            await leave.wait()

        late: list[int] = []

        async def arrive_late() -> None:
            await anyio.wait_all_tasks_blocked()
            late.append((await router.handle("POST", *delivery("b"))).status)
            leave.set()

        async with anyio.create_task_group() as group, router:
            await router.handle("POST", *delivery("a"))
            await entered.wait()
            group.start_soon(arrive_late)
        assert late == [503]

    async def test_a_failed_handler_is_logged_and_its_key_freed(self, caplog: pytest.LogCaptureFixture) -> None:
        guard = MemoryReplayGuard()
        router = make_router(replay_guard=guard)
        router.on_any(lambda event: 1 / 0)  # type: ignore[arg-type, return-value]
        async with router:
            assert (await router.handle("POST", *delivery("a"))).status == 204
        assert "ZeroDivisionError" in caplog.text
        assert len(guard) == 0

    async def test_a_hurried_end_says_what_it_lost(self, caplog: pytest.LogCaptureFixture) -> None:
        guard = MemoryReplayGuard()
        router, entered = make_router(workers=1, replay_guard=guard), anyio.Event()

        @router.on("call.ended")
        async def slow(event: CallEnded) -> None:
            entered.set()
            await anyio.sleep_forever()

        with anyio.CancelScope() as scope:
            async with router:
                for number in range(4):
                    await router.handle("POST", *delivery(str(number)))
                await entered.wait()
                scope.cancel()
        assert "4 acknowledged events were not handled" in caplog.text
        assert len(guard) == 0

    @pytest.mark.parametrize("is_async", [True, False])
    async def test_a_handler_that_exits_ends_no_worker(self, is_async: bool, caplog: pytest.LogCaptureFixture) -> None:
        guard, done = MemoryReplayGuard(), list[str | None]()
        router = make_router(workers=1, replay_guard=guard)

        def leave(event: CallEnded) -> None:
            done.append(event.call_id)
            if event.call_id == "a":
                sys.exit(1)

        async def leave_later(event: CallEnded) -> None:
            leave(event)

        router.on("call.ended")(leave_later if is_async else leave)  # type: ignore[call-overload]
        async with router:
            for call_id in ("a", "b"):
                assert (await router.handle("POST", *delivery(call_id))).status == 204
        assert done == ["a", "b"]
        assert len(guard) == 1
        assert "SystemExit" in caplog.text
        assert "not handled" not in caplog.text

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.parametrize("of", ["another task", "its own"])
    async def test_a_handler_that_meets_a_cancellation_ends_no_worker(
        self, of: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        guard, done = MemoryReplayGuard(), list[str | None]()
        router = make_router(workers=1, replay_guard=guard)

        @router.on("call.ended")
        async def meet(event: CallEnded) -> None:
            done.append(event.call_id)
            if event.call_id == "a":
                task = asyncio.ensure_future(asyncio.sleep(3600)) if of == "another task" else asyncio.current_task()
                assert task is not None
                task.cancel()
                await (task if of == "another task" else asyncio.sleep(3600))

        async with router:
            for call_id in ("a", "b"):
                assert (await router.handle("POST", *delivery(call_id))).status == 204
        assert done == ["a", "b"]
        assert len(guard) == 1
        assert "CancelledError" in caplog.text
        assert "not handled" not in caplog.text

    async def test_opened_and_closed_in_different_tasks(self) -> None:
        router, done = make_router(), []
        router.on("call.ended")(lambda event: done.append(event.call_id))
        async with anyio.create_task_group() as group:
            group.start_soon(router.__aenter__)
        assert (await router.handle("POST", *delivery("a"))).status == 204
        async with anyio.create_task_group() as group:
            group.start_soon(router.__aexit__, None, None, None)
        assert done == ["a"]
        assert (await router.handle("POST", *delivery("b"))).status == 503

    async def test_one_who_opened_it_may_be_cancelled_before_it_is_closed(self) -> None:
        router, opened, done = make_router(), anyio.Event(), []
        router.on("call.ended")(lambda event: done.append(event.call_id))

        async def open_and_hang() -> None:
            await router.__aenter__()
            opened.set()
            await anyio.sleep_forever()

        async with anyio.create_task_group() as group:
            group.start_soon(open_and_hang)
            await opened.wait()
            group.cancel_scope.cancel()
        assert (await router.handle("POST", *delivery("a"))).status == 204
        await router.__aexit__(None, None, None)
        assert done == ["a"]

    async def test_not_opened(self) -> None:
        with pytest.raises(ConfigurationError, match="async with router"):
            await make_router().handle("POST", *delivery("a"))

    async def test_opened_on_another_loop(self) -> None:
        router = make_router()

        def elsewhere() -> None:
            with pytest.raises(ConfigurationError, match="event loop"):
                anyio.run(router.handle, "POST", *delivery("a"))

        async with router:
            await anyio.to_thread.run_sync(elsewhere)

    async def test_opened_twice(self) -> None:
        router = make_router()
        async with router:
            with pytest.raises(ConfigurationError):
                await router.__aenter__()

    async def test_opened_again(self) -> None:
        router, done = make_router(), []
        router.on("call.ended")(lambda event: done.append(event.call_id))
        for number in range(2):
            async with router:
                await router.handle("POST", *delivery(str(number)))
        assert done == ["0", "1"]

    async def test_lifespan(self) -> None:
        router, done = make_router(), []
        router.on("call.ended")(lambda event: done.append(event.call_id))
        async with router.lifespan(object()):
            await router.handle("POST", *delivery("a"))
        assert done == ["a"]

    async def test_opening_without_background_does_nothing(self) -> None:
        router = make_router(background=False)
        async with router:
            assert (await router.handle("POST", *delivery("a"))).status == 204


class TestLease:
    """Two routers with a guard each on one file are two processes."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def here_and_there(self, tmp_path: Path, clock: FakeClock) -> Iterator[tuple[WebhookRouter, WebhookRouter]]:
        guards = [SQLiteReplayGuard(tmp_path / "keys.db", clock=clock) for _ in range(2)]
        here, there = (make_router(clock=clock, replay_guard=guard, lease=1, workers=1) for guard in guards)
        yield here, there
        for guard in guards:
            guard.close()

    @pytest.mark.parametrize("is_async", [True, False])
    async def test_an_event_taken_over_while_it_was_queued_is_handled_once(
        self, here_and_there: tuple[WebhookRouter, WebhookRouter], clock: FakeClock, is_async: bool
    ) -> None:
        here, there = here_and_there
        entered, leave, done = threading.Event(), threading.Event(), list[tuple[str, str | None]]()

        def slow(event: CallEnded) -> None:
            entered.set()
            assert leave.wait(60)
            done.append(("here", event.call_id))

        async def slow_later(event: CallEnded) -> None:
            await anyio.to_thread.run_sync(slow, event)

        here.on("call.ended")(slow_later if is_async else slow)  # type: ignore[call-overload]
        there.on("call.ended")(lambda event: done.append(("there", event.call_id)))
        async with here:
            for call_id in ("a", "b", "c"):
                assert (await here.handle("POST", *delivery(call_id))).status == 204
            await anyio.to_thread.run_sync(entered.wait, 60)
            clock.advance(1.1)
            async with there:
                assert (await there.handle("POST", *delivery("b"))).status == 204
            leave.set()
        assert done == [("there", "b"), ("here", "a"), ("here", "c")]
        assert (await here.handle("POST", *delivery("b"))).status == 204
        assert len(done) == 3

    async def test_the_lease_begins_when_a_worker_takes_the_event(
        self, here_and_there: tuple[WebhookRouter, WebhookRouter], clock: FakeClock
    ) -> None:
        here, there = here_and_there
        done = list[str]()

        @here.on("call.ended")
        async def takes_most_of_the_lease(event: CallEnded) -> None:
            clock.advance(0.6)
            async with there:
                assert (await there.handle("POST", *delivery(str(event.call_id)))).status == 503
            done.append(str(event.call_id))

        there.on("call.ended")(lambda event: done.append("there"))
        async with here:
            for number in range(4):
                assert (await here.handle("POST", *delivery(str(number)))).status == 204
        assert done == ["0", "1", "2", "3"]

    def test_threads(self, here_and_there: tuple[WebhookRouter, WebhookRouter], clock: FakeClock) -> None:
        here, there = here_and_there
        entered, leave, done = threading.Event(), threading.Event(), list[tuple[str, str | None]]()

        @here.on("call.ended")
        def slow(event: CallEnded) -> None:
            entered.set()
            assert leave.wait(60)
            done.append(("here", event.call_id))

        there.on("call.ended")(lambda event: done.append(("there", event.call_id)))
        with here:
            for call_id in ("a", "b"):
                assert here.handle_blocking("POST", *delivery(call_id)).status == 204
            assert entered.wait(60)
            clock.advance(1.1)
            with there:
                assert there.handle_blocking("POST", *delivery("b")).status == 204
            leave.set()
        assert done == [("there", "b"), ("here", "a")]

    async def test_a_guard_that_fails_meanwhile_loses_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        class FailsLater(MemoryReplayGuard):
            def abandon(self, key: str) -> None:
                raise ConnectionError("the store is away")

        router, done = make_router(replay_guard=FailsLater()), []
        router.on("call.ended")(lambda event: done.append(event.call_id))
        async with router:
            assert (await router.handle("POST", *delivery("a"))).status == 204
        assert done == ["a"]
        assert "the store is away" in caplog.text


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_a_loop_that_ends_says_what_is_lost(workers: int, caplog: pytest.LogCaptureFixture) -> None:
    guard = MemoryReplayGuard()
    router = make_router(workers=workers, replay_guard=guard)

    @router.on("call.ended")
    async def slow(event: CallEnded) -> None:
        await anyio.sleep_forever()

    async def leave_open() -> None:
        await router.__aenter__()
        for number in range(4):
            await router.handle("POST", *delivery(str(number)))
        await anyio.wait_all_tasks_blocked()

    asyncio.run(leave_open())
    assert "4 acknowledged events were not handled" in caplog.text
    assert len(guard) == 0
    with pytest.raises(ConfigurationError):
        asyncio.run(router.handle("POST", *delivery("a")))


@pytest.mark.parametrize("calls", ["sys.exit", "plainly"])
def test_a_loop_that_ends_counts_no_handler_that_has_ended(calls: str, caplog: pytest.LogCaptureFixture) -> None:
    router = make_router(workers=1)

    @router.on("call.ended")
    async def leave(event: CallEnded) -> None:
        if calls == "sys.exit":
            sys.exit(1)

    async def leave_open() -> None:
        await router.__aenter__()
        await router.handle("POST", *delivery("a"))
        await anyio.wait_all_tasks_blocked()

    asyncio.run(leave_open())
    assert ("SystemExit" in caplog.text) == (calls == "sys.exit")
    assert "not handled" not in caplog.text


PRELUDE = """
import asyncio, os, threading
from trudy.testing import make_delivery
from trudy.webhooks import WebhookRouter

router = WebhookRouter(secret="whsec_x", background=True, workers=1)
told = threading.Event()

def send(*call_ids):
    for call_id in call_ids or map(str, range(50)):
        made = make_delivery("call.ended", secret="whsec_x", call_id=call_id)
        assert router.handle_blocking("POST", made.headers, made.body).status == 204

def tell(event):
    os.write(1, f"{event.call_id}\\n".encode())  # past the buffer, of which a fork would make two
    told.set()
"""
EXIT_HANDLERS = {
    "async": """
        @router.on("call.ended")
        async def handler(event):
            tell(event)
    """,
    "async, in a thread": """
        @router.on("call.ended")
        async def handler(event):
            await asyncio.to_thread(tell, event)
    """,
    "plain, in an executor": """
        @router.on("call.ended")
        def handler(event):
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(1) as pool:
                pool.submit(tell, event).result()
    """,
}


starts_threads_at_exit = pytest.mark.skipif(
    (3, 12) <= sys.version_info < (3, 12, 2), reason="from its exit on, this Python starts no thread for anybody"
)


def run_script(*parts: str) -> subprocess.CompletedProcess[str]:
    script = "\n".join(map(textwrap.dedent, (PRELUDE, *parts)))
    # A fork of a process with threads is what is tested.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


class TestThreads:
    def test_drained_at_the_end(self) -> None:
        done: list[str | None] = []
        with make_router(workers=3) as router:

            @router.on("call.ended")
            def plain(event: CallEnded) -> None:
                done.append(event.call_id)

            @router.on("call.ended")
            async def later(event: CallEnded) -> None:
                await anyio.lowlevel.checkpoint()
                done.append(event.call_id)

            for number in range(100):
                assert router.handle_blocking("POST", *delivery(str(number))).status == 204
        assert sorted(map(str, done), key=int) == sorted([str(n) for n in range(100)] * 2, key=int)
        assert router.handle_blocking("POST", *delivery("late")).status == 503
        assert not [thread for thread in threading.enumerate() if thread.name == "trudy-webhooks"]

    def test_a_full_queue_refuses(self) -> None:
        leave, entered = threading.Event(), threading.Event()
        with make_router(queue_size=1, workers=1) as router:

            @router.on("call.ended")
            def slow(event: CallEnded) -> None:
                entered.set()
                assert leave.wait(60)

            assert router.handle_blocking("POST", *delivery("working")).status == 204
            assert entered.wait(60)
            statuses = [router.handle_blocking("POST", *delivery(str(n))).status for n in range(3)]
            assert statuses == [204, 503, 503]
            leave.set()

    @pytest.mark.parametrize("started", [0, 2])
    def test_threads_that_cannot_be_started(self, started: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is acknowledged, and the next delivery tries again."""
        done: list[str | None] = []
        start, left = threading.Thread.start, [True] * started

        def start_or_fail(thread: threading.Thread) -> None:
            if thread.name == "trudy-webhooks":
                if not left:
                    raise RuntimeError("can't start new thread")
                left.pop()
            start(thread)

        with make_router(queue_size=1, workers=3) as router:
            router.on("call.ended")(lambda event: done.append(event.call_id))
            before = set(threading.enumerate())
            with monkeypatch.context() as patch:
                patch.setattr(threading.Thread, "start", start_or_fail)
                for _ in range(2):
                    with pytest.raises(RuntimeError, match="new thread"):
                        router.handle_blocking("POST", *delivery("a"))
            for thread in set(threading.enumerate()) - before:
                if thread.name == "trudy-webhooks":
                    thread.join(60)
                    assert not thread.is_alive()
            router._thread_queue().drain()
            assert router.handle_blocking("POST", *delivery("a")).status == 204
        assert done == ["a"]

    def test_draining_waits_for_what_came_before_and_for_nothing_after_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = {"early": threading.Event(), "late": threading.Event()}
        entered = {call_id: threading.Event() for call_id in ("early", "b", "late")}
        begun = threading.Event()
        with make_router(workers=2) as router:

            @router.on("call.ended")
            def slow(event: CallEnded) -> None:
                entered[str(event.call_id)].set()
                if event.call_id in held:
                    assert held[event.call_id].wait(60)

            router.handle_blocking("POST", *delivery("early"))
            assert entered["early"].wait(60)
            handled = router._thread_queue()._handled
            wait_for = handled.wait_for
            monkeypatch.setattr(handled, "wait_for", lambda predicate: begun.set() or wait_for(predicate))
            draining = threading.Thread(target=router._thread_queue().drain)
            draining.start()
            assert begun.wait(60)
            for call_id in ("b", "late"):
                router.handle_blocking("POST", *delivery(call_id))
                assert entered[call_id].wait(60)
            assert draining.is_alive()
            held["early"].set()
            draining.join(60)
            assert not draining.is_alive()
            held["late"].set()

    def test_a_handler_that_exits_ends_no_worker(self, caplog: pytest.LogCaptureFixture) -> None:
        done: list[str | None] = []
        with make_router(workers=1) as router:

            @router.on("call.ended")
            def leave(event: CallEnded) -> None:
                done.append(event.call_id)
                if event.call_id == "a":
                    sys.exit(1)

            for call_id in ("a", "b"):
                router.handle_blocking("POST", *delivery(call_id))
        assert done == ["a", "b"]
        assert "SystemExit" in caplog.text

    @pytest.mark.parametrize(
        "handler",
        [pytest.param(kind, marks=[] if kind == "async" else [starts_threads_at_exit]) for kind in EXIT_HANDLERS],
    )
    def test_the_interpreter_waits_at_its_exit(self, handler: str) -> None:
        """And handlers may use executors meanwhile, which end soon after."""
        run = run_script(EXIT_HANDLERS[handler], "send()")
        assert run.stdout.split() == [str(number) for number in range(50)]
        assert run.stderr == ""

    @starts_threads_at_exit
    def test_a_server_in_a_thread_of_its_own_is_served_after_the_main_thread_has_ended(self) -> None:
        run = run_script(
            EXIT_HANDLERS["async"],
            """
            def serve():
                threading.main_thread().join()
                send()
            threading.Thread(target=serve).start()
            """,
        )
        assert run.stdout.split() == [str(number) for number in range(50)]
        assert run.stderr == ""

    def test_the_exit_does_not_wait_for_a_server_that_never_ends(self) -> None:
        """Its thread is a daemon, and has the next delivery queued before the one before it is handled."""
        run = run_script(
            """
            queued = threading.Semaphore(0)

            @router.on_any
            def handler(event):
                queued.acquire()
                tell(event)

            def serve():
                for number in range(10**9):
                    made = make_delivery("call.ended", secret="whsec_x", call_id=str(number))
                    if router.handle_blocking("POST", made.headers, made.body).status != 204:
                        break
                    if number:
                        queued.release()
                        told.wait()
                        told.clear()
                for _ in range(2):
                    queued.release()

            threading.Thread(target=serve, daemon=True).start()
            told.wait()
            """,
        )
        handled = run.stdout.split()
        assert handled == [str(number) for number in range(len(handled))]
        assert run.stderr == ""

    @pytest.mark.parametrize("kind", ["def", "async def"])
    def test_the_exit_is_interrupted_once(self, kind: str) -> None:
        run = run_script(
            f"""
            import signal

            @router.on_any
            {kind} handler(event):
                told.set()
                threading.Event().wait()

            def interrupted(predicate):
                signal.raise_signal(signal.SIGINT)

            signal.signal(signal.SIGINT, signal.default_int_handler)
            send("a", "b")
            told.wait()
            router._thread_queue()._handled.wait_for = interrupted
            """,
        )
        assert run.stderr.count("KeyboardInterrupt") == 1

    @starts_threads_at_exit
    def test_a_forked_child_has_workers_of_its_own(self) -> None:
        run = run_script(
            EXIT_HANDLERS["async, in a thread"],
            """
            send("first")
            told.wait()
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
            else:
                send()
            """,
        )
        assert sorted(run.stdout.split()) == sorted(["first", *map(str, range(50))])
        assert run.stderr == ""
