"""Permits given out first come, first served, within one event loop."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from trudy._concurrency.loops import wait_at_most

if TYPE_CHECKING:
    from anyio import Event


class FifoSemaphore:
    """A number of permits, given out in the order of asking. For one event loop: it is not thread-safe."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, permits: int) -> None:
        self._free = permits
        self._waiting: OrderedDict[Event, None] = OrderedDict()

    @property
    def free(self) -> int:
        """Permits nobody holds."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    async def acquire(self, timeout: float | None) -> bool:
        """Wait for a permit; False if none came free within `timeout` seconds. A cancelled waiter holds nothing."""
        if self._free:
            self._free -= 1
            return True
        from anyio import Event

        turn = Event()
        self._waiting[turn] = None
        try:
            if await wait_at_most(turn, timeout):
                return True
        except BaseException:
            if turn.is_set():  # it was cancelled just as it got the permit
                self.release()
            else:
                del self._waiting[turn]
            raise
        del self._waiting[turn]
        return False

    def release(self) -> None:
        """Give a permit back; the one who has waited longest gets it."""
        if self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            turn.set()
        else:
            self._free += 1
