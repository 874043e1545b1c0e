"""The clock behind waits, deadlines and the rate limiter; replaceable, so that tests never sleep."""

from __future__ import annotations

import math
import re
import sys
import time
from functools import partial
from typing import Final, Protocol, Self


class Clock(Protocol):
    """What the client asks of a clock. `sandbox.clock` is one, for tests that run hours in milliseconds."""

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        ...


if sys.platform == "win32":
    _held: Final = (time.monotonic,)  # in a tuple: freezegun replaces the function wherever it is a module's attribute

    def monotonic() -> float:
        """`time.monotonic()`, also while a test has frozen time: whoever waits on it is not kept for ever."""
        return _held[0]()

else:
    # What `time.monotonic` reads. Neither freezegun nor time-machine replaces this way to it.
    monotonic: Final = partial(time.clock_gettime, getattr(time, "CLOCK_UPTIME_RAW", time.CLOCK_MONOTONIC))
    """`time.monotonic()`, also while a test has frozen time: whoever waits on it is not kept for ever."""


IN_STEP: Final = 1.0
"""Seconds by which a loop's clock may differ from the machine's: uvloop reads it once a turn, which may be long."""
_NAP: Final = 0.001
"""Seconds the thread sleeps at a time where the loop's clock stands still. All tasks of the loop wait meanwhile: longer
sleeps would hold them up, shorter ones cost CPU."""


SANDBOX_CLOCK: Final = "TRUDY_SANDBOX_CLOCK"
"""Environment variable with the `SharedClock` that clients of a served sandbox follow."""
FOLLOWS_SANDBOX_CLOCK: Final = "X-Sandbox-Clock"
"""Header of clients that follow it: to them the sandbox gives waits in seconds of its own clock, not in real ones."""
_SHARED: Final = re.compile(r"start=(\S+) anchor=(\S+) speed=(\S+)")


class SharedClock:
    """A clock at another speed than the machine's, the same in all processes of a machine that are told of it.

    Args:
        start: Unix seconds that it showed at `anchor`.
        anchor: a moment of the machine's monotonic clock.
        speed: its seconds for each real second, more than 0.
    """

    __slots__ = ("_anchor", "_speed", "_start")

    def __init__(self, *, start: float, anchor: float, speed: float) -> None:
        if not (math.isfinite(start) and 0 < speed < math.inf and 0 <= anchor <= monotonic()):
            raise ValueError("a shared clock has a start, an anchor since the machine was started, and a speed above 0")
        self._start, self._anchor, self._speed = start, anchor, speed

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote; `ValueError` for anything else."""
        match = _SHARED.fullmatch(text.strip())
        if match is None:
            raise ValueError("a shared clock is written as start=... anchor=... speed=...")
        start, anchor, speed = map(float, match.groups())
        return cls(start=start, anchor=anchor, speed=speed)

    def __str__(self) -> str:
        return f"start={self._start!r} anchor={self._anchor!r} speed={self._speed!r}"

    def time(self) -> float:
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        return (monotonic() - self._anchor) * self._speed

    async def sleep(self, seconds: float) -> None:
        await SystemClock().sleep(seconds / self._speed)


class SystemClock:
    """The machine's own clock. `monotonic` and `sleep` go on where freezegun or time-machine stop time."""

    __slots__ = ()

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return monotonic()

    async def sleep(self, seconds: float) -> None:
        import anyio.lowlevel

        end = monotonic() + seconds
        while True:
            if loop_keeps_time():
                await anyio.sleep(seconds)
            else:
                time.sleep(min(_NAP, max(seconds, 0)))  # noqa: ASYNC251 - the loop's timers never end
                await anyio.lowlevel.checkpoint()
            seconds = end - monotonic()
            if seconds <= 0:
                return


def loop_keeps_time() -> bool:
    """Whether the running loop's timers run on the machine's clock, and not on one that a test has frozen."""
    import asyncio

    try:
        seen = asyncio.get_running_loop().time()
    except RuntimeError:  # trio, whose clock has no zero of its own: freezegun stops it together with this one
        seen = time.monotonic()
    return abs(seen - monotonic()) < IN_STEP
