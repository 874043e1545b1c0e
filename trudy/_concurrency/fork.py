"""Forks: what is imported before one, and what a forked child must make anew.

Importing `trudy` is cheap because the HTTP library, the models and the namespaces are loaded by the first operation. A
thread that imports a module holds its lock; a child forked meanwhile has the locked lock without the thread, and waits
for ever when it imports the same module. So before a fork beside other threads all of it is imported, which waits for
imports under way.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # `threading` is not loaded just for this
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from weakref import WeakSet

_wanted: Final = [
    "trudy.client",
    "trudy.sync.client",
    "trudy.bridge.execution",
    "trudy.transport.httpx_backend",
    "trudy.pagination",
    "trudy.models.*",
    "trudy.resources.*",
    "trudy.sync.*",
    "anyio.lowlevel",
    "anyio.to_thread",
    "anyio._backends._asyncio",  # anyio loads it by name, with its first event loop
    "certifi",
    "concurrent.futures.thread",
    "encodings.idna",
    "h11",
    "httpcore",
    "httpx",
    "ssl",
    "urllib.request",
]


def before_client_import() -> None:
    """Called before a client's module is imported: from now on forks wait for it and for what it loads."""
    import_module("logging")
    _forks.watch()
    with _forks.lock:
        _forks.is_needed = True


def import_before_forks(*names: str) -> None:
    """Add modules that only some clients load."""
    with _forks.lock:
        _forks.is_needed = True
        _wanted.extend(name for name in names if name not in _wanted)


def fork_lock() -> RLock:
    """A lock that forks wait for: hold it while making a TLS context.

    OpenSSL holds locks of its own meanwhile, and a child forked then would wait for them for ever.
    """
    return _forks.lock


class _Forks:
    """What is done before and after a fork. The lock keeps new imports from beginning after the last one before it."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.is_needed = False
        self._holds = False
        self._watches = False

    def watch(self) -> None:
        """Take part in forks, once.

        Only after logging, which takes its lock before a fork too: the functions run in the reverse order of their
        registration, and whoever holds that lock must not wait for imports, which ask for loggers.
        """
        if not self._watches and "logging" in sys.modules and hasattr(os, "register_at_fork"):
            self._watches = True
            os.register_at_fork(
                before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child
            )

    def _before(self) -> None:
        self.lock.acquire()
        self._holds = True
        threading = sys.modules.get("threading")
        if self.is_needed and threading is not None and threading.active_count() > 1:
            _import_all()

    def _after_in_parent(self) -> None:
        if self._holds:  # false where another thread called `watch` during the fork
            self._holds = False
            self.lock.release()

    def _after_in_child(self) -> None:
        self._holds = False
        self.lock = RLock()


def _import_all() -> None:
    import pkgutil

    executors = sys.modules.get("concurrent.futures.thread")
    while _wanted:
        name = _wanted.pop()
        try:
            package = import_module(name.removesuffix(".*"))
        except ImportError:  # an extra that is not installed
            continue
        if name.endswith(".*"):
            _wanted.extend(f"{package.__name__}.{found.name}" for found in pkgutil.iter_modules(package.__path__))
    if executors is None and "concurrent.futures.thread" in sys.modules:
        # It was loaded too late to take its lock before this fork, and will release it after: so it is taken here.
        lock = getattr(sys.modules["concurrent.futures.thread"], "_global_shutdown_lock", None)
        if lock is not None:
            lock.acquire()


_forks: Final = _Forks()
_forks.watch()


class ResetsInChild(Protocol):
    """An object with locks that another thread of the parent may hold, or queues in which its tasks wait."""

    def after_fork(self) -> None:
        """Called in the child, before any of its code runs."""
        ...


_to_reset: Final[dict[str, WeakSet[ResetsInChild]]] = {}
"""One set, made when first needed: `import trudy` does not load `weakref`."""


def reset_in_child(thing: ResetsInChild) -> None:
    """Have `after_fork` called in every child forked while the object lives."""
    from weakref import WeakSet

    # Without the lock: modules call this while they are imported, and a fork that holds the lock waits for imports.
    _to_reset.setdefault("all", WeakSet()).add(thing)


def _after_fork() -> None:
    for thing in list(_to_reset.get("all", ())):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
