"""A clock that moves only while all tasks of the event loop wait: hours cost no real time, and runs repeat exactly."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from trudy._concurrency.loops import thread_safe_event, wake_all
from trudy.sandbox.clock import LATE_SECONDS, LATEST, SandboxClock, Sleeper

T = TypeVar("T")

_FOREIGN_LOOP_SECONDS = 0.001
"""Real seconds before the clock may jump for a sleeper on a loop that this clock did not make, whose other tasks need
time to run. Longer is safer if they are many, and makes each wait of a sync client slower."""


class JumpingClock(SandboxClock):
    """A clock that jumps to where the first sleeper wakes, whenever all tasks wait.

        clock = JumpingClock(start=monday)
        sandbox = Sandbox(clock=clock)
        clock.run(main())

    Event loops made by `run` and `new_event_loop` tell the clock when all their tasks wait. They do not see work in
    threads: put that into `hold()`. On any other loop, such as that of a sync client, the clock jumps as soon as the
    other tasks of that loop wait, whatever other threads do. `advance` works as on any sandbox's clock.

    Args:
        start: Unix seconds at which it begins, before the year 2999; the present if left out.
    """

    def __init__(self, *, start: float | None = None) -> None:
        super().__init__(start=start, speed=0.0)
        self._lock = threading.RLock()
        self._queue: list[tuple[float, int, Sleeper, _IdleSelector | None]] = []
        self._numbers = count()
        self._selectors: dict[asyncio.AbstractEventLoop, _IdleSelector] = {}
        self._holds = 0

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """An asyncio event loop on which time jumps; a `loop_factory` for `asyncio.Runner` and anyio."""
        selector = _IdleSelector(self)
        loop = _Loop(selector)
        with self._lock:
            closed = [other for other in self._selectors if other.is_closed()]
            for other in closed:
                del self._selectors[other]
            self._selectors[loop] = selector
        return loop

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """`asyncio.run`, on a loop of `new_event_loop`."""
        with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
            return runner.run(main)

    @contextmanager
    def hold(self) -> Generator[None, None, None]:
        """Prevent jumps while the block runs: for work that no event loop sees, such as that of a thread."""
        with self._lock:
            self._holds += 1
        try:
            yield
        finally:
            with self._lock:
                self._holds -= 1
            self.ask_again()

    async def sleep(self, seconds: float, *, patient: bool = False) -> None:
        """Return when `seconds` have passed on this clock; `patient` has no effect here."""
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        event, wake = thread_safe_event()
        deadline = self.monotonic() + seconds
        sleeper = Sleeper(deadline, wake, patient)
        selector = self._selector_here()
        with self._changed:
            self._sleepers.add(sleeper)
            self._changed.notify_all()
        # After `_sleepers`: one that is in the queue only is taken for one that has stopped sleeping.
        with self._lock:
            heappush(self._queue, (deadline, next(self._numbers), sleeper, selector))
        try:
            if selector is None:
                await self._sleep_on_foreign_loop(event)
            await event.wait()
        finally:
            with self._changed:
                self._sleepers.discard(sleeper)
                self._changed.notify_all()

    def jump_if_all_wait(self) -> bool:
        """Jump to where the first sleeper wakes, unless a loop is at work or time is held. True if it jumped."""
        with self._lock:
            if self._holds or any(
                loop.is_running() and not selector.is_idle for loop, selector in self._selectors.items()
            ):
                return False
            while self._queue and self._queue[0][2] not in self._sleepers:
                heappop(self._queue)
            if not self._queue or not self._start + self._queue[0][0] < LATEST:
                return False
            self._move(max(0.0, self._queue[0][0] + LATE_SECONDS - self.monotonic()), None)
            return True

    def ask_again(self) -> None:
        """Let the loops that wait try to jump once more, after what prevented it is over."""
        with self._lock:
            idle = [loop for loop, selector in self._selectors.items() if selector.is_idle]
        for loop in idle:
            # Makes the idle loop call `select` again, which may now jump.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_nothing)

    def _selector_here(self) -> _IdleSelector | None:
        try:
            return self._selectors.get(asyncio.get_running_loop())
        except RuntimeError:  # trio
            return None

    async def _sleep_on_foreign_loop(self, event: anyio.Event) -> None:
        while not event.is_set():
            with anyio.move_on_after(_FOREIGN_LOOP_SECONDS):
                await event.wait()
            if not event.is_set():
                # That the real time is over does not mean that nobody works: on a busy machine a step takes longer.
                await anyio.wait_all_tasks_blocked()
            if not event.is_set():
                self.jump_if_all_wait()

    def _move(self, step: float, speed: float | None) -> None:
        if speed:
            raise ValueError("a jumping clock has no speed: it moves when all tasks wait")
        with self._lock:
            elapsed = self.monotonic() + step
            self._set_elapsed(elapsed)
            while self._queue and self._queue[0][0] <= elapsed:
                _, _, sleeper, selector = heappop(self._queue)
                if sleeper in self._sleepers:
                    self._wake(sleeper, selector)

    def _wake(self, sleeper: Sleeper, selector: _IdleSelector | None) -> None:
        if selector is not None:
            # Already now, not when its thread wakes: until then the clock could jump once more.
            selector.is_idle = False
        with self._changed:
            self._sleepers.discard(sleeper)
        wake_all([sleeper.wake])


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that was at work until it ends, for which another may have waited."""

    def __init__(self, selector: _IdleSelector) -> None:
        super().__init__(selector)
        self._clock = selector.clock

    def run_forever(self) -> None:
        try:
            super().run_forever()
        finally:
            self._clock.ask_again()


class _IdleSelector(selectors.DefaultSelector):
    """The selector of an event loop that tells the clock when all the loop's tasks wait.

    Attributes:
        clock: that jumps.
        is_idle: all tasks of the loop wait. Set here, and cleared by whoever wakes a sleeper of the loop.
    """

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__()
        self.clock = clock
        self.is_idle = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self.is_idle = True
        try:
            # The clock jumps although the loop may have timers of its own: those are limits in real time.
            self.clock.jump_if_all_wait()
            # Waking a sleeper writes to the loop's own socket, so this returns at once.
            return super().select(timeout)
        finally:
            self.is_idle = False


def _nothing() -> None:
    """A callback whose only use is to wake a loop."""
