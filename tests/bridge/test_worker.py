"""Operations where a loop already runs in the thread."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
import warnings
from collections.abc import Callable, Generator
from contextvars import ContextVar

import anyio
import pytest
import trio
from anyio.lowlevel import checkpoint

from trudy.bridge import Bridge, worker

Script = Callable[[str], list[str]]
word: ContextVar[str] = ContextVar("word", default="unset")


async def thread() -> int:
    await checkpoint()
    return threading.get_ident()


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Generator[Bridge]:
    async def closing() -> None:
        pass

    monkeypatch.setattr(worker, "_warned", False)
    bridge = Bridge()
    yield bridge
    bridge.close(closing)


def run_asyncio(main: Callable[[], object]) -> None:
    async def wrapped() -> None:
        main()

    asyncio.run(wrapped())


def run_trio(main: Callable[[], object]) -> None:
    async def wrapped() -> None:
        main()

    trio.run(wrapped)


def run_anyio_trio(main: Callable[[], object]) -> None:
    async def wrapped() -> None:
        main()

    anyio.run(wrapped, backend="trio")


@pytest.mark.parametrize("run", [run_asyncio, run_trio, run_anyio_trio])
def test_another_thread_runs_the_call_and_is_gone_afterwards(
    bridge: Bridge, run: Callable[[Callable[[], object]], None]
) -> None:
    async def answer() -> int:
        word.set(f"{word.get()}, answered")
        return await thread()

    def main() -> None:
        word.set("asked")
        with pytest.warns(RuntimeWarning, match="AsyncTrudyClient") as caught:
            assert bridge.run(answer) != threading.get_ident()
        assert caught[0].filename == __file__
        assert word.get() == "asked, answered"
        assert threading.active_count() == threads
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # it is said once
            assert bridge.run(answer) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            bridge.run(divide)

    async def divide() -> float:
        return 1 / 0

    threads = threading.active_count()
    run(main)
    assert bridge.run(thread) == threading.get_ident()


def test_a_callback_of_a_call_may_call(bridge: Bridge) -> None:
    async def outer() -> tuple[int, int]:
        with pytest.warns(RuntimeWarning):
            return bridge.run(thread), await thread()

    inner, own = bridge.run(outer)
    assert own == threading.get_ident() != inner


def test_a_loop_in_another_thread_makes_no_difference(bridge: Bridge) -> None:
    async def main() -> None:
        there = await asyncio.to_thread(lambda: (bridge.run(thread), threading.get_ident()))
        assert there[0] == there[1]

    asyncio.run(main())


def test_a_notebook_is_not_warned(bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_asyncio(lambda: bridge.run(thread))


def test_closing_inside_a_running_loop(bridge: Bridge) -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def closing() -> None:
        pass

    kept = bridge.run(loop)
    with pytest.warns(RuntimeWarning):
        run_asyncio(lambda: bridge.close(closing))
    assert kept.is_closed()


def test_dropped_inside_a_running_loop(bridge: Bridge) -> None:
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def main() -> None:
        mine = Bridge()
        with pytest.warns(RuntimeWarning):
            kept = mine.run(loop)
        assert not kept.is_closed()
        del mine
        for closer in threading.enumerate():
            if closer.name == "trudy":
                closer.join(timeout=30)
        assert kept.is_closed()

    run_asyncio(main)
