"""The limiter of this process as a `RateLimiter`: tickets, the queue they are in, and the wait for a ticket's turn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from attrs import define, field, frozen

from trudy._concurrency.loops import Wakeup
from trudy.errors import RateLimitError

if TYPE_CHECKING:
    from trudy.clock import Clock
    from trudy.options import AdmissionLane
    from trudy.rate_limit.limiter import RateLimitStatus, WindowLimiter
    from trudy.rate_limit.protocol import OnWait, Permit, RateLimitFacts
    from trudy.rate_limit.window import Window


@frozen
class Go:
    """Send now; the budget is taken."""


@frozen
class Wait:
    """Not yet: poll again at `until`, or when woken."""

    until: float


@frozen
class Late:
    """The turn would come at `turn`, after the ticket's `until`; the ticket has left the queue."""

    turn: float
    limit: int | None
    reset_at: datetime | None


class At(Enum):
    """The state of a ticket: outside, in a queue, called (a place in the window is taken for it), or sent."""

    OUTSIDE = "outside"
    QUEUE = "queue"
    CALLED = "called"
    SENT = "sent"


@define(eq=False)
class Ticket:
    """A request at the limiter. It keeps `place` after a refusal, when `join` is given it again."""

    place: int
    lane: AdmissionLane
    wake: Callable[[], None] = field(repr=False)
    until: float | None
    at: At = At.OUTSIDE
    window: Window | None = None
    sent_at: float = 0.0
    is_beyond: bool = False
    """Whether it goes beyond the limit, to try whether the server takes more."""
    told: float | None = None


class Placed(Protocol):
    """What a queue holds: `place` is a unique number, and the lowest goes first."""

    @property
    def place(self) -> int: ...


T = TypeVar("T", bound=Placed)


class TicketQueue(Generic[T]):
    """A queue ordered by place, not by arrival: a refused request gets its old place again.

    A sorted list: places are found by bisection, and with 10,000 waiting an insertion moves 80 kB in 2 us, which is
    less than the Python steps of a tree.
    """

    __slots__ = ("_places", "_tickets")

    def __init__(self) -> None:
        self._places: list[int] = []
        self._tickets: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, ticket: T) -> bool:
        return ticket.place in self._tickets

    def add(self, ticket: T) -> None:
        place = ticket.place
        if place in self._tickets:
            return
        self._tickets[place] = ticket
        if not self._places or place > self._places[-1]:
            self._places.append(place)
        else:
            self._places.insert(bisect_left(self._places, place), place)

    def discard(self, ticket: T) -> None:
        if self._tickets.pop(ticket.place, None) is not None:
            del self._places[bisect_left(self._places, ticket.place)]

    def first(self) -> T | None:
        return self._tickets[self._places[0]] if self._places else None

    def head(self, number: int) -> list[T]:
        """The first few, in order."""
        return [self._tickets[place] for place in self._places[:number]]

    def ahead_of(self, ticket: T) -> int:
        """How many are before this ticket."""
        return bisect_left(self._places, ticket.place)


class InProcessRateLimiter:
    """Gives one client the limiter that all clients of its credential share. Implements `RateLimiter`."""

    __slots__ = ("_clock", "limiter")

    def __init__(self, limiter: WindowLimiter, clock: Clock) -> None:
        self.limiter = limiter
        self._clock = clock

    def status(self) -> RateLimitStatus:
        """The limit, what is used, and how many wait."""
        return self.limiter.status(self._clock.monotonic())

    async def admit(
        self, lane: AdmissionLane, until: float, *, refused: Permit | None = None, on_wait: OnWait | None = None
    ) -> TicketPermit:
        """Wait for the turn, at the old place after a refusal. A turn after `until` raises `RateLimitError` at once."""
        limiter, clock = self.limiter, self._clock
        place = refused.ticket.place if isinstance(refused, TicketPermit) else None
        ticket = limiter.join(lane, _nobody_waits, until=until, place=place)
        try:
            if isinstance(limiter.poll(ticket, clock.monotonic()), Go):
                return TicketPermit(limiter, clock, ticket)
            wakeup = Wakeup()
            ticket.wake = wakeup.set
            # Polled again, now that it can be woken: it may have been called since the first poll.
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
        """Tell the limiter what the request met."""
        limiter, now = self._limiter, self._clock.monotonic()
        if facts is not None and facts.refused:
            server_now = None if facts.server_time is None else facts.server_time.timestamp()
            if server_now is None and not limiter.server_clock.known:
                server_now = self._clock.time()  # nothing better is known
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


def _nobody_waits() -> None:
    """Wakes nobody: stands in a ticket that does not wait yet."""


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
