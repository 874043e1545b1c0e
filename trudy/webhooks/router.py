"""`WebhookRouter`: from an HTTP request to the handlers of its event, whatever the framework."""

from __future__ import annotations

import atexit
import inspect
import logging
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from trudy import _checks
from trudy._concurrency.fork import reset_in_child
from trudy.clock import Clock, SystemClock
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.event_source import Subject
from trudy.options import NOT_GIVEN, NotGiven
from trudy.webhooks import events
from trudy.webhooks.answer import WRONG_METHOD, Answer, refusal
from trudy.webhooks.delivery import DeliveryInProgress, DeliveryRules, KeysInProgress, RegisteredHandler
from trudy.webhooks.events import CALL_OVER, WebhookEvent, check_event_name
from trudy.webhooks.replay.guard import ReplayGuard
from trudy.webhooks.replay.memory import MemoryReplayGuard
from trudy.webhooks.run_steps import run_async, run_blocking, run_in_worker_thread
from trudy.webhooks.signing import Secret, SigningKey, environment_keys, no_secret, signing_keys
from trudy.webhooks.subscriptions import Subscriptions
from trudy.webhooks.unwrapping import unwrap_with
from trudy.webhooks.verify import FUTURE_TOLERANCE, TOLERANCE, Headers, WebhookVerificationError, check_tolerances

if TYPE_CHECKING:
    from trudy.bridge import Bridge

logger = logging.getLogger("trudy.webhooks")

E = TypeVar("E")
HandlerT = TypeVar("HandlerT", bound=Callable[[WebhookEvent], Awaitable[None] | None])
CallOverHandlerT = TypeVar(
    "CallOverHandlerT",
    bound=Callable[[events.CallEnded | events.CallCompleted | events.CallFailed], Awaitable[None] | None],
)


