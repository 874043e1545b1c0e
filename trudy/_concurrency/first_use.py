"""What is imported when a client is first used, so that no fork happens meanwhile.

Importing `trudy` is cheap because the HTTP library, the models and the namespaces are loaded by the first call. A
thread that imports a module holds its lock; a child forked then has the lock and not the thread, and waits for ever
when it imports the same. So whoever forks beside other threads first imports all of it, and so waits for the others.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # `threading` is not loaded just for this
from importlib import import_module
from typing import Final

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
    "anyio._backends._asyncio",  # loaded by name when an event loop is first asked for
    "certifi",
    "concurrent.futures.thread",
    "encodings.idna",
    "h11",
    "httpcore",
    "httpx",
    "ssl",
    "urllib.request",
]


def client_is_wanted() -> None:
    """A client's module is about to be imported: from now on forks wait for it and for what it loads."""
    import_module("logging")
    _forks.watch()
    with _forks.lock:
        _forks.is_needed = True


def want(*names: str) -> None:
    """Modules that only some clients load."""
    with _forks.lock:
        _forks.is_needed = True
        _wanted.extend(name for name in names if name not in _wanted)


def forks_wait() -> RLock:
    """The lock under which to make what a fork must not interrupt, such as a TLS context.

    OpenSSL holds locks of its own meanwhile, and a child forked then would wait for them for ever.
    """
    return _forks.lock


class _Forks:
    """What happens around a fork. The lock: nobody begins with new imports between the last of them and the fork."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.is_needed = False
        self._holds = False
        self._watches = False

    def watch(self) -> None:
        """Take part in forks, once.

        Only when logging does so already. Its lock is taken before a fork too, in the reverse order of such wishes, and
        who holds it may not wait for imports, which ask for loggers.
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
        if self._holds:  # not where another thread came to `watch` while a fork was under way
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
        # Loaded while a fork is under way, it has its lock released after it, but was too late to have it taken before.
        lock = getattr(sys.modules["concurrent.futures.thread"], "_global_shutdown_lock", None)
        if lock is not None:
            lock.acquire()


_forks: Final = _Forks()
_forks.watch()
