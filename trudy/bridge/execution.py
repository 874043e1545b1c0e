"""One operation under way: its task on a private loop, the thread that waits for it, and what interrupts it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import nullcontext, suppress
from contextvars import Context, ContextVar, copy_context
from inspect import iscoroutine
from typing import Any, Generic, TypeVar

from trudy._unreported_calls import unreported
from trudy.bridge.loop import CANCELLED_GRACE, PrivateLoop
from trudy.bridge.private_loops import PrivateLoops
from trudy.bridge.signal_relay import SignalRelay
from trudy.bridge.worker import in_thread, loop_runs_here, warn_once

T = TypeVar("T")


class Execution(Generic[T]):
    """An operation, from the moment it is asked for."""

    __slots__ = (
        "_context",
        "_function",
        "_hurried",
        "_inner",
        "_interruption",
        "_loop",
        "_pool",
        "_reason_context",
        "_relay",
        "_task",
        "_timer",
        "_unreported",
    )

    def __init__(self, pool: PrivateLoops, function: Callable[[], Awaitable[T]]) -> None:
        self._pool = pool
        self._function: Callable[[], Awaitable[T]] | None = function
        self._context: Context | None = None
        self._unreported: list[Callable[[], None]] = []
        self._loop: PrivateLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._relay: SignalRelay | None = None
        self._inner: Execution[Any] | None = None
        """An operation that a hook or step of this one has begun; this one's loop waits for it."""
        self._interruption: BaseException | None = None
        """What a signal handler raised: to be raised to the caller."""
        self._reason_context: BaseException | None = None
        self._hurried = False
        """Whether not to wait for the clean-up."""

    def complete(self) -> tuple[T | None, BaseException | None]:
        """Run to the end, in this thread unless a loop runs here already: the result, or what to raise.

        That is the operation's own error, or what a signal handler raised meanwhile, after the clean-up.
        """
        result: T | None = None
        error: BaseException | None = None
        in_loop = loop_runs_here()
        outer: Execution[Any] | None = getattr(_thread, "execution", None)
        if outer is not None:
            outer._begin_inner(self)  # noqa: SLF001
        try:
            # An operation around this one relays already, and interrupts both.
            with self._relayed(in_loop=in_loop) if outer is None else nullcontext():
                if in_loop:
                    warn_once()
                before = copy_context()
                context = self._context = before.copy()
                context.run(unreported.set, self._unreported)
                try:
                    result, error = in_thread(self.run) if in_loop else self.run()
                except BaseException as failure:
                    if self._interruption is None:
                        raise
                    error = failure
                finally:
                    _carry_back(before, context)
                    if self._interruption is not None:
                        self.log_unreported()
                    # Freed here, while signals are relayed: one that comes while objects are freed is not lost.
                    del before, context
                    self._function = self._context = self._relay = None
            return result, error if self._interruption is None else self._interrupted_by(error)
        finally:
            if outer is not None:
                outer._inner = None  # noqa: SLF001
            # The error's traceback holds this frame; a name for the error here would make a reference cycle.
            del result, error

    def _interrupted_by(self, failure: BaseException | None) -> BaseException:
        """What the signal handler raised, as it was; caused by an error of the clean-up, if there was one."""
        reason, self._interruption = self._interruption, None
        assert reason is not None  # noqa: S101
        self.log_unreported()
        reason.__context__, self._reason_context = self._reason_context, None
        of_the_end = failure is reason or isinstance(failure, asyncio.CancelledError)
        if reason.__cause__ is None and not of_the_end:
            reason.__cause__ = failure
        return reason.with_traceback(None)

    def log_unreported(self) -> None:
        """Log the calls whose outcome the caller does not get."""
        while self._unreported:
            self._unreported.pop()()

    def interrupt(self, reason: BaseException) -> bool:
        """Cancel the operation; a signal handler may call this at any moment. True the second time, which waits for
        nothing."""
        again = self._interruption is not None
        self._reason_context = reason.__context__
        self._interruption = reason
        self._hurried = again
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the operation has just ended
                loop.call_soon_threadsafe(self._cancel)
        if self._inner is not None:
            self._inner.interrupt(reason)
        return again

    def run(self) -> tuple[T | None, BaseException | None]:
        """Borrow a loop and run to the end in this thread: the result, or the operation's own error."""
        loop = self._loop = self._pool.borrow()
        outer: Execution[Any] | None = getattr(_thread, "execution", None)
        _thread.execution = self
        context, coroutine = self._context, None
        assert context is not None  # noqa: S101
        try:
            _claim_for_asyncio(context)
            coroutine = context.run(self._coroutine)
            if self._relay is not None and self._relay.is_active:
                loop.at_each_turn(self._relay.look_again)
            # Started by a callback, so that the loop first takes one turn and notices a connection that the server
            # closed while the loop was idle.
            start = loop.call_soon(self._start, coroutine, context, context=context)
            try:
                while (self._task is None or not self._task.done()) and not self._hurried:
                    loop.run_forever()
            except BaseException:
                start.cancel()
                if self._task is not None and not self._task.done() and not self._hurried:
                    loop.settle(self._task)
                raise
            return _outcome(self._task)
        finally:
            _thread.execution = outer
            loop.at_each_turn(None)
            loop.task = None
            if self._timer is not None:
                self._timer.cancel()
            if self._task is None and coroutine is not None:
                coroutine.close()
            self._pool.give_back(loop, usable=self._task is None or self._task.done())
            # Freed here, while signals are relayed: a task leaves a weak set then, and what is raised there is lost.
            self._task = None

    def _relayed(self, *, in_loop: bool) -> SignalRelay:
        self._relay = SignalRelay(self, in_loop=in_loop)
        return self._relay

    def _begin_inner(self, inner: Execution[Any]) -> None:
        self._inner = inner
        if self._relay is not None and self._relay.is_active:
            self._relay.look_again()

    def _start(self, coroutine: Coroutine[Any, Any, T], context: Context) -> None:
        assert self._loop is not None  # noqa: S101
        self._task = self._loop.task = self._loop.create_task(coroutine, context=context)
        self._task.add_done_callback(self._stop)
        if self._interruption is not None:
            self._cancel()

    def _cancel(self) -> None:
        loop, task = self._loop, self._task
        if loop is None or task is None or task.done():
            return
        if self._hurried:
            loop.stop()
        elif self._timer is None:
            task.cancel()
            self._timer = loop.call_later(CANCELLED_GRACE, self._hurry)

    def _hurry(self) -> None:
        self._hurried = True
        self._cancel()

    def _stop(self, task: asyncio.Task[T]) -> None:
        if not task.cancelled() and isinstance(task.exception(), KeyboardInterrupt | SystemExit):
            return  # these two have ended the loop's run already: a stop would end the next operation's first turn
        assert self._loop is not None  # noqa: S101
        self._loop.stop()

    def _coroutine(self) -> Coroutine[Any, Any, T]:
        assert self._function is not None  # noqa: S101
        awaitable = self._function()
        return awaitable if iscoroutine(awaitable) else _awaiting(awaitable)


def _outcome(task: asyncio.Task[T] | None) -> tuple[T | None, BaseException | None]:
    if task is None or not task.done() or task.cancelled():
        return None, asyncio.CancelledError()
    error = task.exception()
    return (task.result(), None) if error is None else (None, error)


async def _awaiting(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _carry_back(before: Context, after: Context) -> None:
    """Set in the caller's context what an operation has set in its own; what was reset there is left as it is."""
    left_out = (_library_variable(), unreported)
    for variable, value in after.items():
        if before.get(variable, _ABSENT) is not value and variable not in left_out:
            variable.set(value)


def _claim_for_asyncio(context: Context) -> None:
    """Tell libraries that ask sniffio that asyncio runs, where the caller's context says trio."""
    variable = _library_variable()
    if variable is not None and context.get(variable) not in (None, "asyncio"):
        context.run(variable.set, "asyncio")


def _library_variable() -> ContextVar[Any] | None:
    sniffio = sys.modules.get("sniffio")
    # The attribute is missing while another thread is importing the package.
    return getattr(sniffio, "current_async_library_cvar", None)


_ABSENT = object()
_thread = threading.local()
"""`execution`: the operation whose loop this thread runs."""
