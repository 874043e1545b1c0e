"""What is done with an event, once: claim its key, run its handlers, commit or abandon. No I/O of its own.

A delivery is a generator of steps. `run_steps.py` takes each step, blocking or awaiting, and sends back what the step
gave, or throws in what it raised. So threads, asyncio and trio share these rules.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeAlias

from attrs import frozen

from trudy._concurrency.fork import reset_in_child
from trudy.webhooks.answer import ACCEPTED, BUSY, Answer, problem
from trudy.webhooks.events import WebhookEvent
from trudy.webhooks.replay.guard import ReplayGuard

logger = logging.getLogger("trudy.webhooks")

Handler: TypeAlias = Callable[[Any], Awaitable[None] | None]


@frozen
class DeliveryStep:
    """Something to do.

    Attributes:
        call: does it.
        is_async: whether `call` returns an awaitable.
        blocks: whether `call` may block its thread.
        must_end: whether it is carried out even while the request is being cancelled.
    """

    call: Callable[[], Any]
    is_async: bool = False
    blocks: bool = False
    must_end: bool = False


DeliverySteps: TypeAlias = Generator[DeliveryStep, Any, Answer]


@frozen
class RegisteredHandler:
    """A handler, and whether it is an async one."""

    handler: Handler
    is_async: bool


class KeysInProgress:
    """Keys that this process is handling now.

    A guard gives up a claim after the lease, as the process that holds it may have died. This process knows better.
    """

    def __init__(self) -> None:
        reset_in_child(self)
        self.after_fork()

    def after_fork(self) -> None:
        """In a child: what the parent is handling is not this process's."""
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def add(self, key: str) -> bool:
        """False if it is there already."""
        with self._lock:
            if key in self._keys:
                return False
            self._keys.add(key)
            return True

    def discard(self, key: str) -> None:
        """It is no longer being handled."""
        self._keys.discard(key)


@frozen
class DeliveryRules:
    """How a router treats its deliveries.

    Attributes:
        guard: the replay guard, if any.
        lease: seconds after which another process may take over a claim.
        remember: seconds for which a handled event is known.
        error_status: the answer when a handler fails.
    """

    guard: ReplayGuard | None
    lease: float
    remember: float
    error_status: int


class DeliveryInProgress:
    """One authentic event on its way to its handlers."""

    __slots__ = ("_in_progress", "_rules", "event", "handlers")

    def __init__(
        self,
        event: WebhookEvent,
        handlers: tuple[RegisteredHandler, ...],
        rules: DeliveryRules,
        in_progress: KeysInProgress,
    ) -> None:
        self.event = event
        self.handlers = handlers
        self._rules = rules
        self._in_progress = in_progress

    @property
    def only_blocks(self) -> bool:
        """Whether something blocks and nothing awaits: then one worker thread may take all the steps."""
        if any(one.is_async for one in self.handlers):
            return False
        return bool(self.handlers) or (self._rules.guard is not None and self._rules.guard.blocking)

    def steps(self) -> DeliverySteps:
        """All of it."""
        refused = yield from self.claim()
        return refused if refused is not None else (yield from self.work())

    def claim(self) -> Generator[DeliveryStep, Any, Answer | None]:
        """Claim the event's key; an answer where it is not ours to handle."""
        guard, key = self._rules.guard, self.event.dedupe_key
        if guard is None:
            return None
        if not self._in_progress.add(key):
            return BUSY
        try:
            verdict = yield DeliveryStep(
                lambda: guard.begin(key, self._rules.lease), blocks=guard.blocking, must_end=True
            )
        except Exception:
            logger.exception("the replay guard failed; the sender may try again")
            # It may have claimed the key all the same, and only the answer was lost.
            yield from self.release()
            return problem(500, "internal_error")
        except BaseException:
            self._in_progress.discard(key)
            raise
        if verdict == "new":
            return None
        self._in_progress.discard(key)
        return ACCEPTED if verdict == "done" else BUSY

    def claim_to_hold(self) -> Generator[DeliveryStep, Any, Answer | None]:
        """`claim`, and no claim is left behind where the request was cancelled meanwhile."""
        refused = yield from self.claim()
        if refused is None:
            try:
                yield DeliveryStep(_nothing)  # where a cancellation that came during the claim is raised
            except BaseException:
                yield from self.release()
                raise
        return refused

    def work(self) -> DeliverySteps:
        """Run the handlers of a claimed event in order, until one fails; then commit or abandon."""
        event = self.event
        try:
            for one in self.handlers:
                given = yield DeliveryStep(partial(one.handler, event), is_async=one.is_async, blocks=not one.is_async)
                if inspect.isgenerator(given) or inspect.isasyncgen(given):
                    raise TypeError("a handler gave back a generator, which nobody would run")
                if not one.is_async and inspect.isawaitable(given):
                    # A decorator may hide that what it wraps is async.
                    yield DeliveryStep(partial(_itself, given), is_async=True)
        except GeneratorExit:
            raise
        except Exception:
            logger.exception("a handler of %s failed", event.type)
            yield from self.release()
            return problem(self._rules.error_status, "handler_failed")
        except BaseException:
            yield from self.release()
            raise
        yield from self.commit()
        return ACCEPTED

    def release(self) -> Generator[DeliveryStep, Any, None]:
        """Give a claim back, so that the sender's retry finds the key free."""
        guard, key = self._rules.guard, self.event.dedupe_key
        if guard is None:
            return
        try:
            yield DeliveryStep(lambda: guard.abandon(key), blocks=guard.blocking, must_end=True)
        except Exception:
            logger.exception("the replay guard failed; the event is refused as busy until its claim runs out")
        finally:
            self._in_progress.discard(key)

    def commit(self) -> Generator[DeliveryStep, Any, None]:
        """The claimed event has been handled."""
        guard, key = self._rules.guard, self.event.dedupe_key
        if guard is None:
            return
        try:
            yield DeliveryStep(lambda: guard.commit(key, self._rules.remember), blocks=guard.blocking, must_end=True)
        except Exception:
            # Handled it is: a refusal now would have it handled a second time for certain.
            logger.exception("the replay guard failed; the event is handled again if it is sent again")
        finally:
            self._in_progress.discard(key)


def _nothing() -> None: ...


def _itself(given: Awaitable[None]) -> Awaitable[None]:
    return given
