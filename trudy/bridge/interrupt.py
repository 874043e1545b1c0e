"""Ctrl-C: the first one ends the call in order, the second one at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any


class CtrlC:
    """While it is entered, SIGINT calls `interrupt` with what to raise in the caller's line.

    Installed in the main thread only, and only in place of Python's own handler. With `relay`, for a thread that waits
    for another one inside a running loop, also in place of that loop's handler, which is still asked: where it raises
    or cancels a task (as those of asyncio.run and trio.run do), the call ends; a handler that does neither, such as a
    server's orderly shutdown, lets it go on.
    """

    __slots__ = ("_handler", "_interrupt", "_interrupted", "_previous", "_relay")

    def __init__(self, interrupt: Callable[[BaseException], None], *, relay: bool = False) -> None:
        self._interrupt = interrupt
        self._relay = relay
        self._interrupted = False
        self._previous: Callable[[int, FrameType | None], Any] | None = None
        self._handler: Callable[[int, FrameType | None], None] | None = None

    def __enter__(self) -> None:
        if threading.get_ident() != threading.main_thread().ident:
            return
        previous = signal.getsignal(signal.SIGINT)
        if not callable(previous) or not (self._relay or previous is signal.default_int_handler):
            return
        handler = self._on_sigint
        self._previous = previous
        try:
            signal.signal(signal.SIGINT, handler)
        except ValueError:  # a subinterpreter has a main thread, but no signals
            return
        self._handler = handler

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # The handler holds this object, and with it the call and what it fetched: kept here, the two would be a cycle.
        handler, self._handler = self._handler, None
        if handler is not None and signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, self._previous)

    def _on_sigint(self, number: int, frame: FrameType | None) -> None:
        assert self._previous is not None  # noqa: S101
        if self._interrupted:
            self._previous(number, frame)
            raise KeyboardInterrupt
        cancelled = _cancellations()
        try:
            self._previous(number, frame)
        except BaseException as error:
            reason = error
        else:
            if _cancellations() == cancelled:
                return
            reason = KeyboardInterrupt()
        self._interrupted = True
        self._interrupt(reason.with_traceback(None))


def _cancellations() -> int:
    """How often the tasks of the loop that runs here were cancelled."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop, or trio
        return 0
    return sum(task.cancelling() for task in tasks)
