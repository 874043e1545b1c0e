"""What asyncio and trio do each in its own way: tasks that belong to nobody, and waiting that no cancellation ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


def spawn(function: Callable[[], Coroutine[Any, Any, None]]) -> object:
    """Start a task that no other one has to wait for. Keep what is given back for as long as the task should live."""
    if _in_asyncio():
        import asyncio

        return asyncio.create_task(function())
    import contextvars

    import trio

    return trio.lowlevel.spawn_system_task(function, context=contextvars.copy_context())


async def outlast(call: Callable[[], R], interrupted: Callable[[BaseException], None]) -> R:
    """Run a blocking call in a worker thread and wait for its end, whatever is cancelled meanwhile.

    A shield holds off the cancellation of a scope, which comes back by itself. `Task.cancel()`, which time-outs of
    asyncio and some servers use, goes through it, and only once: such a one is handed to `interrupted`.
    """
    import anyio
    import anyio.to_thread

    # Not returned through the thread, as trio takes a function that gives an awaitable back for a mistake.
    results: list[R] = []
    with anyio.CancelScope(shield=True):
        if not _in_asyncio():
            await anyio.to_thread.run_sync(lambda: results.append(call()))
        else:
            import asyncio

            task = asyncio.create_task(anyio.to_thread.run_sync(lambda: results.append(call())))
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError as error:
                    interrupted(error)
            await task
    return results[0]


def in_cancelled_scope() -> bool:
    """Whether a cancel scope around this task has been cancelled."""
    import anyio

    return anyio.current_effective_deadline() == -math.inf


def is_stray(error: BaseException) -> bool:
    """Whether it is a cancellation of something other than this task, such as of a task that it awaited."""
    import anyio

    if not isinstance(error, anyio.get_cancelled_exc_class()) or in_cancelled_scope():
        return False
    if not _in_asyncio():
        return True
    import asyncio

    task = asyncio.current_task()
    return task is not None and not task.cancelling()


def _in_asyncio() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
