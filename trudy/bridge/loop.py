"""One private event loop, run by one thread at a time, and by none between two operations."""

from __future__ import annotations

import asyncio
import selectors
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from trudy.bridge.greenlets import is_patched, others_run, turn
from trudy.clock import monotonic

CLOSING_GRACE = 0.1
"""Seconds that tasks may take to end by themselves when the loop closes. More delays `close()`, less cuts them off."""
CANCELLED_GRACE = 5.0
"""Seconds that cancelled tasks may take to clean up. More delays Ctrl-C, less may leave a connection half closed."""
_MOST_SKIPPED = 16
"""Looks at the sockets skipped in a row. More saves time among many threads, less notices an answer sooner."""


class _SparingSelector(selectors.DefaultSelector):
    """Skips most looks at the sockets while the loop has callbacks to run.

    Each look releases the interpreter lock, and among many threads it takes long to get it back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0
        self.takes_turns = False
        self.each_turn: Callable[[], None] | None = None
        self.look_now()

    def look_now(self) -> None:
        """Do not skip the next look."""
        self._skipped = _MOST_SKIPPED

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.each_turn is not None:
            self.each_turn()
        if timeout == 0 and self._skipped < _MOST_SKIPPED:
            self._skipped += 1
            return []
        self._skipped = 0
        if self.takes_turns:
            with others_run():
                return super().select(timeout)
        return super().select(timeout)


class PrivateLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that starts no thread and leaves nothing behind."""

    is_private = True
    """See `trudy._concurrency.loops.is_private`."""
    _is_made = False
    _interpreter_ends = staticmethod(sys.is_finalizing)  # held here, since modules may be gone when it is asked

    def __init__(self) -> None:
        self.parked = False
        self.greenlet = 0
        """The thread, or greenlet, that runs the loop."""
        self.task: asyncio.Task[Any] | None = None
        """The operation under way, whose end stops the loop."""
        self._events = _SparingSelector()
        super().__init__(self._events)
        # asyncio's debug mode would warn of every name looked up here, though no other task has to wait for it.
        self.slow_callback_duration = float("inf")
        self._is_made = True

    def time(self) -> float:
        """As asyncio's, but not stopped by a test that has frozen `time.monotonic`."""
        return monotonic()

    def run_forever(self) -> None:
        """As asyncio's, but looks at the sockets first: the server may have closed some since the last operation."""
        self._events.look_now()
        self.greenlet = threading.get_ident()
        self._events.takes_turns = is_patched()
        with turn() if self._events.takes_turns else nullcontext():
            super().run_forever()

    def at_each_turn(self, function: Callable[[], None] | None) -> None:
        """Have this called whenever the loop looks at its sockets."""
        self._events.each_turn = function

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002
        proto: int = 0,
        flags: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Resolve in this thread: no other task has to wait, and `atexit` allows no executor's thread to be started."""
        return list(socket.getaddrinfo(host, port, family, type, proto, flags))

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return socket.getnameinfo(sockaddr, flags)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        # While the interpreter ends, objects report that they were not closed; the client has warned already.
        if not self._interpreter_ends():
            super().call_exception_handler(context)
        if self.task is not None and self.task.done():  # the callback that failed may be the one that stops the loop
            self.stop()

    def settle(self, task: asyncio.Task[Any]) -> None:
        """Cancel the task, whose end stops the loop, and wait for its clean-up for at most `CANCELLED_GRACE`."""
        task.cancel()
        end = self.time() + CANCELLED_GRACE
        timer = self.call_at(end, self.stop)
        while not task.done() and self.time() < end:
            self.run_forever()
        timer.cancel()

    def finish(self) -> None:
        """Close the loop in order: its async generators (the HTTP pools among them), its tasks, its threads if any."""
        if self.is_closed():
            return
        try:
            self.run_until_complete(self._wind_up())
        finally:
            self.close()

    async def _wind_up(self) -> None:
        # Tasks first: a clean-up that an operation left behind may still use the connections.
        rest = asyncio.all_tasks(self) - {asyncio.current_task(self)}
        if rest:
            _, rest = await asyncio.wait(rest, timeout=CLOSING_GRACE)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest, timeout=CANCELLED_GRACE)
        await self.shutdown_asyncgens()
        await self.shutdown_default_executor()
        await asyncio.sleep(0)  # a transport gives up its socket one turn after it was closed

    def abandon(self) -> None:
        """Close the loop without running it, so that a second Ctrl-C does not wait for tasks under way."""
        self.set_exception_handler(_ignore)
        self.close()

    def park(self) -> None:
        """In a forked child: touch nothing that is shared with the parent.

        Parent and child share one epoll object, and what the child removes from it is gone for the parent too. Objects
        that are freed remove themselves, so the selector's methods are made to do nothing.
        """
        self.parked = True
        self.set_exception_handler(_ignore)
        for name in ("register", "modify", "unregister", "close"):
            setattr(self._events, name, _ignore)

    def __del__(self) -> None:
        # Without a warning: the client that was not closed has given one.
        if self._is_made and not self.is_closed() and not self.is_running():
            try:
                self.close()
            except ValueError:  # the garbage collector took its sockets first
                return


def _ignore(*args: object) -> None:
    del args
