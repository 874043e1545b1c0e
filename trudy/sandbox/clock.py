"""The sandbox's own time: it can run faster, be stepped by hand, and is the same for all threads and event loops."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
from attrs import field, frozen

from trudy.clock import SharedClock, monotonic

FASTEST = 1e6
"""The most sandbox seconds for a real one: beyond it, the time between two steps of a program is days."""
LATEST = datetime(2999, 1, 1, tzinfo=UTC).timestamp()
"""The end of the clock. Times after it, such as those of planned calls, must still be dates (before the year 10000)."""
PATIENCE_SECONDS = 2.0
"""Real seconds that sleepers wait for `advance` while a clock stands still, before it jumps to the first of them.
Shorter could jump while a slow test is about to call `advance`; longer makes a forgotten `advance` slow to notice."""
_PATIENCE_STEPS = 10
"""Waits into which that time is divided: a loop that was blocked for long then loses only one of them."""
LATE_SECONDS = 1e-5
"""How late a sleeper wakes after a jump. Times in answers are rounded to microseconds, so that a wait for one of them
may end a little early; on a clock that runs that time has passed anyway."""

_logger = logging.getLogger("trudy.sandbox")


@frozen
class _Anchor:
    """The real and the sandbox's time at one moment; all later times follow from it."""

    real: float
    elapsed: float
    speed: float


@frozen(eq=False)
class Sleeper:
    """A task that sleeps until a moment of the clock."""

    deadline: float
    wake: Callable[[], None] = field(repr=False)
    is_patient: bool


class SandboxClock:
    """A clock that runs `speed` times as fast as the real one, and jumps ahead at `advance`.

    It is a `trudy.clock.Clock`, so a client made with `clock=sandbox.clock` has the same time. With `speed=0` it stands
    still until `advance`. But a program with one thread that waits, for the next rate window or the next attempt, can
    call nothing: so after 2 real seconds without `advance` the clock jumps to where the first sleeper wakes, and logs a
    warning.

    Args:
        start: Unix seconds at which it begins, before the year 2999; the present if left out.
        speed: sandbox seconds for each real second, between 0 and 1,000,000.
    """

    def __init__(self, *, start: float | None = None, speed: float = 1.0) -> None:
        check_speed(speed)
        self._start = time.time() if start is None else start
        if not 0 <= self._start < LATEST:
            raise ValueError("start must be Unix seconds before the year 2999")
        self._anchor = _Anchor(real=monotonic(), elapsed=0.0, speed=speed)
        self._changed = threading.Condition()
        self._sleepers: set[Sleeper] = set()

    def __repr__(self) -> str:
        return f"SandboxClock(elapsed={self.monotonic():.3f}, speed={self.speed})"

    @property
    def speed(self) -> float:
        """Sandbox seconds for each real second; may be set at any time."""
        return self._anchor.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        check_speed(speed)
        self._move(0.0, speed)

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock now, without those whose time has come."""
        return len(self._sleepers)

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Sandbox seconds since this clock began."""
        anchor = self._anchor
        return anchor.elapsed + (monotonic() - anchor.real) * anchor.speed

    def shared(self) -> SharedClock:
        """A copy for other processes of this machine, which does not follow later changes of this clock.

        Raises:
            ValueError: this clock stands still.
        """
        anchor = self._anchor
        return SharedClock(start=self._start + anchor.elapsed, anchor=anchor.real, speed=anchor.speed)

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Jump ahead and wake the sleepers whose time has come. Does not wait; callable from any thread or loop.

        Raises:
            ValueError: the step is negative or not finite, or leads beyond the year 2998.
        """
        try:
            step = float(seconds) + 60 * float(minutes) + 3600 * float(hours)
        except OverflowError:
            step = math.inf
        if not 0 <= step < math.inf:
            raise ValueError("a clock can only be moved ahead, by a finite number of seconds")
        if not self.time() + step < LATEST:
            raise ValueError("a clock cannot be moved ahead beyond the year 2998")
        self._move(step, None)

    async def sleep(self, seconds: float, *, patient: bool = False) -> None:
        """Return when `seconds` have passed on this clock.

        Args:
            patient: a clock that stands still does not jump for this sleeper, which waits for `advance`.
        """
        from trudy._concurrency.loops import thread_safe_event, wait_at_most

        deadline = self.monotonic() + seconds
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
        while self.monotonic() < deadline:
            event, wake = thread_safe_event()
            sleeper = Sleeper(deadline, wake, patient)
            with self._changed:
                self._sleepers.add(sleeper)
                self._changed.notify_all()
            try:
                # The time is read after registering, so that no step in between is missed.
                anchor = self._anchor
                left, speed = deadline - self.monotonic(), anchor.speed
                if speed or patient:
                    await wait_at_most(event, left / speed if speed else None)
                elif not await _comes_soon(event):
                    self._jump(anchor)
            finally:
                with self._changed:
                    self._sleepers.discard(sleeper)
                    self._changed.notify_all()

    def wait_for_sleepers(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Block this thread until at least `count` tasks of other threads sleep on this clock; 0: until none does.

        Raises:
            TimeoutError: that did not happen within `timeout` real seconds.
        """

        def enough() -> bool:
            return len(self._sleepers) >= count if count else not self._sleepers

        with self._changed:
            if not self._changed.wait_for(enough, timeout):
                raise TimeoutError(f"{len(self._sleepers)} sleepers and not {count} after {timeout} s")

    def _jump(self, since: _Anchor) -> None:
        """Jump to where the first impatient sleeper wakes, unless the clock was moved `since`."""
        with self._changed:
            first = min((each.deadline for each in self._sleepers if not each.is_patient), default=math.inf)
            if self._anchor is not since or not self._start + first < LATEST:
                return
            step = first + LATE_SECONDS - since.elapsed
            self._move(step, None)
        _logger.warning(
            "The clock stands still at speed=0 and nobody called advance() for %g s: it jumped ahead by %.3f s, "
            "to where a sleeper wakes",
            PATIENCE_SECONDS,
            step,
        )

    def _set_elapsed(self, elapsed: float) -> None:
        self._anchor = _Anchor(real=monotonic(), elapsed=elapsed, speed=self._anchor.speed)

    def _move(self, step: float, speed: float | None) -> None:
        with self._changed:
            now, anchor = monotonic(), self._anchor
            elapsed = anchor.elapsed + (now - anchor.real) * anchor.speed + step
            self._anchor = _Anchor(real=now, elapsed=elapsed, speed=anchor.speed if speed is None else speed)
            sleepers = tuple(self._sleepers)
            self._sleepers -= {sleeper for sleeper in sleepers if sleeper.deadline <= elapsed}
        # All are woken, as the others must find out how long they still have to wait.
        for sleeper in sleepers:
            try:
                sleeper.wake()
            except RuntimeError:
                # The sleeper's loop is closed.
                with self._changed:
                    self._sleepers.discard(sleeper)


async def _comes_soon(event: anyio.Event) -> bool:
    from trudy._concurrency.loops import wait_at_most

    for _ in range(_PATIENCE_STEPS):
        if await wait_at_most(event, PATIENCE_SECONDS / _PATIENCE_STEPS):
            return True
    return False


def check_speed(speed: float) -> None:
    """Raise `ValueError` for a speed that no clock can have."""
    if not 0 <= speed <= FASTEST:
        raise ValueError("speed must be a number between 0 and 1,000,000")
