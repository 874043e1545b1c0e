"""The private event loops under the sync client: a coroutine is run to its end in the thread that asks for it.

    Bridge.run           borrows a loop, runs the call, gives the loop back
      private_loops.py   the loops of one client: last in, first out; fork
      loop.py            one loop: names resolved in its own thread, an end that leaves nothing behind
      execution.py       one call under way, and how it is interrupted
      signal_relay.py    what a signal handler raises, Ctrl-C among it, reaches the caller
      greenlets.py       gevent and eventlet, where many callers share a thread
      context.py         context variables
      bound.py           a function and its arguments, which its repr does not show
      worker.py          where a loop already runs in the thread: a thread of its own, and the warning
      factory.py         what a sync client takes for `http_client`

There is no background thread, so nothing hangs after a fork, in an `atexit` function or at the interpreter's exit.
This module imports no asyncio: making a client stays cheap.

.. include:: README.md
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Final, Generic, ParamSpec, Protocol, TypeVar, cast

from trudy._hidden import hides_arguments
from trudy.bridge.bound import bind
from trudy.bridge.factory import refuse_ready_client
from trudy.bridge.private_loops import PrivateLoops

__all__ = ["Bridge", "SyncResource", "async_of", "bind", "bridge_of", "refuse_ready_client"]

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
_END: Final = object()


class Bridge:
    """Runs coroutines of one client for callers that have no event loop, from any thread.

    Args:
        keep: the async client; held until the loops have been closed, so that its connections close on their loops.
    """

    __slots__ = ("__weakref__", "_pool")

    def __init__(self, keep: object = None) -> None:
        self._pool = PrivateLoops()
        weakref.finalize(self, _release, self._pool, keep).atexit = False

    def run(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """What `await function(*args, **kwargs)` gives.

        Context variables carry over, and what the call sets carries back. What a signal handler raises meanwhile,
        KeyboardInterrupt by Ctrl-C for one, cancels the call, waits for its clean-up and is raised here; a second one
        does not wait. Where a call to a person may have been placed and its outcome is lost so, a warning is logged.
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
                execution.log_untold()
            raise
        finally:
            # The error's traceback holds this frame: a name for it here would make a cycle of the two.
            del execution, error

    def iterate(self, iterator: AsyncIterator[T]) -> Iterator[T]:
        """The items of an async iterator that holds nothing between two steps; each step is a call of its own."""
        while (item := self.run(anext, iterator, _END)) is not _END:
            yield cast("T", item)

    def close(self, closing: Callable[[], Awaitable[None]]) -> None:
        """Await `closing`, then close every loop, and with it the connections that were opened on it.

        A call still under way in another thread ends first; its loop is closed when it is given back. Calls after this
        one work, on loops of their own.
        """
        self._pool.closed = True
        try:
            self.run(closing)
        finally:
            self._pool.close_idle()


class SyncResource(Generic[A]):
    """Base of the generated namespaces: the async sibling, and the bridge its coroutines run on."""

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
    if interpreter_ends():  # nothing can be imported any more, and every descriptor goes with the process
        return
    pool.close_idle(wait=False)