class WebhookRouter:
    """Verifies deliveries, drops repeated ones, and hands each event to its handlers.

    Handlers are called with the event, one after the other in the order of registration; the first that fails ends the
    delivery with a 500 and all are called again when the sender retries. Async handlers run on the server's event loop
    (under a blocking framework: on a private one), plain ones in a worker thread where the server is async.

    Over an orderly restart nothing is lost and, with a replay guard that outlives the process, nothing handled twice;
    after a kill each event is handled at least once, as long as the sender retries for longer than `lease`.

    A router is also an event source: `client.calls.wait(..., events=router)`.

    Args:
        secret: as for `unwrap`. If left out, the environment is read with each delivery, so that a module may make its
            router before the environment is complete.
        replay_guard: remembers events; a `MemoryReplayGuard` if left out, None for no guard at all. Several processes
            need one they share.
        tolerance, future_tolerance, strict: as for `unwrap`.
        lease: seconds after which another process may take over an event whose handler has not ended: longer than any
            handler takes, shorter than the sender retries.
        remember: seconds for which a handled event is known: longer than the sender retries.
        error_status: the answer when a handler fails; the sender retries unless it is 2xx.
        clock: what tells the time of deliveries.

    Raises:
        ConfigurationError: a secret is empty or no text.
        InvalidArgumentError: a number out of its range.
    """

    def __init__(
        self,
        *,
        secret: Secret | None = None,
        replay_guard: ReplayGuard | NotGiven | None = NOT_GIVEN,
        tolerance: float = TOLERANCE,
        future_tolerance: float = FUTURE_TOLERANCE,
        strict: bool = False,
        lease: float = 60.0,
        remember: float = 3 * 86_400.0,
        error_status: int = 500,
        clock: Clock | None = None,
    ) -> None:
        self._handlers: tuple[tuple[frozenset[str] | None, RegisteredHandler], ...] = ()
        try:
            self._own_keys = None if secret is None else signing_keys(secret)
        finally:
            del secret  # tools that report errors show the variables of each frame
        _checks.whole(error_status, 200, 599, "error_status")
        _checks.seconds(lease, "lease")
        _checks.seconds(remember, "remember")
        check_tolerances(tolerance, future_tolerance)
        self._lent_keys: dict[object, tuple[SigningKey, ...]] = {}
        self._tolerance = tolerance
        self._future_tolerance = future_tolerance
        self._strict = strict
        self._clock = clock or SystemClock()
        self._rules = DeliveryRules(
            guard=MemoryReplayGuard(clock=clock) if isinstance(replay_guard, NotGiven) else replay_guard,
            lease=lease,
            remember=remember,
            error_status=error_status,
        )
        self._in_progress = KeysInProgress()
        self._subscriptions = Subscriptions()
        self._bridge: Bridge | None = None
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

        Raises:
            InvalidArgumentError: a name is nearly that of a known event, and so a slip.
        """
        for one in (name, *others):
            check_event_name(one)
        return Registration(self._register, frozenset((name, *others)))

    def on_call_over(self, handler: CallOverHandlerT, /) -> CallOverHandlerT:
        """Decorate a handler of every end of a call: `call.ended`, `call.completed` and `call.failed`.

        A call that nobody answers, or whose line is busy, ends as `call.failed`.
        """
        self._register(frozenset(CALL_OVER), handler)
        return handler

    def on_any(self, handler: HandlerT, /) -> HandlerT:
        """Decorate a handler of all events, unknown ones included."""
        self._register(None, handler)
        return handler

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Have `wake` called on verified events that may tell of an end; see `trudy.event_source.EventSource`."""
        return self._subscriptions.subscribe(kind, subject_id, wake)

    @property
    def has_matched(self) -> bool:
        """Whether an event has been about a call or batch that somebody waited for.

        Until then nobody knows whether the ids in events are those of the API or the voice provider's.
        """
        return self._subscriptions.has_matched

    def accept_secret(self, secret: Secret, /) -> Callable[[], None]:
        """Accept this secret as well, until the returned function is called.

        A router that was made with `secret=` keeps to that. `sandbox.connect(router)` lends the sandbox's own.
        """
        token = object()
        self._lent_keys = {**self._lent_keys, token: signing_keys(secret)}

        def take_back() -> None:
            self._lent_keys = {key: keys for key, keys in self._lent_keys.items() if key is not token}

        return take_back

    async def handle(self, method: str, headers: Headers, body: bytes) -> Answer:
        """Do all that a delivery asks for, on this event loop; what its handlers raise becomes an answer.

        Raises:
            TypeError: the body is not bytes.
            ConfigurationError: there is no secret, neither given nor in the environment.
        """
        try:
            admitted = self.admit(method, headers, body)
        finally:
            del headers, body
        if isinstance(admitted, Answer):
            return admitted
        if admitted.only_blocks:
            return await run_in_worker_thread(admitted.steps())
        return await run_async(admitted.steps())

    def handle_blocking(self, method: str, headers: Headers, body: bytes) -> Answer:
        """`handle`, for a thread without an event loop."""
        try:
            admitted = self.admit(method, headers, body)
        finally:
            del headers, body
        return admitted if isinstance(admitted, Answer) else run_blocking(admitted.steps(), self._private_bridge)

    @asynccontextmanager
    async def claimed(self, method: str, headers: Headers, body: bytes) -> AsyncGenerator[WebhookEvent | Answer, None]:
        """For an application that handles its events itself: gives an event for as long as the block runs.

            async with router.claimed(request.method, request.headers, await request.body()) as event:
                if isinstance(event, Answer): ...

        It gives an answer in its place where there is nothing to do: the delivery is refused, repeated or busy. The
        event counts as handled unless the block raises. The router's handlers are not called.

        Raises:
            TypeError: the body is not bytes.
            ConfigurationError: there is no secret, neither given nor in the environment.
        """
        try:
            admitted = self.admit(method, headers, body)
        finally:
            del headers, body
        if isinstance(admitted, Answer):
            yield admitted
            return
        refused = await run_async(admitted.claim_to_hold())
        if refused is not None:
            yield refused
            return
        try:
            yield admitted.event
        except BaseException:
            await run_async(admitted.release())
            raise
        await run_async(admitted.commit())

    def admit(self, method: str, headers: Headers, body: bytes) -> Answer | DeliveryInProgress:
        """Verify a request and wake whoever waits for its event; an answer where there is nothing more to do."""
        if method.upper() != "POST":
            return WRONG_METHOD
        try:
            event = unwrap_with(
                body,
                headers,
                self._keys(),
                tolerance=self._tolerance,
                future_tolerance=self._future_tolerance,
                strict=self._strict,
                now=self._clock.time(),
            )
        except WebhookVerificationError as error:
            logger.warning("refused a delivery: %s", error)
            return refusal(error)
        except (ConfigurationError, TypeError) as error:
            raise error.with_traceback(None) from None  # the frames below hold the body
        finally:
            del headers, body
        self._subscriptions.notify(event)
        handlers = tuple([one for names, one in self._handlers if names is None or event.name in names])
        return DeliveryInProgress(event, handlers, self._rules, self._in_progress)

    def _keys(self) -> tuple[SigningKey, ...]:
        if self._own_keys is not None:
            return self._own_keys
        keys = (*environment_keys(), *(key for keys in self._lent_keys.values() for key in keys))
        if not keys:
            raise no_secret()
        return keys

    def _register(self, names: frozenset[str] | None, handler: Callable[[Any], Any]) -> None:
        if not callable(handler):
            raise InvalidArgumentError(f"a handler must be callable, not {type(handler).__name__}", argument="handler")
        if _is(handler, inspect.isgeneratorfunction) or _is(handler, inspect.isasyncgenfunction):
            raise InvalidArgumentError("a handler must not be a generator: it would never run", argument="handler")
        self._handlers = (
            *self._handlers,
            (names, RegisteredHandler(handler, _is(handler, inspect.iscoroutinefunction))),
        )

    def _private_bridge(self) -> Bridge:
        from trudy.bridge import Bridge

        with self._lock:
            if self._bridge is None:
                self._bridge = Bridge()
                # While the interpreter still has its modules; a router at module level outlives them.
                atexit.register(_close, weakref.ref(self._bridge))
            return self._bridge


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
