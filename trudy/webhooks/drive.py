"""Takes the steps of a delivery: by blocking, or on an event loop of any kind."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from trudy.webhooks.delivery import Step
from trudy.webhooks.tasks import is_stray, outlast

if TYPE_CHECKING:
    from trudy.bridge import Bridge

R = TypeVar("R")


def drive_blocking(steps: Generator[Step, Any, R], bridge: Callable[[], Bridge]) -> R:
    """Take all steps in this thread; async handlers run on a private event loop, kept from one to the next."""
    return _drive_in_thread(steps, lambda call: bridge().run(call))


def _drive_in_thread(steps: Generator[Step, Any, R], run_async: Callable[[Callable[[], Any]], Any]) -> R:
    try:
        step = next(steps)
        while True:
            try:
                given = run_async(step.call) if step.is_async else step.call()
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(given)
    except StopIteration as stop:
        result: R = stop.value
        return result


async def drive_async(steps: Generator[Step, Any, R]) -> R:
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
                step = steps.throw(_told_apart(error))
            else:
                step = steps.send(given)
    except StopIteration as stop:
        if interruptions:
            raise interruptions[-1] from None
        result: R = stop.value
        return result


async def in_one_thread(steps: Generator[Step, Any, R]) -> R:
    """Take all steps in one worker thread, which ends the delivery properly even if nobody waits for it any more.

    What turns out to be async all the same runs on this event loop.
    """
    import anyio.from_thread
    import anyio.to_thread

    return await anyio.to_thread.run_sync(_drive_in_thread, steps, anyio.from_thread.run)


async def _take(step: Step, interrupted: Callable[[BaseException], None]) -> Any:
    if step.is_async:
        return await step.call()
    return await outlast(step.call, interrupted) if step.blocks else step.call()


def _told_apart(error: BaseException) -> BaseException:
    """A handler that awaited something cancelled has failed; nobody cancelled the request."""
    if isinstance(error, Exception) or not is_stray(error):
        return error
    failure = RuntimeError("something the handler waited for was cancelled")
    failure.__cause__ = error
    return failure
