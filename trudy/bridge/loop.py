"""One private event loop, run by one thread at a time and by none between two calls."""

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
"""Seconds that tasks still there may take to end by themselves when the loop closes."""
CANCELLED_GRACE = 5.0
"""Seconds that cancelled tasks may take to clean up."""
_MOST_SKIPPED = 16


class _SparingSelector(selectors.DefaultSelector):
    """Skips most looks at the sockets while the loop has other things to do.

    Each look lets go of the interpreter, for which the threads of a client then queue.
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
    _interpreter_ends = staticmethod(sys.is_finalizing)  # a name that is still there when modules are not

    def __init__(self) -> None:
        self.parked = False
        self.greenlet = 0
        """Whose thread, or greenlet, runs the loop."""
        self.task: asyncio.Task[Any] | None = None
        """Of the call under way, whose end stops the loop."""
        self._events = _SparingSelector()
        super().__init__(self._events)
        # In asyncio's debug mode it would report every lookup of a name; nobody shares this loop.
        self.slow_callback_duration = float("inf")
        self._is_made = True

    def time(self) -> float:
        """As asyncio's, also while a test has frozen `time.monotonic`: the loop's timers end all the same."""
        return monotonic()

    def run_forever(self) -> None:
        """As asyncio's. It looks at the sockets first: the server may have closed some since the last call."""
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
        """Resolved in this thread: nobody else uses the loop, and no thread can be started from `atexit`."""
        return list(socket.getaddrinfo(host, port, family, type, proto, flags))

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return socket.getnameinfo(sockaddr, flags)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        # While the interpreter ends, objects complain of not having been closed; the client has done so for all.
        if not self._interpreter_ends():
            super().call_exception_handler(context)
        if self.task is not None and self.task.done():  # what failed may have been about to stop the loop
            self.stop()

    def settle(self, task: asyncio.Task[Any]) -> None:
        """Cancel the task, whose end stops the loop, and give it its time to clean up."""
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
        # Tasks first: what a call left to be done, such as a clean-up, is to be done undisturbed.
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
        """Close the loop without running it: a second Ctrl-C does not wait for what is still under way."""
        self.set_exception_handler(_ignore)
        self.close()

    def park(self) -> None:
        """In a forked child: take the hands off what is shared with the parent.

        The two share one epoll: whatever the child takes out of it is gone for the parent. Freed objects do that, so
        the selector no longer passes anything on.
        """
        self.parked = True
        self.set_exception_handler(_ignore)
        for name in ("register", "modify", "unregister", "close"):
            setattr(self._events, name, _ignore)

    def __del__(self) -> None:
        # Says nothing of its own: the client that was not closed has warned.
        if self._is_made and not self.is_closed() and not self.is_running():
            try:
                self.close()
            except ValueError:  # the garbage collector took its sockets first
                return


def _ignore(*args: object) -> None:
    del args
