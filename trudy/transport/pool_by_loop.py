"""One HTTP pool for each event loop, closed with its loop.

A plain dict under a lock: a weak one would never free anything, since a pool holds its loop. Each pool lives inside an
async generator started on its loop, so that the loop's own `shutdown_asyncgens` closes it, on asyncio and trio alike.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import Loop, current_loop, is_asyncio, is_private
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.transport.backend import Pool


logger = logging.getLogger("trudy")


@define(eq=False)
class _Entry:
    pool: Pool
    keeper: AsyncGenerator[None, None]
    closing: object = field(default=None)
    """The task that closes it, held so that it is not collected halfway."""

    async def close(self) -> None:
        await self.pool.aclose()
        await self.keeper.aclose()


class PoolByLoop:
    """Finds, opens and closes the pool of the running loop."""

    def __init__(self, open_pool: Callable[[Loop], Pool]) -> None:
        self._open_pool = open_pool
        self._entries: dict[Loop, _Entry] = {}
        self._lock = threading.Lock()
        self.closed = False
        reset_in_child(self)

    def __len__(self) -> int:
        return len(self._entries)

    async def here(self) -> Pool:
        """The pool of the running loop, opened at its first use."""
        loop = current_loop()
        entry = self._entries.get(loop)
        return entry.pool if entry is not None else await self._open(loop)

    async def aclose(self) -> None:
        """Close this loop's pool now and have the other loops close theirs. May be called again, from any loop.

        A private loop of the sync client is left alone: it closes its pool when it ends, after the call under way.
        """
        self.closed = True
        here = current_loop()
        with self._lock:
            entry = self._entries.pop(here, None)
            others = list(self._entries.items())
        for loop, other in others:
            if not is_private(loop):
                self._post(loop, other)
        if entry is not None:
            await entry.close()

    async def _open(self, loop: Loop) -> Pool:
        if self.closed:
            raise ConfigurationError("the client is closed; make a new one")
        pool = self._open_pool(loop)
        entry = _Entry(pool, self._keep(loop, pool))
        with self._lock:
            for other in [other for other in self._entries if _is_dead(other)]:
                del self._entries[other]
            self._entries[loop] = entry
        await anext(entry.keeper)
        return pool

    async def _keep(self, loop: Loop, pool: Pool) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                entry = self._entries.get(loop)
                if entry is not None and entry.pool is pool:
                    del self._entries[loop]
            await pool.aclose()

    def _post(self, loop: Any, entry: _Entry) -> None:
        """Have another loop close its pool. One that never runs again keeps it until it is shut down itself."""

        async def close() -> None:
            with self._lock:
                self._entries.pop(loop, None)
            try:
                await entry.close()
            except Exception:  # nobody waits for the result, and on trio it would end the whole run
                logger.exception("closing the connections of another event loop failed")

        def start() -> None:
            if is_asyncio(loop):
                entry.closing = loop.create_task(close())
            else:
                sys.modules["trio"].lowlevel.spawn_system_task(close)

        try:
            (loop.call_soon_threadsafe if is_asyncio(loop) else loop.run_sync_soon)(start)
        except RuntimeError:  # the loop is closed, the trio run finished: its sockets went with it
            with self._lock:
                self._entries.pop(loop, None)

    def after_fork(self) -> None:
        """In a child: the connections are the parent's."""
        _graveyard.append(self._entries)
        self._entries = {}
        self._lock = threading.Lock()


def _is_dead(loop: Any) -> bool:
    return is_asyncio(loop) and bool(loop.is_closed())


_graveyard: list[object] = []
"""The parent's pools in a forked child. Never freed: closing one edits the epoll that parent and child share."""
