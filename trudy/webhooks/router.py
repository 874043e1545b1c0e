"""`WebhookRouter`: from an HTTP request to the handlers of its event, whatever the framework."""

from __future__ import annotations

import atexit
import inspect
import logging
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar, overload

from trudy import _checks
from trudy._concurrency.fork import reset_in_child
from trudy.clock import Clock, SystemClock
from trudy.errors import InvalidArgumentError
from trudy.event_source import Subject
from trudy.options import NOT_GIVEN, NotGiven
from trudy.webhooks import events
from trudy.webhooks.answer import ACCEPTED, WRONG_METHOD, Answer, refusal
from trudy.webhooks.delivery import AtWork, DeliveryInProgress, Registered, Rules, Steps
from trudy.webhooks.drive import drive_async, drive_blocking, in_one_thread
from trudy.webhooks.errors import WebhookVerificationError
from trudy.webhooks.events import WebhookEvent
from trudy.webhooks.headers import Headers
from trudy.webhooks.replay.guard import MemoryReplayGuard, ReplayGuard
from trudy.webhooks.secret import Secret, read_secrets
from trudy.webhooks.subscriptions import Subscriptions
from trudy.webhooks.unwrapping import unwrap_with
from trudy.webhooks.verify import FUTURE_TOLERANCE, TOLERANCE, check_tolerances

if TYPE_CHECKING:
    from trudy.bridge import Bridge
    from trudy.webhooks.background import TaskQueue, ThreadQueue

logger = logging.getLogger("trudy.webhooks")

E = TypeVar("E")
HandlerT = TypeVar("HandlerT", bound=Callable[[WebhookEvent], Awaitable[None] | None])


