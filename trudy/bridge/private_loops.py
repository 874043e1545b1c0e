"""The loops of one client: as many as calls at the same time; the one used last is used next, for its warm connection.

No lock anywhere: each step is one atomic operation on a container, so that neither a fork nor a finaliser that runs in
the middle of a call can meet a lock that is held.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from trudy._concurrency.fork import reset_in_child

if TYPE_CHECKING:
    from trudy.bridge.loop import PrivateLoop

MAX_IDLE = 20
"""Loops kept, with their connections, for the calls to come: as many connections as httpx keeps."""


class PrivateLoops:
    """Idle loops, and those in use. `closed`: nothing is kept any more."""

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
        """Keep the loop for the next call, or close it: it is one too many, the client is closed, or it is broken."""
        self._busy.discard(loop)
        if loop.parked:
            return
        if not usable:
            loop.abandon()
        elif self.closed or len(self._idle) >= MAX_IDLE:
            loop.finish()
        else:
            self._idle.append(loop)
            if self.closed:  # by another thread, between the question above and the line before
                self._finish_idle()

    def close_idle(self, *, wait: bool = True) -> None:
        """Close the idle loops. Where a loop runs in this thread, another thread does it; `wait` for that one."""
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
"""Loops of a parent process. Never emptied: a loop that is freed closes its connections for the parent too."""
