"""`Bridge.run`: results, errors, context variables, names, and what is kept between two operations."""

from __future__ import annotations

import asyncio
import decimal
import socket
import sys
import threading
import traceback
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import ModuleType

import pytest

from trudy.bridge import Bridge
from trudy.bridge.private_loops import MAX_IDLE

word: ContextVar[str] = ContextVar("word", default="unset")


async def double(number: int, *, plus: int = 0) -> int:
    await asyncio.sleep(0)
    return number * 2 + plus


async def fail() -> None:
    await asyncio.sleep(0)
    raise LookupError("nothing here")


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture
def bridge() -> Generator[Bridge]:
    bridge = Bridge()
    yield bridge
    close(bridge)


def close(bridge: Bridge) -> None:
    async def closing() -> None:
        pass

    bridge.close(closing)


def test_arguments_go_in_and_the_result_comes_out(bridge: Bridge) -> None:
    assert bridge.run(double, 4, plus=1) == 9


def test_any_awaitable_will_do(bridge: Bridge) -> None:
    class Later:
        def __await__(self) -> Generator[object, None, str]:
            yield from asyncio.sleep(0).__await__()
            return "there"

    assert bridge.run(Later) == "there"


def test_an_error_shows_the_callers_line_and_few_of_ours(bridge: Bridge) -> None:
    with pytest.raises(LookupError) as caught:
        bridge.run(fail)  # the caller's line

    frames = traceback.extract_tb(caught.value.__traceback__)
    assert frames[0].line == "bridge.run(fail)  # the caller's line"
    assert frames[-1].name == "fail"
    assert len(frames) == 3
    assert caught.value.__context__ is None


def test_the_loop_is_kept_for_the_next_call(bridge: Bridge) -> None:
    assert bridge.run(running_loop) is bridge.run(running_loop)


def test_an_error_raised_before_there_is_a_coroutine_gives_the_loop_back(bridge: Bridge) -> None:
    async def needs_one(_: int) -> None: ...

    first = bridge.run(running_loop)
    with pytest.raises(TypeError):
        bridge.run(needs_one)  # type: ignore[call-arg]
    assert bridge.run(running_loop) is first


def test_a_variable_of_the_caller_is_seen_and_a_change_comes_back(bridge: Bridge) -> None:
    async def answer() -> str:
        seen = word.get()
        word.set("changed")
        return seen

    token = word.set("asked")
    try:
        assert bridge.run(answer) == "asked"
        assert word.get() == "changed"
    finally:
        word.reset(token)


def test_a_change_comes_back_from_a_call_that_fails(bridge: Bridge) -> None:
    async def answer() -> None:
        word.set("before the error")
        raise LookupError

    token = word.set("asked")
    try:
        with pytest.raises(LookupError):
            bridge.run(answer)
        assert word.get() == "before the error"
    finally:
        word.reset(token)


def test_a_call_that_sets_nothing_sets_nothing(bridge: Bridge) -> None:
    before = decimal.getcontext()
    bridge.run(double, 1)
    assert decimal.getcontext() is before


def test_a_library_that_is_still_being_imported_counts_as_absent(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sniffio", ModuleType("sniffio"))
    assert bridge.run(double, 4) == 8


def test_names_are_resolved_in_the_calling_thread(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, int]] = []
    real = socket.getaddrinfo

    def spy(host: object, *args: object) -> list[object]:
        asked.append((host, threading.get_ident()))
        return list(real(host, *args))  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", spy)

    async def resolve() -> object:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)

    threads = threading.active_count()
    assert bridge.run(resolve)
    assert asked == [("localhost", threading.get_ident())]
    assert threading.active_count() == threads


def test_64_threads_have_a_loop_each_and_few_are_kept(bridge: Bridge) -> None:
    together = threading.Barrier(64)

    async def meet() -> asyncio.AbstractEventLoop:
        together.wait(timeout=30)
        return asyncio.get_running_loop()

    with ThreadPoolExecutor(64) as threads:
        loops = list(threads.map(lambda _: bridge.run(meet), range(64)))

    assert len(set(loops)) == 64
    assert sum(not loop.is_closed() for loop in loops) == MAX_IDLE


def test_closing_waits_for_nobody_and_a_call_under_way_takes_its_loop_along(bridge: Bridge) -> None:
    started, go_on = threading.Event(), threading.Event()

    async def hold() -> asyncio.AbstractEventLoop:
        started.set()
        go_on.wait(timeout=30)
        return asyncio.get_running_loop()

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(bridge.run, hold)
        assert started.wait(timeout=30)
        idle = bridge.run(running_loop)
        close(bridge)
        assert idle.is_closed()
        go_on.set()
        assert held.result().is_closed()


def test_closing_runs_what_was_handed_in_then_ends_generators_and_tasks() -> None:
    bridge = Bridge()
    ended: list[str] = []

    async def keeper() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(0)
            ended.append("generator")

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("task")

    kept: list[object] = []

    async def begin() -> None:
        generator = keeper()
        await anext(generator)
        kept.extend((generator, asyncio.create_task(forever())))

    async def closing() -> None:
        ended.append("closing")

    bridge.run(begin)
    bridge.close(closing)
    assert ended == ["closing", "task", "generator"]


def test_a_call_after_closing_leaves_no_loop_open() -> None:
    bridge = Bridge()
    close(bridge)
    assert bridge.run(running_loop).is_closed()


def test_a_signal_handler_that_raises_in_the_midst_lets_the_call_clean_up(bridge: Bridge) -> None:
    import os
    import signal

    cleaned: list[bool] = []

    def leave(*_: object) -> None:
        raise SystemExit(3)

    async def hold() -> None:
        try:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGUSR1)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    first = bridge.run(running_loop)
    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(SystemExit):
            bridge.run(hold)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert cleaned == [True]
    assert bridge.run(running_loop) is first
