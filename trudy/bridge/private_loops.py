"""The loops of one client: as many as operations at the same time; the last one used is used next, since its connection
is open.

There is no lock: each step is one atomic action on a container. So neither a fork nor a finaliser, which may run at any
moment, can find a lock that is held.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from trudy._concurrency.fork import reset_in_child

if TYPE_CHECKING:
    from trudy.bridge.loop import PrivateLoop

MAX_IDLE = 20
"""Idle loops kept with their connections, as many as httpx keeps idle connections: more would hold descriptors for
nothing, fewer would connect anew after each burst of threads."""


class PrivateLoops:
    """Idle loops, and those in use. Once `closed` is set, no loop is kept."""

    __slots__ = ("__weakref__", "_busy", "_idle", "closed")

    def __init__(self) -> None:
        self.closed = False
        self._idle: deque[PrivateLoop] = deque()
        self._busy: set[PrivateLoop] = set()
        reset_in_child(self)

    def borrow(self) -> PrivateLoop:
        """A loop that nobody else uses."""
        from trudy.bridge.loop import PrivateLoop

        try:
            loop = self._idle.pop()
        except IndexError:
            loop = PrivateLoop()
        self._busy.add(loop)
        return loop

    def give_back(self, loop: PrivateLoop, *, usable: bool) -> None:
        """Keep the loop for the next operation; close it if there are enough, the client is closed, or it is broken."""
        self._busy.discard(loop)
        if loop.parked:
            return
        if not usable:
            loop.abandon()
        elif self.closed or len(self._idle) >= MAX_IDLE:
            loop.finish()
        else:
            self._idle.append(loop)
            if self.closed:  # set by another thread since the test above
                self._finish_idle()

    def close_idle(self, *, wait: bool = True) -> None:
        """Close the idle loops; in another thread, for which `wait` waits, where a loop runs in this one."""
        if not self._idle:
            return
        from trudy.bridge.worker import in_thread, loop_runs_here, start_thread

        if not loop_runs_here():
            self._finish_idle()
        elif wait:
            in_thread(self._finish_idle)
        else:
            start_thread(self._finish_idle)

    def _finish_idle(self) -> None:
        while True:
            try:
                loop = self._idle.pop()
            except IndexError:
                return
            loop.finish()

    def after_fork(self) -> None:
        """In a child: the loops are the parent's."""
        loops = [*self._idle, *self._busy]
        self._idle, self._busy = deque(), set()
        for loop in loops:
            loop.park()
        _parked.extend(loops)


_parked: list[PrivateLoop] = []
"""Loops of a parent process. Never emptied: freeing a loop here would close its connections for the parent too."""
