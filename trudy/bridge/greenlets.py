"""gevent and eventlet: where they have patched the standard library, greenlets share a thread and take turns in it.

asyncio allows one running loop for each thread. So one private loop of a patched process runs at a time. It lets the
others run while it waits for its sockets, and while one of its hooks waits for an operation of its own.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager


def is_patched() -> bool:
    """Whether threads are greenlets in this process, or waiting for a socket lets other greenlets run."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "select", "socket"))):
        return True
    eventlet = sys.modules.get("eventlet.patcher")
    return eventlet is not None and any(map(eventlet.is_monkey_patched, ("thread", "select", "socket")))


@contextmanager
def turn() -> Generator[None]:
    """The turn of a loop to run: begins when no other loop has one."""
    with _lock():
        yield


@contextmanager
def others_run() -> Generator[None]:
    """Within a turn: let other loops run until the block ends."""
    lock, loop, hooks = _lock(), asyncio.get_running_loop(), sys.get_asyncgen_hooks()
    asyncio._set_running_loop(None)  # noqa: SLF001 - meant for event loops, and exported as such
    sys.set_asyncgen_hooks(None, None)
    lock.release()
    try:
        yield
    finally:
        lock.acquire()
        asyncio._set_running_loop(loop)  # noqa: SLF001
        sys.set_asyncgen_hooks(*hooks)


def _lock() -> threading.Lock:
    lock = _made.get("lock")
    # Made when first needed, when the patches are in place: a patched lock lets other greenlets run.
    return lock if lock is not None else _made.setdefault("lock", threading.Lock())


_made: dict[str, threading.Lock] = {}
