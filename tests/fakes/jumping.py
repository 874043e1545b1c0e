"""A clock for one task at a time: a sleep is over at once, and the time has passed."""

from __future__ import annotations

import anyio.lowlevel

from tests.fakes.clock import NOON


class JumpingClock:
    """Keeps every sleep asked for in `slept`."""

    def __init__(self, start: float = NOON) -> None:
        self._now = start
        self.slept: list[float] = []

    def time(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += max(0.0, seconds)
        await anyio.lowlevel.checkpoint()

    def advance(self, seconds: float) -> None:
        self._now += seconds
