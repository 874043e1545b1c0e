"""What is done with one event: claim its key, run its handlers, commit or abandon the claim. Does no I/O itself.

A delivery is a generator of steps. `run_steps.py` runs each step, blocking or awaiting, and sends the result into the
generator, or throws the exception into it. So threads, asyncio and trio share these rules.
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
    """One function to run.

    Attributes:
        run: the function.
        is_async: whether `run` returns an awaitable.
        blocks: whether `run` may block its thread.
        must_end: whether it is run even while the request is being cancelled.
    """

    run: Callable[[], Any]
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

    A replay guard drops a claim after the lease, as the process that holds it may have died. This set keeps a slow
    handler's event from being handled twice in the same process.
    """

    def __init__(self) -> None:
        reset_in_child(self)
        self.after_fork()

    def after_fork(self) -> None:
        """Forget the parent's keys: the child handles none of them."""
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def add(self, key: str) -> bool:
        """Add a key; False if it is being handled already."""
        with self._lock:
            if key in self._keys:
                return False
            self._keys.add(key)
            return True

    def discard(self, key: str) -> None:
        """Remove a key: it is no longer being handled."""
        self._keys.discard(key)


@frozen
class DeliveryRules:
    """How a router treats its deliveries.

    Attributes:
        guard: the replay guard, if any.
        lease: seconds after which another process may take over a claim.
        remember: seconds for which a handled event is remembered.
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
        """Whether some steps block and none is async: then one worker thread can run them all."""
        if any(one.is_async for one in self.handlers):
            return False
        return bool(self.handlers) or (self._rules.guard is not None and self._rules.guard.blocking)

    def steps(self) -> DeliverySteps:
        """Claim the key and run the handlers; returns the answer for the sender."""
        refused = yield from self.claim()
        return refused if refused is not None else (yield from self.work())

    def claim(self) -> Generator[DeliveryStep, Any, Answer | None]:
        """Claim the event's key; returns an answer if the event was handled before or is being handled."""
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
            # The guard may have stored the claim and failed afterwards.
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
        """`claim`, which leaves no claim behind if the request is cancelled during it."""
        refused = yield from self.claim()
        if refused is None:
            try:
                yield DeliveryStep(_nothing)  # a cancellation that came during the claim is raised here
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
                    # A decorated async function may look like a plain one until it is called.
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
        """Drop the claim, so that the event is handled when the sender tries again."""
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
        """Record that the claimed event was handled."""
        guard, key = self._rules.guard, self.event.dedupe_key
        if guard is None:
            return
        try:
            yield DeliveryStep(lambda: guard.commit(key, self._rules.remember), blocks=guard.blocking, must_end=True)
        except Exception:
            # Not answered with an error: the sender would try again, and the event would be handled twice.
            logger.exception("the replay guard failed; the event is handled again if it is sent again")
        finally:
            self._in_progress.discard(key)


def _nothing() -> None: ...


def _itself(given: Awaitable[None]) -> Awaitable[None]:
    return given
