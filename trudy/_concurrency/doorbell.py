"""A bell that any thread may ring and one task waits for, on any event loop, with a time limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trudy._concurrency.timeout import bounded
from trudy._concurrency.wakeup import wakeable

if TYPE_CHECKING:
    from trudy.clock import Clock

_SHORTEST = 0.001


class Doorbell:
    """Costs nothing until somebody waits: no loop is looked up and no event made before."""

    __slots__ = ("_rung", "_wake")

    def __init__(self) -> None:
        self._rung = False
        self._wake: Callable[[], None] | None = None

    def ring(self) -> None:
        """Wake the waiter. Raises RuntimeError if its loop is closed."""
        self._rung = True
        if self._wake is not None:
            self._wake()

    def clear(self) -> bool:
        """Forget earlier rings: what they announced is about to be looked at. True if there were any."""
        rung, self._rung = self._rung, False
        return rung

    async def wait(self, seconds: float, clock: Clock) -> None:
        """Return when the bell was rung since `clear`, or when `seconds` have passed on the clock."""
        event, self._wake = wakeable()
        # A ring from another thread marks first and looks for the waiter then; here it is the other way round.
        if not self._rung:
            await bounded(clock, max(seconds, _SHORTEST), event.wait)
