"""The private event loops under the sync client: a coroutine is run to its end in the thread that asks for it.

    Bridge.run           borrows a loop, runs the operation, gives the loop back (in this file)
      private_loops.py   the loops of one client: last in, first out; what a forked child does with them
      loop.py            one loop: resolves names in its own thread, leaves nothing behind when it closes
      execution.py       one operation under way: context variables, and how it is interrupted
      signal_relay.py    what a signal handler raises, Ctrl-C for one, reaches the caller
      greenlets.py       gevent and eventlet, where many callers share a thread
      worker.py          where a loop already runs in the thread: a thread of its own, and the warning

There is no background thread, so nothing hangs after a fork, in an `atexit` function or at the interpreter's exit.
This file imports no asyncio, so that making a client stays cheap.

.. include:: README.md
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, Generic, ParamSpec, Protocol, TypeVar, cast

from trudy._hidden import hides_arguments
from trudy.bridge.private_loops import PrivateLoops
from trudy.errors import InvalidArgumentError

__all__ = ["Bridge", "SyncResource", "async_of", "bind", "bridge_of", "refuse_ready_client"]

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R", covariant=True)
A_co = TypeVar("A_co", covariant=True)
_END: Final = object()


class Bound(Generic[R]):
    """A function and its arguments, which its repr does not show: tracebacks may show local variables."""

    __slots__ = ("_args", "_function", "_kwargs")

    def __init__(self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs

    def __call__(self) -> R:
        return self._function(*self._args, **self._kwargs)

    def __repr__(self) -> str:
        return f"<{getattr(self._function, '__qualname__', type(self._function).__name__)} and its arguments>"


def bind(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Bound[R]:
    """`function` with these arguments, to be called later."""
    return Bound(function, args, kwargs)


class Bridge:
    """Runs the operations of one async client for callers that have no event loop, from any thread.

    Args:
        keep: the async client, held until the loops are closed, so that its connections close on their loops.
    """

    __slots__ = ("__weakref__", "_pool")

    def __init__(self, keep: object = None) -> None:
        self._pool = PrivateLoops()
        weakref.finalize(self, _release, self._pool, keep).atexit = False

    def run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `await function(*args, **kwargs)` gives.

        Context variables carry over, and what the operation sets carries back. An exception that a signal handler
        raises meanwhile, such as KeyboardInterrupt by Ctrl-C, cancels the operation, waits for its clean-up and is
        raised here; a second one does not wait. A warning is logged for a call that may have been placed, and of which
        the caller does not hear because of that.
        """
        from trudy.bridge.execution import Execution

        execution = Execution(self._pool, bind(function, *args, **kwargs) if args or kwargs else function)
        del args, kwargs  # a traceback that shows local variables would show them
        error: BaseException | None = None
        try:
            result, error = execution.complete()
            if error is not None:
                raise error
            return cast(T, result)
        except BaseException as raised:
            if raised is not error:
                execution.log_unreported()
            raise
        finally:
            # The error's traceback holds this frame; a name for the error here would make a reference cycle.
            del execution, error

    def iterate(self, iterator: AsyncIterator[T]) -> Iterator[T]:
        """The items of an async iterator that holds nothing between two steps; each step is an operation of its own."""
        while (item := self.run(anext, iterator, _END)) is not _END:
            yield cast("T", item)

    def close(self, closing: Callable[[], Awaitable[None]]) -> None:
        """Await `closing`, then close every loop, and with it the connections that were opened on it.

        An operation still under way in another thread ends first; its loop is closed when it is given back. Operations
        begun after this work, each on a loop of its own.
        """
        self._pool.closed = True
        try:
            self.run(closing)
        finally:
            self._pool.close_idle()


class SyncResource(Generic[A]):
    """Base of the generated namespaces: holds the async namespace, and the bridge that runs its coroutines."""

    def __init_subclass__(cls) -> None:
        hides_arguments(cls)

    def __init__(self, resource: A, bridge: Bridge) -> None:
        self._async = resource
        self._bridge = bridge


class Bridged(Protocol[A_co]):
    """A sync client: its async sibling, and the bridge its coroutines run on."""

    @property
    def _async(self) -> A_co: ...

    @property
    def _bridge(self) -> Bridge: ...


def async_of(client: Bridged[A]) -> A:
    """The async client under a sync one, for what is built upon it."""
    return client._async  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def bridge_of(client: Bridged[object]) -> Bridge:
    """The bridge of a sync client, for what runs on its loops."""
    return client._bridge  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _release(pool: PrivateLoops, keep: object, interpreter_ends: Callable[[], bool] = sys.is_finalizing) -> None:
    del keep  # held by the finaliser until now
    pool.closed = True
    if interpreter_ends():  # nothing can be imported any more, and the process closes every descriptor itself
        return
    pool.close_idle(wait=False)


def refuse_ready_client(http_client: object) -> None:
    """A ready async client stays on one event loop; a sync client has one for each call at the same time.

    Raises:
        InvalidArgumentError: it is neither None nor a function.
    """
    if http_client is not None and not callable(http_client):
        raise InvalidArgumentError(
            f"http_client of a sync client must be a function that makes an httpx.AsyncClient, called once for each of"
            f" its event loops, not a ready {type(http_client).__name__}",
            argument="http_client",
        )
