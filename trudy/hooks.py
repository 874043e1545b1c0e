"""Typed events about what the pipeline does, for metrics and tracing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias

from attrs import frozen

logger = logging.getLogger("trudy")


@frozen(kw_only=True)
class RequestStarted:
    """An operation began.

    Attributes:
        operation: the method's name, such as `calls.create`.
        method, path: the request, without its query.
        idempotency_key: the key sent, if any.
    """

    operation: str
    method: str
    path: str
    idempotency_key: str | None


@frozen(kw_only=True)
class AttemptEnded:
    """One request was answered, or was not.

    Attributes:
        url: where it was sent, without the query; numbers are masked.
        attempt: counts from 1.
        status: the HTTP status; None when no answer came.
        seconds: how long the attempt took, waits for the rate window left out.
        request_id: the server's id; numbers are masked.
        error: the code of the error, if no answer came; `cancelled` if the caller no longer waited for one.
    """

    operation: str
    method: str
    path: str
    url: str
    attempt: int
    status: int | None
    seconds: float
    request_id: str | None
    error: str | None


@frozen(kw_only=True)
class RateLimitWait:
    """A request waits for the rate window to open; `seconds` is how long, as far as is known."""

    operation: str
    method: str
    path: str
    seconds: float


@frozen(kw_only=True)
class RetryScheduled:
    """A fault is tried again after `seconds`; `reason` says what happened, `attempt` which one failed."""

    operation: str
    method: str
    path: str
    attempt: int
    seconds: float
    reason: str


@frozen(kw_only=True)
class RequestEnded:
    """An operation ended.

    Attributes:
        outcome: `"ok"`, `"error"` or `"cancelled"`.
        attempts: how many requests were sent.
        seconds: how long it took, waits and retries included.
        error: the code of the error raised, if any.
    """

    operation: str
    method: str
    path: str
    outcome: Literal["ok", "error", "cancelled"]
    attempts: int
    seconds: float
    error: str | None


Event: TypeAlias = RequestStarted | AttemptEnded | RateLimitWait | RetryScheduled | RequestEnded
Hook: TypeAlias = Callable[[Event], Awaitable[None] | None]


class Emitter:
    """Hands each event to every hook in turn. A hook that fails is logged and does not disturb the operation."""

    __slots__ = ("_hooks",)

    def __init__(self, hooks: Sequence[Hook]) -> None:
        self._hooks = tuple(hooks)

    def __bool__(self) -> bool:
        return bool(self._hooks)

    async def __call__(self, event: Event) -> None:
        for hook in self._hooks:
            try:
                result: object = hook(event)
                if isinstance(result, Awaitable):  # anything else a hook returns is ignored
                    await result
            except Exception:  # a listener's fault must not lose the answer to POST /calls
                logger.exception("a hook failed on %s", type(event).__name__)
