"""Takes the steps of a delivery: by blocking, on an event loop of any kind, or all of them in one worker thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from trudy._concurrency.loops import current_loop, is_asyncio
from trudy.webhooks.delivery import DeliveryStep

if TYPE_CHECKING:
    from trudy.bridge import Bridge

R = TypeVar("R")


def run_blocking(steps: Generator[DeliveryStep, Any, R], bridge: Callable[[], Bridge]) -> R:
    """Take all steps in this thread; async handlers run on a private event loop, kept from one to the next."""
    return _run_in_thread(steps, lambda call: bridge().run(call))


async def run_async(steps: Generator[DeliveryStep, Any, R]) -> R:
    """Take all steps on this event loop; those that block, in a worker thread.

    A step that blocks is waited for although the request is cancelled: its thread goes on, so it counts how it ended.
    """
    interruptions: list[BaseException] = []
    try:
        step = next(steps)
        while True:
            try:
                if interruptions and not step.must_end:
                    raise interruptions[-1]
                given = await _take(step, interruptions.append)
            except BaseException as error:
                step = steps.throw(_failure_of(error))
            else:
                step = steps.send(given)
    except StopIteration as stop:
        if interruptions:
            raise interruptions[-1] from None
        result: R = stop.value
        return result


async def run_in_worker_thread(steps: Generator[DeliveryStep, Any, R]) -> R:
    """Take all steps in one worker thread, which ends the delivery properly even if nobody waits for it any more.

    What turns out to be async all the same runs on this event loop.
    """
    import anyio.from_thread
    import anyio.to_thread

    return await anyio.to_thread.run_sync(_run_in_thread, steps, anyio.from_thread.run)


def _run_in_thread(steps: Generator[DeliveryStep, Any, R], run_async_call: Callable[[Callable[[], Any]], Any]) -> R:
    try:
        step = next(steps)
        while True:
            try:
                given = run_async_call(step.call) if step.is_async else step.call()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        result: R = stop.value
        return result


async def _take(step: DeliveryStep, interrupted: Callable[[BaseException], None]) -> Any:
    if step.is_async:
        return await step.call()
    return await _finish_in_thread(step.call, interrupted) if step.blocks else step.call()


async def _finish_in_thread(call: Callable[[], R], interrupted: Callable[[BaseException], None]) -> R:
    """Run a blocking call in a worker thread and wait for its end, whatever is cancelled meanwhile.

    A shield holds off the cancellation of a scope, which comes back by itself. `Task.cancel()`, which time-outs of
    asyncio and some servers use, goes through it, and only once: such a one is handed to `interrupted`.
    """
    import anyio
    import anyio.to_thread

    # Not returned through the thread, as trio takes a function that gives an awaitable back for a mistake.
    results: list[R] = []
    with anyio.CancelScope(shield=True):
        if not is_asyncio(current_loop()):
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


def _failure_of(error: BaseException) -> BaseException:
    """A handler that awaited something cancelled has failed; nobody cancelled the request."""
    if isinstance(error, Exception) or not _is_cancellation_of_another_task(error):
        return error
    failure = RuntimeError("something the handler waited for was cancelled")
    failure.__cause__ = error
    return failure


def _is_cancellation_of_another_task(error: BaseException) -> bool:
    import anyio

    if not isinstance(error, anyio.get_cancelled_exc_class()) or anyio.current_effective_deadline() == -math.inf:
        return False
    if not is_asyncio(current_loop()):
        return True
    import asyncio

    task = asyncio.current_task()
    return task is not None and not task.cancelling()
