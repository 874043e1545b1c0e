"""The sandbox's own time: as fast as told, stepped by hand, the same for every thread and event loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import anyio
import anyio.lowlevel
from attrs import field, frozen


@frozen
class _Anchor:
    """A moment at which the real and the sandbox's clock were compared."""

    real: float
    elapsed: float
    speed: float


@frozen(eq=False)
class _Sleeper:
    deadline: float
    wake: Callable[[], None] = field(repr=False)


class SandboxClock:
    """A clock that runs `speed` times as fast as the real one, and jumps when told.

    It fits `trudy.clock.Clock`, so a client that takes `clock=sandbox.clock` lives in the same time. With `speed=0` it
    stands still and moves by `advance` alone.

    Args:
        start: Unix seconds at which it begins; the present when left out.
        speed: sandbox seconds for each real second, 0 or more.
    """

    def __init__(self, *, start: float | None = None, speed: float = 1.0) -> None:
        _check_speed(speed)
        self._start = time.time() if start is None else start
        self._anchor = _Anchor(real=time.monotonic(), elapsed=0.0, speed=speed)
        self._changed = threading.Condition()
        self._sleepers: set[_Sleeper] = set()

    def __repr__(self) -> str:
        return f"SandboxClock(elapsed={self.monotonic():.3f}, speed={self.speed})"

    @property
    def speed(self) -> float:
        """Sandbox seconds for each real second; may be set at any time."""
        return self._anchor.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        _check_speed(speed)
        self._move(0.0, speed)

    @property
    def sleepers(self) -> int:
        """How many tasks are asleep on this clock now, those whose time has come left out."""
        return len(self._sleepers)

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Sandbox seconds since this clock began."""
        anchor = self._anchor
        return anchor.elapsed + (time.monotonic() - anchor.real) * anchor.speed

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Jump ahead and wake all whose time has come. Never waits; callable from any thread or loop."""
        step = seconds + 60 * minutes + 3600 * hours
        if not 0 <= step < math.inf:
            raise ValueError("a clock can only be moved ahead, by a finite time")
        self._move(step, None)

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock, by running or by `advance`."""
        from trudy.pipeline.wake import wakeable

        deadline = self.monotonic() + seconds
        if seconds <= 0:
            await anyio.lowlevel.checkpoint()
        while self.monotonic() < deadline:
            event, wake = wakeable()
            sleeper = _Sleeper(deadline, wake)
            with self._changed:
                self._sleepers.add(sleeper)
                self._changed.notify_all()
            try:
                # Registered before it looks at the time, so that no step in between is missed.
                left, speed = deadline - self.monotonic(), self.speed
                with anyio.move_on_after(left / speed if speed else math.inf):
                    await event.wait()
            finally:
                with self._changed:
                    self._sleepers.discard(sleeper)
                    self._changed.notify_all()

    def wait_for_sleepers(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Block this thread until at least `count` tasks of other threads sleep on this clock; 0 means none does.

        Raises:
            TimeoutError: it did not come so within `timeout` real seconds.
        """

        def enough() -> bool:
            return len(self._sleepers) >= count if count else not self._sleepers

        with self._changed:
            if not self._changed.wait_for(enough, timeout):
                raise TimeoutError(f"{len(self._sleepers)} sleepers and not {count} after {timeout} s")

    def _move(self, step: float, speed: float | None) -> None:
        with self._changed:
            now, anchor = time.monotonic(), self._anchor
            elapsed = anchor.elapsed + (now - anchor.real) * anchor.speed + step
            self._anchor = _Anchor(real=now, elapsed=elapsed, speed=anchor.speed if speed is None else speed)
            sleepers = tuple(self._sleepers)
            self._sleepers -= {sleeper for sleeper in sleepers if sleeper.deadline <= elapsed}
        # The others wake too, to see how long they still have.
        for sleeper in sleepers:
            try:
                sleeper.wake()
            except RuntimeError:
                # Its loop is closed: nobody is left to be woken.
                with self._changed:
                    self._sleepers.discard(sleeper)


def _check_speed(speed: float) -> None:
    if not 0 <= speed < math.inf:
        raise ValueError("speed must be a finite number, 0 or more")
