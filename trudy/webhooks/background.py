"""Bounded queues of claimed events, for a router that acknowledges first: tasks of one event loop, or threads.

What is queued is lost if the process is killed: the sender was told 2xx. At an orderly end both queues are drained.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from trudy._concurrency.fork import reset_in_child
from trudy.errors import ConfigurationError
from trudy.webhooks.delivery import DeliveryInProgress
from trudy.webhooks.drive import drive_async, drive_blocking, in_one_thread
from trudy.webhooks.exit_order import before_executors_end
from trudy.webhooks.tasks import in_cancelled_scope, spawn

if TYPE_CHECKING:
    import anyio
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from trudy.bridge import Bridge

logger = logging.getLogger("trudy.webhooks")


class TaskQueue:
    """Worker tasks on the event loop that opened it.

    They belong to a task of their own, as a server, or a test's fixtures, may open and close in different tasks.
    """

    def __init__(self, size: int, workers: int) -> None:
        self._size = size
        self._workers = workers
        self._inlet: MemoryObjectSendStream[DeliveryInProgress] | None = None
        self._loop: object = None
        self._owner: object = None
        self._hurry: anyio.CancelScope
        self._ended: anyio.Event
        self._lost = 0

    async def open(self) -> None:
        """Start the workers."""
        import anyio
        import anyio.lowlevel

        if self._inlet is not None:
            raise ConfigurationError("this router is open already; open it once, around the life of the server")
        self._inlet, outlet = anyio.create_memory_object_stream[DeliveryInProgress](self._size)
        self._loop = anyio.lowlevel.current_token()
        self._hurry, self._ended = anyio.CancelScope(), anyio.Event()
        self._owner = spawn(partial(self._own, self._inlet, outlet))

    def check(self) -> None:
        """Raise `ConfigurationError` unless it was opened on this event loop."""
        import anyio.lowlevel

        if self._loop != anyio.lowlevel.current_token():
            raise ConfigurationError(
                "background=True needs `async with router:` around the life of the server, on its event loop"
            )

    def offer(self, delivery: DeliveryInProgress) -> bool:
        """Queue a delivery; False where there is no room, or no more is taken."""
        import anyio

        if self._inlet is None:
            return False
        try:
            self._inlet.send_nowait(delivery)
        except (anyio.WouldBlock, anyio.ClosedResourceError):
            return False
        return True

    async def close(self) -> None:
        """Take no more, and return when all that is queued has been handled."""
        import anyio

        if self._inlet is None:
            return
        self._inlet.close()
        try:
            await self._ended.wait()
        except BaseException:
            self._hurry.cancel()
            with anyio.CancelScope(shield=True):
                await self._ended.wait()
            raise

    async def _own(
        self, inlet: MemoryObjectSendStream[DeliveryInProgress], outlet: MemoryObjectReceiveStream[DeliveryInProgress]
    ) -> None:
        import anyio

        try:
            with self._hurry:
                async with anyio.create_task_group() as group:
                    for _ in range(self._workers):
                        group.start_soon(self._work, outlet.clone())
        finally:
            inlet.close()
            with anyio.CancelScope(shield=True):
                await self._drop(outlet)
            self._inlet = self._owner = None
            self._ended.set()

    async def _work(self, outlet: MemoryObjectReceiveStream[DeliveryInProgress]) -> None:
        import anyio

        is_cut_off = False
        try:
            async with outlet:
                async for delivery in outlet:
                    is_cut_off = True
                    try:
                        if delivery.fits_one_thread:
                            await in_one_thread(delivery.queued())
                        else:
                            await drive_async(delivery.queued())
                        is_cut_off = False
                    except BaseException as error:
                        if isinstance(error, KeyboardInterrupt) or in_cancelled_scope():
                            raise
                        # Of a loop that ends, a cancellation may be the first that is seen here.
                        is_cut_off = isinstance(error, anyio.get_cancelled_exc_class())
                        # A handler that calls sys.exit() must not end the worker with it.
                        logger.exception("a handler ended its task")
        except BaseException:
            # A loop that ends cancels each of its tasks, and only then does the scope of the workers learn of it.
            self._lost += is_cut_off
            raise

    async def _drop(self, outlet: MemoryObjectReceiveStream[DeliveryInProgress]) -> None:
        """What is left when the workers were cancelled: its keys are freed, should the sender try again after all."""
        import anyio

        while True:
            try:
                delivery = outlet.receive_nowait()
            except (anyio.WouldBlock, anyio.EndOfStream):
                break
            self._lost += 1
            await drive_async(delivery.dropped())
        outlet.close()
        if self._lost:
            logger.error("%d acknowledged events were not handled: the server was stopped in a hurry", self._lost)
            self._lost = 0


_thread_queues: Final[WeakSet[ThreadQueue]] = WeakSet()


class ThreadQueue:
    """Worker threads, started with the first delivery; the interpreter's exit waits for them."""

    def __init__(self, size: int, workers: int, bridge: Callable[[], Bridge]) -> None:
        self._size = size
        self._workers = workers
        self._bridge = bridge
        self._closed = False
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        """What the parent has queued, its own threads handle."""
        self._lock = threading.Lock()
        self._handled = threading.Condition(self._lock)
        self._queue: queue.Queue[DeliveryInProgress | None] | None = None
        self._threads: list[threading.Thread] = []
        self._unhandled: set[DeliveryInProgress] = set()

    def open(self) -> None:
        """Take deliveries, also after `close`."""
        self._closed = False

    def offer(self, delivery: DeliveryInProgress) -> bool:
        """Queue a delivery; False where there is no room.

        Raises:
            RuntimeError: no thread can be started.
        """
        with self._lock:
            if self._closed:
                return False
            try:
                self._running().put_nowait(delivery)
            except queue.Full:
                return False
            self._unhandled.add(delivery)
        return True

    def drain(self) -> None:
        """Return when all that is queued by now has been handled; more may come meanwhile, and is not waited for."""
        with self._handled:
            queued = frozenset(self._unhandled)
            try:
                self._handled.wait_for(lambda: queued.isdisjoint(self._unhandled))
            except BaseException:
                # Ctrl-C: `close` must not wait again.
                self._let_go()
                raise

    def close(self) -> None:
        """Take no more, and return when all that is queued has been handled."""
        with self._lock:
            waiting, threads = self._let_go()
        if waiting is None:
            return
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()

    def _let_go(self) -> tuple[queue.Queue[DeliveryInProgress | None] | None, list[threading.Thread]]:
        self._closed = True
        held = self._queue, self._threads
        self._queue, self._threads, self._unhandled = None, [], set()
        atexit.unregister(self.close)
        return held

    def _running(self) -> queue.Queue[DeliveryInProgress | None]:
        if self._queue is None:
            self._queue, self._threads = self._start()
            # Twice: handlers may need executors, and a server in a thread of its own takes deliveries until it ends.
            _thread_queues.add(self)
            _drain_at_exit()
            atexit.register(self.close)
        return self._queue

    def _start(self) -> tuple[queue.Queue[DeliveryInProgress | None], list[threading.Thread]]:
        waiting: queue.Queue[DeliveryInProgress | None] = queue.Queue(self._size)
        threads: list[threading.Thread] = []
        try:
            for _ in range(self._workers):
                # Daemons, as the interpreter joins other threads before it asks anybody to drain a queue.
                thread = threading.Thread(target=self._work, args=(waiting,), name="trudy-webhooks", daemon=True)
                thread.start()
                threads.append(thread)
        except BaseException:
            for _ in threads:
                waiting.put(None)
            raise
        return waiting, threads

    def _work(self, waiting: queue.Queue[DeliveryInProgress | None]) -> None:
        while True:
            delivery = waiting.get()
            try:
                if delivery is None:
                    return
                drive_blocking(delivery.queued(), self._bridge)
            except BaseException:
                # A handler that calls sys.exit() must not end the worker with it.
                logger.exception("a handler ended its thread")
            finally:
                if delivery is not None:
                    with self._handled:
                        self._unhandled.discard(delivery)
                        self._handled.notify_all()


@cache
def _drain_at_exit() -> None:
    before_executors_end(_drain_all)


def _drain_all() -> None:
    for each in list(_thread_queues):
        each.drain()