class WebhookRouter:
    """Verifies deliveries, drops repeated ones, and hands each event to its handlers.

    Handlers are called with the event, one after the other in the order of registration; the first that fails ends the
    delivery with a 500 and all are called again when the sender retries. Async handlers run on the server's event loop
    (under a blocking framework: on a private one), plain ones in a worker thread where the server is async.

    Over an orderly restart nothing is lost and, with a replay guard that outlives the process, nothing handled twice;
    after a kill each event is handled at least once, as long as the sender retries for longer than `lease`. With
    `background=True` a kill loses what is queued.

    A router is also an event source: `client.calls.wait(..., events=router)`.

    Args:
        secret: as for `unwrap`; read now.
        replay_guard: remembers events; a `MemoryReplayGuard` if left out, None for no guard at all. Several processes
            need one they share.
        background: acknowledge first, then handle: an event whose handler fails is logged and lost, as nobody sends it
            again. Needs `async with router:` on the server's event loop; under a blocking framework worker threads
            start by themselves and are waited for at exit, or better by `router.close()` in an exit hook of the server.
        queue_size: events waiting at most with `background`; further ones are answered 503.
        workers: events handled at a time with `background`.
        tolerance, future_tolerance, strict: as for `unwrap`.
        lease: seconds after which another process may take over an event whose handler has not ended: longer than any
            handler takes, shorter than the sender retries. With `background` it counts anew when a worker takes the
            event; one that another process took over while it was queued is left to that one.
        remember: seconds for which a handled event is known: longer than the sender retries.
        error_status: the answer when a handler fails; the sender retries unless it is 2xx.
        clock: what tells the time of deliveries.

    Raises:
        ConfigurationError: no secret.
        InvalidArgumentError: a number out of its range.
    """

    def __init__(
        self,
        *,
        secret: Secret | None = None,
        replay_guard: ReplayGuard | NotGiven | None = NOT_GIVEN,
        background: bool = False,
        queue_size: int = 1_000,
        workers: int = 8,
        tolerance: float = TOLERANCE,
        future_tolerance: float = FUTURE_TOLERANCE,
        strict: bool = False,
        lease: float = 60.0,
        remember: float = 3 * 86_400.0,
        error_status: int = 500,
        clock: Clock | None = None,
    ) -> None:
        _checks.whole(queue_size, 1, None, "queue_size")
        _checks.whole(workers, 1, None, "workers")
        _checks.whole(error_status, 200, 599, "error_status")
        _checks.seconds(lease, "lease")
        _checks.seconds(remember, "remember")
        check_tolerances(tolerance, future_tolerance)
        self._secrets = read_secrets(secret)
        self._tolerance = tolerance
        self._future_tolerance = future_tolerance
        self._strict = strict
        self._clock = clock or SystemClock()
        self._rules = Rules(
            guard=MemoryReplayGuard(clock=clock) if isinstance(replay_guard, NotGiven) else replay_guard,
            lease=lease,
            remember=remember,
            error_status=error_status,
        )
        self._background = background
        self._queue_size = queue_size
        self._workers = workers
        self._handlers: tuple[tuple[frozenset[str] | None, Registered], ...] = ()
        self._at_work = AtWork()
        self._subscriptions = Subscriptions()
        self._bridge: Bridge | None = None
        self._tasks: TaskQueue | None = None
        self._threads: ThreadQueue | None = None
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        """In a child: whoever held the lock is not here."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"WebhookRouter({len(self._handlers)} handlers)"

    @property
    def clock(self) -> Clock:
        """What tells it the time of deliveries."""
        return self._clock

    @overload
    def on(self, name: Literal["call.started"], /) -> Registration[events.CallStarted]: ...
    @overload
    def on(self, name: Literal["call.joined"], /) -> Registration[events.CallJoined]: ...
    @overload
    def on(self, name: Literal["call.ended"], /) -> Registration[events.CallEnded]: ...
    @overload
    def on(self, name: Literal["call.completed"], /) -> Registration[events.CallCompleted]: ...
    @overload
    def on(self, name: Literal["call.billed"], /) -> Registration[events.CallBilled]: ...
    @overload
    def on(self, name: Literal["call.failed"], /) -> Registration[events.CallFailed]: ...
    @overload
    def on(self, name: Literal["call.analyzed"], /) -> Registration[events.CallAnalyzed]: ...
    @overload
    def on(self, name: Literal["batch.status.changed"], /) -> Registration[events.BatchStatusChanged]: ...
    @overload
    def on(self, name: Literal["batch.completed"], /) -> Registration[events.BatchCompleted]: ...
    @overload
    def on(self, name: Literal["voice.training.completed"], /) -> Registration[events.VoiceTrainingCompleted]: ...
    @overload
    def on(self, name: Literal["voice.training.failed"], /) -> Registration[events.VoiceTrainingFailed]: ...
    @overload
    def on(self, name: str, /, *others: str) -> Registration[Any]: ...
    def on(self, name: str, /, *others: str) -> Registration[Any]:
        """Decorate a handler of events of that name, or of several; it is returned as it is.

        A name that this version does not know may be given too; its events come as `UnknownEvent`.
        """
        for one in (name, *others):
            _checks.non_empty(one, "name")
        return Registration(self._register, frozenset((name, *others)))

    def on_any(self, handler: HandlerT, /) -> HandlerT:
        """Decorate a handler of all events, unknown ones included."""
        self._register(None, handler)
        return handler

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Have `wake` called on verified events that may tell of an end; see `trudy.event_source.EventSource`."""
        return self._subscriptions.subscribe(kind, subject_id, wake)

    async def handle(self, method: str, headers: Headers, body: bytes) -> Answer:
        """Do all that a delivery asks for, on this event loop; what its handlers raise becomes an answer.

        Raises:
            TypeError: the body is not bytes.
            ConfigurationError: `background` without `async with router:`.
        """
        admitted = self.admit(method, headers, body)
        if isinstance(admitted, Answer):
            return admitted
        if self._background:
            queue = self._task_queue()
            queue.check()
            return await drive_async(_acknowledged(admitted, queue.offer))
        if admitted.fits_one_thread:
            return await in_one_thread(admitted.steps())
        return await drive_async(admitted.steps())

    def handle_blocking(self, method: str, headers: Headers, body: bytes) -> Answer:
        """`handle`, for a thread without an event loop."""
        admitted = self.admit(method, headers, body)
        if isinstance(admitted, Answer):
            return admitted
        steps = _acknowledged(admitted, self._thread_queue().offer) if self._background else admitted.steps()
        return drive_blocking(steps, self._private_bridge)

    @asynccontextmanager
    async def claimed(self, method: str, headers: Headers, body: bytes) -> AsyncGenerator[WebhookEvent | Answer, None]:
        """For an application that handles its events itself: gives an event for as long as the block runs.

            async with router.claimed(request.method, request.headers, await request.body()) as event:
                if isinstance(event, Answer): ...

        It gives an answer in its place where there is nothing to do: the delivery is refused, repeated or busy. The
        event counts as handled unless the block raises. The router's handlers are not called.

        Raises:
            TypeError: the body is not bytes.
        """
        admitted = self.admit(method, headers, body)
        if isinstance(admitted, Answer):
            yield admitted
            return
        refused = await drive_async(admitted.claim_to_hold())
        if refused is not None:
            yield refused
            return
        try:
            yield admitted.event
        except BaseException:
            await drive_async(admitted.release())
            raise
        await drive_async(admitted.commit())

    def admit(self, method: str, headers: Headers, body: bytes) -> Answer | DeliveryInProgress:
        """Verify a request and wake whoever waits for its event; an answer where there is nothing more to do."""
        if method.upper() != "POST":
            return WRONG_METHOD
        try:
            event = unwrap_with(
                body,
                headers,
                self._secrets,
                tolerance=self._tolerance,
                future_tolerance=self._future_tolerance,
                strict=self._strict,
                now=self._clock.time(),
            )
        except WebhookVerificationError as error:
            logger.warning("refused a delivery: %s", error)
            return refusal(error)
        self._subscriptions.notify(event)
        handlers = tuple([one for names, one in self._handlers if names is None or event.name in names])
        return DeliveryInProgress(event, handlers, self._rules, self._at_work)

    async def __aenter__(self) -> Self:
        if self._background:
            await self._task_queue().open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Handle what is queued. Deliveries that come meanwhile are answered 503."""
        if self._background:
            await self._task_queue().close()

    def __enter__(self) -> Self:
        if self._background:
            self._thread_queue().open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Under a blocking framework: handle what is queued, and take no more."""
        if self._background:
            self._thread_queue().close()

    @asynccontextmanager
    async def lifespan(self, app: object, /) -> AsyncGenerator[None, None]:
        """`async with router:` in the shape that Starlette and FastAPI want: `FastAPI(lifespan=router.lifespan)`."""
        async with self:
            yield

    def _register(self, names: frozenset[str] | None, handler: Callable[[Any], Any]) -> None:
        if not callable(handler):
            raise InvalidArgumentError(f"a handler must be callable, not {type(handler).__name__}", argument="handler")
        if _is(handler, inspect.isgeneratorfunction) or _is(handler, inspect.isasyncgenfunction):
            raise InvalidArgumentError("a handler must not be a generator: it would never run", argument="handler")
        self._handlers = (*self._handlers, (names, Registered(handler, _is(handler, inspect.iscoroutinefunction))))

    def _private_bridge(self) -> Bridge:
        from trudy.bridge import Bridge

        with self._lock:
            if self._bridge is None:
                self._bridge = Bridge()
                # While the interpreter still has its modules; a router at module level outlives them.
                atexit.register(_close, weakref.ref(self._bridge))
            return self._bridge

    def _task_queue(self) -> TaskQueue:
        from trudy.webhooks.background import TaskQueue

        with self._lock:
            if self._tasks is None:
                self._tasks = TaskQueue(self._queue_size, self._workers)
            return self._tasks

    def _thread_queue(self) -> ThreadQueue:
        from trudy.webhooks.background import ThreadQueue

        # Made first, so that at exit the queue is drained before the bridge is closed.
        self._private_bridge()
        with self._lock:
            if self._threads is None:
                self._threads = ThreadQueue(self._queue_size, self._workers, self._private_bridge)
            return self._threads


