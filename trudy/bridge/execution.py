"""One call under way: its task on a private loop, the thread that waits for it, and what interrupts it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from inspect import iscoroutine
from typing import Any, Generic, TypeVar

from trudy.bridge.context import claim_for_asyncio
from trudy.bridge.interrupt import CtrlC
from trudy.bridge.loop import PrivateLoop
from trudy.bridge.private_loops import PrivateLoops
from trudy.bridge.worker import in_thread, loop_runs_here, warn_once

T = TypeVar("T")


def execute(
    pool: PrivateLoops,
    function: Callable[..., Awaitable[T]],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    context: Context,
) -> asyncio.Task[T]:
    """Run the call to its end, in this thread unless a loop runs here already; the task is done.

    Raises what a signal handler raised meanwhile, after the call has cleaned up.
    """
    elsewhere = loop_runs_here()
    if elsewhere:
        warn_once()
    execution: Execution[T] = Execution(pool, function, args, kwargs, context)
    outer: Execution[Any] | None = getattr(_thread, "execution", None)
    if outer is not None:
        outer.inner = execution
    try:
        with CtrlC(execution.interrupt, relay=elsewhere and outer is None):
            task = in_thread(execution.run) if elsewhere else execution.run()
    except BaseException as error:
        if execution.interruption is not None:
            raise execution.interruption from (None if isinstance(error, KeyboardInterrupt) else error)
        raise
    finally:
        if outer is not None:
            outer.inner = None
    try:
        if execution.interruption is not None:
            raise execution.interruption from (None if task.cancelled() else task.exception())
        return task
    finally:
        del task  # an error's traceback leads back to this frame, and the task holds the error


class Execution(Generic[T]):
    """A call from the moment it is asked for. `interruption`: what to raise to its caller, once it is cut short."""

    __slots__ = ("_args", "_context", "_function", "_kwargs", "_loop", "_pool", "_task", "inner", "interruption")

    def __init__(
        self,
        pool: PrivateLoops,
        function: Callable[..., Awaitable[T]],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: Context,
    ) -> None:
        self._pool = pool
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._context = context
        self._loop: PrivateLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self.inner: Execution[Any] | None = None
        """A call that a callback of this one makes, and which keeps this one's loop waiting."""
        self.interruption: BaseException | None = None

    def interrupt(self, reason: BaseException) -> None:
        """Cancel the call. From a signal handler or another thread, at any moment."""
        self.interruption = reason
        if self._task is not None and self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the call has just ended
                self._loop.call_soon_threadsafe(self._task.cancel)
        if self.inner is not None:
            self.inner.interrupt(reason)

    def run(self) -> asyncio.Task[T]:
        """Borrow a loop and run the call to its end in this thread."""
        loop = self._loop = self._pool.borrow()
        outer: Execution[Any] | None = getattr(_thread, "execution", None)
        _thread.execution = self
        coroutine: Coroutine[Any, Any, T] | None = None
        try:
            claim_for_asyncio(self._context)
            coroutine = self._context.run(self._coroutine)
            # Started by a callback, so that the loop first takes one turn: a connection that the server closed while
            # the loop was idle is noticed before the call can choose it.
            start = loop.call_soon(self._start, coroutine, context=self._context)
            try:
                while self._task is None or not self._task.done():
                    loop.run_forever()
            except BaseException:
                start.cancel()
                if self._task is not None and not self._task.done() and self.interruption is None:
                    loop.settle(self._task)
                raise
            return self._task
        finally:
            _thread.execution = outer
            if self._task is None and coroutine is not None:
                coroutine.close()
            self._pool.give_back(loop, usable=self._task is None or self._task.done())
            self._task = None

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> None:
        assert self._loop is not None  # noqa: S101
        self._task = self._loop.create_task(coroutine, context=self._context)
        self._task.add_done_callback(self._stop)
        if self.interruption is not None:
            self._task.cancel()

    def _stop(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled() and isinstance(task.exception(), KeyboardInterrupt | SystemExit):
            return  # these two have left the loop already: a stop would end the next call's first turn
        assert self._loop is not None  # noqa: S101
        self._loop.stop()

    def _coroutine(self) -> Coroutine[Any, Any, T]:
        awaitable = self._function(*self._args, **self._kwargs)
        return awaitable if iscoroutine(awaitable) else _awaiting(awaitable)


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


_thread = threading.local()
"""`execution`: the call whose loop this thread runs."""
