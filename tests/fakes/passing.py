"""Time that passes while something is awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from tests.fakes.clock import FakeClock, settle

T = TypeVar("T")


async def as_time_goes_by(clock: FakeClock, use: Callable[[], Awaitable[T]]) -> T:
    """What `use` gives, with the clock moved on to the next sleeper whenever everything else has settled."""
    outcome: list[Callable[[], T]] = []

    async def run() -> None:
        try:
            result = await use()
        except Exception as error:
            failure = error
            outcome.append(lambda: _raise(failure))
        else:
            outcome.append(lambda: result)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        while not outcome:
            await settle()
            if not outcome and (wait := clock.next_wake) is not None:
                clock.advance(wait)
    return outcome[0]()


def _raise(error: Exception) -> T:
    raise error
