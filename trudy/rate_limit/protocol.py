"""What the client asks of a rate limiter: the one of this process, or one of your own that serves a fleet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from attrs import frozen

from trudy.options import AdmissionLane

OnWait: TypeAlias = Callable[[float], Awaitable[None]]
"""Called once, before a wait begins, with its length in seconds, as far as it is known."""


@frozen(kw_only=True)
class RateLimitFacts:
    """What an answer says about the rate limit. A success says nothing: all but `refused` are None.

    Attributes:
        refused: whether it is a 429.
        limit: requests in one window.
        reset_at: when the next window opens, on the server's clock (aware, UTC).
        server_time: the server's clock when it answered (aware, UTC): the wait is `reset_at - server_time`.
        retry_after: seconds to wait, as a proxy may send them.
    """

    refused: bool
    limit: int | None = None
    reset_at: datetime | None = None
    server_time: datetime | None = None
    retry_after: float | None = None


class Permit(Protocol):
    """Leave to send one request. Exactly one of the two methods is called, once, and nothing after it.

    Both are shielded from cancellation and get five seconds; what they raise does not disturb the call and
    is logged, once until one works again.
    """

    async def settle(self, facts: RateLimitFacts | None) -> None:
        """The request was sent. `facts` is None if no answer came; the server may have counted the request anyway."""
        ...

    async def release(self) -> None:
        """Nothing was sent: the place in the window is free again."""
        ...


class RateLimiter(Protocol):
    """Says when each request may be sent. It is called from any thread and event loop, by many tasks at once."""

    async def admit(
        self, lane: AdmissionLane, until: float, *, refused: Permit | None = None, on_wait: OnWait | None = None
    ) -> Permit:
        """Wait for a place, and take it.

        Args:
            lane: `"reconcile"` (look-ups for calls whose answers were lost, few and urgent) goes before
                `"interactive"`, and that before `"bulk"`.
            until: when the caller must have it, in seconds of `time.monotonic()` (or of the client's `clock=`).
            refused: the permit of this request's last attempt, if that met a 429; it may keep its place in the queue.
            on_wait: to be awaited once, before a wait, with its seconds; it makes the log line and the `RateLimitWait`
                event.

        Raises:
            RateLimitError: the turn would come after `until`; raised at once, without waiting.
        """
        ...
