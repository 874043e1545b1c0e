"""A bound on how long something may take, on the injected clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from trudy.clock import Clock

T = TypeVar("T")


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
