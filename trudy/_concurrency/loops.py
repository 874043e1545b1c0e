"""For tasks of any event loop: which loop runs, time limits, and waking a task from another thread."""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from math import inf
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from trudy.clock import IN_STEP, SystemClock, loop_keeps_time, monotonic

if TYPE_CHECKING:
    import anyio

    from trudy.clock import Clock

T = TypeVar("T")

_MACHINE: Final = SystemClock()
_SHORTEST: Final = 0.001
"""Seconds of the shortest wait: a shorter one could end before a coarse clock has moved, and be repeated in a hurry."""
Loop: TypeAlias = Hashable
"""An asyncio loop or a trio token."""


def current_loop() -> Loop:
    """The asyncio loop or trio token of the caller. Raises RuntimeError where neither runs."""
    # trio is asked first: a trio guest run has an asyncio loop around it. While another thread is importing trio, its
    # functions are missing.
    lowlevel = sys.modules.get("trio.lowlevel")
    in_trio_task = getattr(lowlevel, "in_trio_task", None)
    if lowlevel is not None and in_trio_task is not None and in_trio_task():
        return cast(Loop, lowlevel.current_trio_token())
    import asyncio

    return asyncio.get_running_loop()


def is_asyncio(loop: Loop) -> bool:
    """Whether it is an asyncio loop (else a trio token)."""
    return hasattr(loop, "call_soon_threadsafe")


def is_private(loop: Loop) -> bool:
    """Whether it belongs to a sync client, which alone uses it and closes what was opened on it."""
    return getattr(loop, "is_private", False) is True


def loop_stands_still() -> bool:
    """Whether a test has stopped Python's own clock, and with it the timers of the running loop.

    A loop that only has a time of its own, as in simulations, does not stand still.
    """
    return abs(time.monotonic() - monotonic()) >= IN_STEP and not loop_keeps_time()


async def bounded(clock: Clock, seconds: float, action: Callable[[], Awaitable[T]]) -> T | None:
    """Await it for at most `seconds` of the clock: its result, or None if it took longer and was cancelled."""
    import anyio

    if seconds <= 0:
        return None
    result: T | None = None
    failure: Exception | KeyboardInterrupt | SystemExit | None = None
    async with anyio.create_task_group() as group:

        async def alarm() -> None:
            await clock.sleep(seconds)
            group.cancel_scope.cancel()

        group.start_soon(alarm)
        try:
            result = await action()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            # Raised below: inside the group it would be wrapped into an exception group.
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def wait_at_most(event: anyio.Event, seconds: float | None) -> bool:
    """Wait for the event for so many real seconds (None: for ever), also under frozen time; whether it was set."""
    from anyio import move_on_after

    if seconds is None or seconds == inf:
        await event.wait()
    elif loop_keeps_time():
        with move_on_after(seconds):
            await event.wait()
    else:
        await bounded(_MACHINE, seconds, event.wait)
    return event.is_set()


def thread_safe_event() -> tuple[anyio.Event, Callable[[], None]]:
    """An event of the running loop, and a thread-safe function that sets it.

    The function raises `RuntimeError` when the loop is closed, and the waiting task gone with it.
    """
    import anyio

    event = anyio.Event()
    run_soon = _run_soon()

    def wake() -> None:
        run_soon(event.set)

    return event, wake


def wake_all(wakes: Iterable[Callable[[], object]]) -> None:
    """Call each of them; those whose loop is closed are passed over."""
    for wake in wakes:
        try:
            wake()
        except RuntimeError:
            continue


def _run_soon() -> Callable[[Callable[[], object]], object]:
    import asyncio

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        if "trio" not in sys.modules:
            raise
    import trio

    token = trio.lowlevel.current_trio_token()

    def run_soon(function: Callable[[], object]) -> None:
        try:
            token.run_sync_soon(function)
        except trio.RunFinishedError as error:
            raise RuntimeError("the loop is closed") from error

    return run_soon


class Round:
    """Work that one task does for all that need it meanwhile, while they wait. Its owner's lock guards it."""

    __slots__ = ("_wakes",)

    def __init__(self) -> None:
        self._wakes: list[Callable[[], None]] | None = None

    def join(self) -> anyio.Event | None:
        """None for the first task, which does the work and then calls `end`; for the others an event to wait for."""
        if self._wakes is None:
            self._wakes = []
            return None
        event, wake = thread_safe_event()
        self._wakes.append(wake)
        return event

    def end(self) -> Iterable[Callable[[], None]]:
        """End the round; returns what wakes the others, to be called without the lock."""
        wakes, self._wakes = self._wakes or [], None
        return wakes


class Wakeup:
    """Wakes one waiting task, from any thread. It looks up no loop and makes no event before `wait`, so it is cheap."""

    __slots__ = ("_is_set", "_wake")

    def __init__(self) -> None:
        self._is_set = False
        self._wake: Callable[[], None] | None = None

    def set(self) -> None:
        """Wake the waiter. Raises RuntimeError if its loop is closed."""
        self._is_set = True
        if self._wake is not None:
            self._wake()

    def clear(self) -> bool:
        """Forget that it was set, before looking at what it was set for; whether it was."""
        was_set, self._is_set = self._is_set, False
        return was_set

    async def wait(self, seconds: float, clock: Clock) -> None:
        """Return when it was set since `clear`, or when `seconds` have passed on the clock."""
        event, self._wake = thread_safe_event()
        # The waiter is stored before the mark is read, and `set` does the reverse: so no `set` is missed.
        if not self._is_set:
            await bounded(clock, max(seconds, _SHORTEST), event.wait)
