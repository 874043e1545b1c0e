"""gevent and eventlet: where they have patched the standard library, greenlets share a thread and take turns in it.

asyncio notes one running loop for each thread. So of the private loops of a patched process one runs at a time: it lets
the others run while it waits for its sockets, and while its caller waits for a call that a hook of it makes.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager


def is_patched() -> bool:
    """Whether threads are greenlets here, or waiting for a socket lets other greenlets run."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "select", "socket"))):
        return True
    eventlet = sys.modules.get("eventlet.patcher")
    return eventlet is not None and any(map(eventlet.is_monkey_patched, ("thread", "select", "socket")))


@contextmanager
def turn() -> Generator[None]:
    """A loop's turn: begins when no other loop has one."""
    with _lock():
        yield


@contextmanager
def others_run() -> Generator[None]:
    """Within a turn: let other loops run until this is left."""
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
    # Made when first needed: the patches are in place then, and it is a lock that lets other greenlets run.
    return lock if lock is not None else _made.setdefault("lock", threading.Lock())


_made: dict[str, threading.Lock] = {}
