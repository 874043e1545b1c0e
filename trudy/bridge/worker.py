"""Where an event loop already runs in the thread: another thread does the work, and the caller is warned once."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from trudy._concurrency.loops import current_loop, is_private
from trudy.bridge.greenlets import is_patched, others_run

T = TypeVar("T")

SIGNAL_DELAY = 0.1
"""Seconds after which a signal is handled at the latest: longer delays Ctrl-C, shorter wakes the thread more often."""


def loop_runs_here() -> bool:
    """Whether asyncio or trio runs in this thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        in_trio_run = getattr(sys.modules.get("trio.lowlevel"), "in_trio_run", None)
        return in_trio_run is not None and bool(in_trio_run())
    # A loop that has let other greenlets run belongs to another greenlet.
    return getattr(loop, "greenlet", threading.get_ident()) == threading.get_ident()


def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises, done in a fresh thread.

    A plain thread, not an executor: it ends with the work, and it can be started from `atexit`.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def job() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = start_thread(job)
    with others_run() if is_patched() and _private_loop_runs_here() else nullcontext():
        _join(thread)
    try:
        if errors:
            raise errors[0]
        return results[0]
    finally:
        errors.clear()  # an error's traceback holds this frame: kept here it would make a reference cycle


def _private_loop_runs_here() -> bool:
    return loop_runs_here() and is_private(current_loop())


def _join(thread: threading.Thread) -> None:
    while thread.is_alive():
        # With a limit: a signal that comes just before the wait, and any signal on Windows, does not end the wait, and
        # its handler runs only between two waits.
        thread.join(SIGNAL_DELAY)


def start_thread(work: Callable[[], None]) -> threading.Thread:
    """Do `work` in a fresh daemon thread: after a second Ctrl-C neither the caller nor the exit waits for it."""
    thread = threading.Thread(target=work, name="trudy", daemon=True)
    thread.start()
    return thread


def warn_once() -> None:
    """Warn once in a process; not in a notebook, whose cells always run inside a loop that serves nothing else."""
    global _warned
    if _warned or _in_notebook():
        return
    _warned = True
    warnings.warn(
        "TrudyClient was called where an event loop is running; that loop stands still until the answer is there. "
        "Use AsyncTrudyClient in async code.",
        RuntimeWarning,
        stacklevel=_levels_to_user(),
    )


def _in_notebook() -> bool:
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and getattr(get_ipython(), "kernel", None) is not None


def _levels_to_user() -> int:
    """How many frames above `warn_once` the first one stands that is not of this package."""
    frame = inspect.currentframe()
    level = 0
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == _PACKAGE:
        frame = frame.f_back
        level += 1
    return level


_PACKAGE = __name__.partition(".")[0]
_warned = False
