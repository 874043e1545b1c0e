"""Wakes one task, on any event loop, from any thread: with an event, or with a time limit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from trudy._concurrency.timeout import bounded

if TYPE_CHECKING:
    import anyio

    from trudy.clock import Clock


_SHORTEST = 0.001


def thread_safe_event() -> tuple[anyio.Event, Callable[[], None]]:
    """An event of the running loop, and a thread-safe function that sets it.

    The function raises `RuntimeError` when the loop is closed: the one who waited is gone.
    """
    import anyio

    event = anyio.Event()
    run_soon = _run_soon()

    def wake() -> None:
        run_soon(event.set)

    return event, wake


def wake_all(wakes: Iterable[Callable[[], object]]) -> None:
    """Wake all who wait; one whose loop is closed is gone, and no reason to leave out the others."""
    for wake in wakes:
        try:
            wake()
        except RuntimeError:
            continue


def _run_soon() -> Callable[[Callable[[], object]], object]:
    import asyncio

    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        if "trio" not in sys.modules:
            raise
    import trio

    token = trio.lowlevel.current_trio_token()

    def run_soon(function: Callable[[], object]) -> None:
        try:
            token.run_sync_soon(function)
        except trio.RunFinishedError as error:
            raise RuntimeError("the loop is closed") from error

    return run_soon


class Wakeup:
    """Costs nothing until somebody waits: no loop is looked up and no event made before."""

    __slots__ = ("_is_set", "_wake")

    def __init__(self) -> None:
        self._is_set = False
        self._wake: Callable[[], None] | None = None

    def set(self) -> None:
        """Wake the waiter. Raises RuntimeError if its loop is closed."""
        self._is_set = True
        if self._wake is not None:
            self._wake()

    def clear(self) -> bool:
        """Forget earlier wakes: what they announced is about to be looked at. True if there were any."""
        was_set, self._is_set = self._is_set, False
        return was_set

    async def wait(self, seconds: float, clock: Clock) -> None:
        """Return when it was set since `clear`, or when `seconds` have passed on the clock."""
        event, self._wake = thread_safe_event()
        # `set` from another thread marks first and looks for the waiter then; here it is the other way round.
        if not self._is_set:
            await bounded(clock, max(seconds, _SHORTEST), event.wait)
