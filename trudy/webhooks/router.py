"""`WebhookRouter`: takes an HTTP request of any framework and calls the handlers of its event."""

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

    Handlers are called with the event, one after the other, in the order of registration. The first one that raises
    ends the delivery with a 500, and all are called again when the sender retries. Async handlers run on the server's
    event loop, or on a private one if the server is blocking. Plain handlers run in a worker thread if the server is
    async.

    In an orderly restart no event is lost. With a replay guard that outlives the process, none is handled twice. After
    a kill each event is handled at least once, if the sender retries for longer than `lease`.

    A router is also an event source: `client.calls.wait(..., events=router)`.

    Args:
        secret: as for `unwrap`. If left out, the environment is read at each delivery, so a module may make its router
            before the environment is set.
        replay_guard: remembers events; a `MemoryReplayGuard` if left out, None for no guard at all. Several processes
            need a guard that they share.
        tolerance, future_tolerance, strict: as for `unwrap`.
        lease: seconds after which another process may take over an event whose handler has not ended. Choose more than
            any handler takes, and less than the sender goes on retrying.
        remember: seconds for which a handled event is remembered. Choose more than the sender goes on retrying.
        error_status: the status of the answer when a handler fails; the sender retries unless it is 2xx.
        clock: tells the time, to find the age of deliveries; the machine's clock if left out.

    Raises:
        ConfigurationError: a secret is empty or not text.
        InvalidArgumentError: a number is out of range.
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
            del secret  # error reporters send the variables of each frame
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
        """Make a new lock: a thread of the parent may have held the old one, and is not in the child."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"WebhookRouter({len(self._handlers)} handlers)"

    @property
    def clock(self) -> Clock:
        """The clock that tells the age of deliveries."""
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
        """Decorate a handler of the events of one name, or of several. The handler is returned unchanged.

        A name that this version does not know may be given too: its events are `UnknownEvent`s.

        Raises:
            InvalidArgumentError: a name looks like a misspelt one of a known event.
        """
        for one in (name, *others):
            check_event_name(one)
        return Registration(self._register, frozenset((name, *others)))

    def on_call_over(self, handler: CallOverHandlerT, /) -> CallOverHandlerT:
        """Decorate a handler of every end of a call: `call.ended`, `call.completed` and `call.failed`.

        A call that is not answered, or meets a busy line, ends with `call.failed`.
        """
        self._register(frozenset(CALL_OVER), handler)
        return handler

    def on_any(self, handler: HandlerT, /) -> HandlerT:
        """Decorate a handler of all events, unknown ones included."""
        self._register(None, handler)
        return handler

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Call `wake` at each verified event that may tell of an end; see `trudy.event_source.EventSource`."""
        return self._subscriptions.subscribe(kind, subject_id, wake)

    @property
    def has_matched(self) -> bool:
        """Whether an event has been about a call or batch that somebody waited for.

        If not, the ids in events may be the voice provider's and not those of the API.
        """
        return self._subscriptions.has_matched

    def accept_secret(self, secret: Secret, /) -> Callable[[], None]:
        """Accept this secret too, until the returned function is called.

        A router that was made with `secret=` accepts only that one. `sandbox.connect(router)` lends it the sandbox's.
        """
        token = object()
        self._lent_keys = {**self._lent_keys, token: signing_keys(secret)}

        def take_back() -> None:
            self._lent_keys = {key: keys for key, keys in self._lent_keys.items() if key is not token}

        return take_back

    async def handle(self, method: str, headers: Headers, body: bytes) -> Answer:
        """Verify a delivery, run its handlers on this event loop, and return the answer for the sender.

        An exception of a handler is logged and becomes an answer with `error_status`.

        Raises:
            TypeError: the body is not bytes.
            ConfigurationError: no secret was given, and none is in the environment.
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
        """Give the event of a delivery, for an application that handles events itself.

            async with router.claimed(request.method, request.headers, await request.body()) as event:
                if isinstance(event, Answer): ...

        Gives an `Answer` in place of the event if there is nothing to do: the delivery was refused, was handled before,
        or is being handled. The event counts as handled unless the block raises. The router's handlers are not called.

        Raises:
            TypeError: the body is not bytes.
            ConfigurationError: no secret was given, and none is in the environment.
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
        """Verify a request and wake those who wait for its event; returns an answer if it is refused."""
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
                # A router in a module would otherwise be closed so late that the interpreter has no modules left.
                atexit.register(_close, weakref.ref(self._bridge))
            return self._bridge


class Registration(Generic[E]):
    """What `router.on(...)` returns: call it with a handler, plain or async."""

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
    # A handler may be an object with a `__call__` of that kind.
    return kind(handler) or kind(getattr(type(handler), "__call__", None))  # noqa: B004
