"""The limiter of this process behind the protocol: a task waits for its ticket's turn, on any event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy._concurrency.wakeup import Wakeup
from trudy.errors import RateLimitError
from trudy.rate_limit.ticket import Go, Late

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.options import AdmissionLane
    from trudy.rate_limit.limiter import RateLimitStatus, WindowLimiter
    from trudy.rate_limit.protocol import OnWait, Permit, RateLimitFacts
    from trudy.rate_limit.ticket import Ticket


class InProcessRateLimiter:
    """One client's way to the limiter that it shares with all clients of its credential. Implements `RateLimiter`."""

    __slots__ = ("_clock", "limiter")

    def __init__(self, limiter: WindowLimiter, clock: Clock) -> None:
        self.limiter = limiter
        self._clock = clock

    def status(self) -> RateLimitStatus:
        """How things stand."""
        return self.limiter.status(self._clock.monotonic())

    async def admit(
        self, lane: AdmissionLane, until: float, *, refused: Permit | None = None, on_wait: OnWait | None = None
    ) -> TicketPermit:
        """Wait for the turn, at the old place after a refusal. A turn after `until` is a `RateLimitError` at once."""
        limiter, clock, wakeup = self.limiter, self._clock, Wakeup()
        place = refused.ticket.place if isinstance(refused, TicketPermit) else None
        ticket = limiter.join(lane, wakeup.set, until=until, place=place)
        try:
            while not isinstance(verdict := limiter.poll(ticket, clock.monotonic()), Go):
                now = clock.monotonic()
                if isinstance(verdict, Late):
                    raise _too_late(verdict, now, until - now)
                if on_wait is not None:
                    await on_wait(verdict.until - now)
                    on_wait = None
                await wakeup.wait(verdict.until - clock.monotonic(), clock)
                wakeup.clear()
        except BaseException:
            limiter.leave(ticket, clock.monotonic(), sent=False)
            raise
        return TicketPermit(limiter, clock, ticket)


class TicketPermit:
    """A ticket whose turn has come. Implements `Permit`; never waits."""

    __slots__ = ("_clock", "_limiter", "ticket")

    def __init__(self, limiter: WindowLimiter, clock: Clock, ticket: Ticket) -> None:
        self._limiter = limiter
        self._clock = clock
        self.ticket = ticket

    async def settle(self, facts: RateLimitFacts | None) -> None:
        """Tell the limiter how the request fared."""
        limiter, now = self._limiter, self._clock.monotonic()
        if facts is not None and facts.refused:
            server_now = None if facts.server_time is None else facts.server_time.timestamp()
            if server_now is None and not limiter.server_clock.known:
                server_now = self._clock.time()  # the best guess there is
            limiter.refused(
                self.ticket,
                now,
                limit=facts.limit,
                reset_at=None if facts.reset_at is None else facts.reset_at.timestamp(),
                server_now=server_now,
                retry_after=facts.retry_after,
            )
        limiter.leave(self.ticket, now, answered=facts is not None)

    async def release(self) -> None:
        """Give the place back."""
        self._limiter.leave(self.ticket, self._clock.monotonic(), sent=False)


def _too_late(late: Late, now: float, patience: float) -> RateLimitError:
    details: dict[str, object] = {}
    if late.limit is not None:
        details["limit"] = late.limit
    if late.reset_at is not None:
        details["reset_at"] = late.reset_at.isoformat()
    return RateLimitError(
        f"the rate limit lets this request go in {late.turn - now:.1f} s, and it may wait {max(patience, 0):.1f} s",
        details=details,
    )
