"""Runs the steps of a delivery: in this thread, on an event loop of any kind, or all in one worker thread."""

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
    """Run all steps in this thread; async handlers run on a private event loop, which is kept for the next delivery."""
    return _run_in_thread(steps, lambda run: bridge().run(run))


async def run_async(steps: Generator[DeliveryStep, Any, R]) -> R:
    """Run all steps on this event loop, those that block in a worker thread.

    A blocking step is waited for even if the request is cancelled: its thread cannot be stopped, and the event counts
    as handled or not by how the step ends.
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
    """Run all steps in one worker thread, which finishes the delivery even if the request is cancelled.

    If a handler returns an awaitable, it is awaited on this event loop.
    """
    import anyio.from_thread
    import anyio.to_thread

    return await anyio.to_thread.run_sync(_run_in_thread, steps, anyio.from_thread.run)


def _run_in_thread(steps: Generator[DeliveryStep, Any, R], run_awaitable: Callable[[Callable[[], Any]], Any]) -> R:
    try:
        step = next(steps)
        while True:
            try:
                given = run_awaitable(step.run) if step.is_async else step.run()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        result: R = stop.value
        return result


async def _take(step: DeliveryStep, interrupted: Callable[[BaseException], None]) -> Any:
    if step.is_async:
        return await step.run()
    return await _finish_in_thread(step.run, interrupted) if step.blocks else step.run()


async def _finish_in_thread(run: Callable[[], R], interrupted: Callable[[BaseException], None]) -> R:
    """Run a blocking function in a worker thread and wait for its end, even if the request is cancelled.

    A shielded scope delays the cancellation of an anyio or trio scope until the end. `Task.cancel()`, which asyncio's
    timeouts and some servers use, is not delayed and is not repeated: it is handed to `interrupted`.
    """
    import anyio
    import anyio.to_thread

    # The result is not returned through the thread: trio refuses a function that returns an awaitable.
    results: list[R] = []
    with anyio.CancelScope(shield=True):
        if not is_asyncio(current_loop()):
            await anyio.to_thread.run_sync(lambda: results.append(run()))
        else:
            import asyncio

            task = asyncio.create_task(anyio.to_thread.run_sync(lambda: results.append(run())))
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError as error:
                    interrupted(error)
            await task
    return results[0]


def _failure_of(error: BaseException) -> BaseException:
    """The error, or a failure of the handler if it awaited a cancelled task while its own request goes on."""
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