class Registration(Generic[E]):
    """What `router.on(...)` gives: call it with a handler, plain or async."""

    __slots__ = ("_names", "_register")

    def __init__(self, register: Callable[[frozenset[str], Any], None], names: frozenset[str]) -> None:
        self._register = register
        self._names = names

    @overload
    def __call__(self, handler: Callable[[E], Awaitable[None]], /) -> Callable[[E], Awaitable[None]]: ...
    @overload
    def __call__(self, handler: Callable[[E], None], /) -> Callable[[E], None]: ...
    def __call__(self, handler: Callable[[E], Any], /) -> Callable[[E], Any]:
        self._register(self._names, handler)
        return handler


def _close(reference: weakref.ref[Bridge]) -> None:
    async def nothing() -> None: ...

    bridge = reference()
    if bridge is not None:
        bridge.close(nothing)


def _is(handler: object, kind: Callable[[object], bool]) -> bool:
    # An object may have a `__call__` of that kind.
    return kind(handler) or kind(getattr(type(handler), "__call__", None))  # noqa: B004


def _acknowledged(delivery: DeliveryInProgress, offer: Callable[[DeliveryInProgress], bool]) -> Steps:
    refused = yield from delivery.claim()
    if refused is not None:
        return refused
    try:
        is_queued = offer(delivery)
    except BaseException:
        yield from delivery.release()
        raise
    return ACCEPTED if is_queued else (yield from delivery.dropped())
