"""A clock that stands still until a test moves it."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable
from itertools import count

import anyio
import anyio.lowlevel

from trudy._concurrency.loops import thread_safe_event

NOON = 1_800_000_000.0
"""A whole minute of the epoch."""

_TURNS = 50


class FakeClock:
    """Sleepers of any number of asyncio and trio loops, in any threads, wake when the clock reaches their time.

    Args:
        start: Unix seconds; a whole minute unless told.
    """

    def __init__(self, start: float = NOON) -> None:
        self._lock = threading.Lock()
        self._wall = start
        self._monotonic = 1_000.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, Callable[[], None]]] = []
        self.slept: list[float] = []
        """Every sleep asked for, in order."""

    def time(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has been moved by `seconds`; at once, after one turn of the loop, for 0 or less."""
        self.slept.append(seconds)
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
            return
        event, wake = thread_safe_event()
        with self._lock:
            entry = (self._monotonic + seconds, next(self._numbers), wake)
            insort(self._sleepers, entry)
        try:
            await event.wait()
        finally:
            with self._lock:
                if entry in self._sleepers:
                    self._sleepers.remove(entry)

    @property
    def sleeping(self) -> int:
        """How many tasks sleep now."""
        return len(self._sleepers)

    @property
    def next_wake(self) -> float | None:
        """Seconds until the first sleeper wakes; None if nobody sleeps."""
        with self._lock:
            return max(0.0, self._sleepers[0][0] - self._monotonic) if self._sleepers else None

    def advance(self, seconds: float) -> None:
        """Move on and wake, in order, everyone whose time has come. They run when their loops next do."""
        with self._lock:
            self._wall += seconds
            self._monotonic += seconds
            due = [entry for entry in self._sleepers if entry[0] <= self._monotonic + 1e-9]
            del self._sleepers[: len(due)]
        for _, _, wake in due:
            try:
                wake()
            except RuntimeError:  # its loop is closed: nobody sleeps there any more
                continue

    def set_wall(self, now: float) -> None:
        """Set the machine's clock; sleeps and `monotonic` do not change."""
        self._wall = now

    async def run(self, seconds: float) -> None:
        """Let `seconds` pass as they would: stop at each sleeper's time and let this loop settle before going on."""
        end = self._monotonic + seconds
        await settle()
        while (wait := self.next_wake) is not None and self._monotonic + wait <= end:
            self.advance(wait)
            await settle()
        self.advance(max(0.0, end - self._monotonic))
        await settle()


async def settle() -> None:
    """Let every task of this loop run until it waits for something.

    Turns of the loop rather than anyio's `wait_all_tasks_blocked`, which sleeps a real tenth of a second on asyncio.
    """
    for _ in range(_TURNS):
        await anyio.lowlevel.checkpoint()
