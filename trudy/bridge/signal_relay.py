"""What a signal handler raises during an operation cancels the operation and reaches its caller.

Python runs a handler between any two instructions of the main thread. What it raises there could be caught on its way
by asyncio, which logs it, or by an `except Exception` that takes it for a fault of the request. So during an operation
a relay stands in for each handler: it runs the handler, keeps what that raises, and has the operation cancelled.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from types import FrameType, TracebackType
from typing import Any, Final, Protocol, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any]

# The functions of `signal` take ten times as long as those they wrap, since they turn each number into an enum.
_signal: Any = import_module("_signal")
_get: Final[Callable[[int], Handler | int | None]] = _signal.getsignal
_set: Final[Callable[[int, Handler], object]] = _signal.signal
_ALL: Final = tuple(map(int, signal.valid_signals()))
_SET_MEANWHILE: Final = tuple(
    int(getattr(signal, name))
    for name in ("SIGINT", "SIGALRM", "SIGTERM", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
"""Signals looked at again at each turn of the loop, as a hook may set a handler. All would cost 5 us a turn."""
_MAIN_THREAD: Final = threading.main_thread()
_NO_USER_CODE: Final = frozenset(
    ("asyncio", "importlib", "anyio", "httpx", "httpcore", "h11", "aiohttp", "attr", "attrs", "cattrs")
)
"""Packages whose code must not be cut short: it may be changing something that the next operation needs."""
_CALLS_USER_CODE: Final = ("trudy.hooks", "trudy.pipeline", "trudy.resources")
"""Modules from which hooks, middleware and callables of users are called."""


class Interruptible(Protocol):
    """An operation under way."""

    def interrupt(self, reason: BaseException) -> bool:
        """Cancel the operation and raise this to its caller; whether there is no time to clean up."""
        ...


class SignalRelay:
    """While it is entered, in the main thread, a relay stands in for every Python handler of a signal.

    `in_loop` says that the thread waits for a worker thread inside a running loop. Then a handler that cancels a task
    of that loop (as those of asyncio.run and trio.run do) ends the operation too. A handler that neither raises nor
    cancels, such as one that starts a server's orderly shutdown, lets it go on.
    """

    __slots__ = ("_call", "_in_loop", "_interrupted", "_relays")

    def __init__(self, call: Interruptible, *, in_loop: bool) -> None:
        self._call = call
        self._in_loop = in_loop
        self._interrupted = False
        self._relays: list[_Relay] = []

    @property
    def is_active(self) -> bool:
        """Whether anything is relayed here."""
        return bool(self._relays)

    def __enter__(self) -> None:
        if threading.get_ident() != _MAIN_THREAD.ident:
            return
        try:
            self._relay_each(_ALL)
        except BaseException:  # raised by a handler that was not relayed yet
            self._restore()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def look_again(self) -> None:
        """Relay the handlers that were set since."""
        self._relay_each(_SET_MEANWHILE)

    def _relay_each(self, numbers: tuple[int, ...]) -> None:
        for number, handler in zip(numbers, map(_get, numbers), strict=True):
            if handler.__class__ not in _NOT_RELAYED and callable(handler):
                relay = _Relay(number, handler, self)
                self._relays.append(relay)
                try:
                    _set(number, relay)
                except ValueError:  # a subinterpreter has a main thread, but no signals
                    self._relays.remove(relay)
                    return

    def _restore(self) -> None:
        """Put every handler back, even if one that is back already raises meanwhile."""
        while self._relays:
            try:
                relay = self._relays[-1]
                in_place = _get(relay.number) is relay
                if in_place:
                    _set(relay.number, relay.handler)
                # A user's code may have read the relay as the earlier handler, and put it back later.
                relay.relayed_for = None
                self._relays.remove(relay)
            except BaseException as error:
                _cut_off(error, sys.exception())
                self._call.interrupt(error.with_traceback(None))

    def on_signal(self, handler: Handler, number: int, frame: FrameType | None) -> None:
        """Run the handler, and keep what it raises from the code that the main thread happens to run."""
        handled = sys.exception()
        before = _cancellations() if self._in_loop else 0
        try:
            handler(number, frame)
        except BaseException as error:
            reason = error
        else:
            again = number == signal.SIGINT and self._interrupted
            if not again and (not self._in_loop or _cancellations() == before):
                return
            reason = KeyboardInterrupt()
        finally:
            self._relay_each((number,))  # it may have set another
        self._interrupted = True
        _cut_off(reason, handled)
        no_time = self._call.interrupt(reason.with_traceback(None))
        if no_time or _is_user_code(frame):
            raise reason


class _Relay:
    """Stands in for the handler of one signal. Once the operation is over it only calls the handler."""

    __slots__ = ("handler", "number", "relayed_for")

    def __init__(self, number: int, handler: Handler, relayed_for: SignalRelay | None) -> None:
        self.number = number
        self.handler = handler
        self.relayed_for = relayed_for

    def __call__(self, number: int, frame: FrameType | None) -> None:
        relay = self.relayed_for
        if relay is None:
            self.handler(number, frame)
        else:
            relay.on_signal(self.handler, number, frame)


def _is_user_code(frame: FrameType | None) -> bool:
    """Whether a hook, a step or a credential callable is running, which an exception may end at once.

    Looked for from the innermost frame up to the first one of this package. Code of the standard library alone is not
    a user's.
    """
    seen = False
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        root = name.partition(".")[0]
        if root in _NO_USER_CODE or frame.f_code.co_name == "__del__":
            return False
        if root == _PACKAGE:
            return seen and name.startswith(_CALLS_USER_CODE)
        seen = seen or bool(root and root not in sys.stdlib_module_names)
        frame = frame.f_back
    return False


def _cut_off(error: BaseException, handled: BaseException | None) -> None:
    """Remove the error that Python linked as context, which was being handled inside: it may hold a request."""
    link = error
    while handled is not None and link.__context__ is not None:
        if link.__context__ is handled:
            link.__context__ = None
            return
        link = link.__context__


def _cancellations() -> int:
    """How often the tasks of the loop that runs here were cancelled."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop, or trio
        return 0
    return sum(task.cancelling() for task in tasks)


_NOT_RELAYED: Final = (int, _Relay)  # a default action, and a relay that is in place already
_PACKAGE: Final = __name__.partition(".")[0]
