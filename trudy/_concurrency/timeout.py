"""A bound on how long something may take, on the injected clock or in real seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import TYPE_CHECKING, Final, TypeVar

from trudy.clock import SystemClock, loop_keeps_time

if TYPE_CHECKING:
    from anyio import Event

    from trudy.clock import Clock

T = TypeVar("T")

_MACHINE: Final = SystemClock()


async def bounded(clock: Clock, seconds: float, action: Callable[[], Awaitable[T]]) -> T | None:
    """What the action gives; None, and the action cancelled, when the clock has run `seconds` first."""
    import anyio

    if seconds <= 0:
        return None
    result: T | None = None
    failure: Exception | KeyboardInterrupt | SystemExit | None = None
    async with anyio.create_task_group() as group:

        async def alarm() -> None:
            await clock.sleep(seconds)
            group.cancel_scope.cancel()

        group.start_soon(alarm)
        try:
            result = await action()
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            # Raised below, outside the group, which would wrap it.
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def wait_at_most(event: Event, seconds: float | None) -> bool:
    """Whether the event was set within so many real seconds (None: for ever), whether a test has frozen time or not."""
    from anyio import move_on_after

    if seconds is None or seconds == inf:
        await event.wait()
    elif loop_keeps_time():
        with move_on_after(seconds):
            await event.wait()
    else:
        await bounded(_MACHINE, seconds, event.wait)
    return event.is_set()
