"""The rate limiter: who of all that share a credential may send now, and when the others may. No I/O, no event loop.

Tickets serve threads and loops alike: each carries a wake-up that may be called from any thread. `now` is always the
client's wall clock in Unix seconds; where the server's clock stands the limiter learns from the answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from math import inf
from random import Random, SystemRandom
from typing import Final

from attrs import define, field, frozen

from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.ticket_queue import TicketQueue
from trudy.rate_limit.window import Budget, Window, Windows

_LANES: Final[tuple[AdmissionLane, ...]] = ("reconcile", "interactive", "bulk")
"""Who goes first."""
_HEAD = 8
_WORTH_WAKING = 0.005
"""The part of a window by which a turn must come nearer for a sleeper to be told: each answer moves it a little."""


@frozen
class Go:
    """Send now; the budget is taken."""


@frozen
class Wait:
    """Not yet: ask again at `until` (client clock), or when woken."""

    until: float


@frozen
class Late:
    """The turn would come only at `turn`, after the ticket's bound; the ticket has left the queue."""

    turn: float
    limit: int | None
    reset_at: datetime | None


@frozen(kw_only=True)
class RateLimitStatus:
    """The rate limit as the client sees it.

    Attributes:
        limit: requests in one window; None while it is unknown.
        used: requests this process sent in the present window.
        reset_at: when the present window ends on the server's clock (aware, UTC); None while that is unknown.
        waiting: requests of this process that wait for their turn.
    """

    limit: int | None
    used: int
    reset_at: datetime | None
    waiting: int


class _At(Enum):
    OUTSIDE = "outside"
    QUEUE = "queue"
    CALLED = "called"
    SENT = "sent"


@define(eq=False)
class Ticket:
    """A request's place at the limiter. `place` outlives a refusal: hand it to `join` again."""

    place: int
    lane: AdmissionLane
    wake: Callable[[], None] = field(repr=False)
    until: float | None
    at: _At = _At.OUTSIDE
    window: Window | None = None
    told: float | None = None


_GO: Final = Go()


class WindowLimiter:
    """Admits requests in order, interactive before bulk, as many in a window as the server takes."""

    def __init__(self, rate_limit: RateLimit | None = None, *, rng: Random | None = None) -> None:
        self._lock = threading.Lock()
        self._places = count()
        self._budget = Budget(rate_limit)
        self._windows = Windows(None if rate_limit is None else rate_limit.window, rng or SystemRandom())
        self._queues: dict[AdmissionLane, TicketQueue[Ticket]] = {lane: TicketQueue() for lane in _LANES}
        self._late: list[Ticket] = []

    def join(
        self, lane: AdmissionLane, wake: Callable[[], None], *, until: float | None = None, place: int | None = None
    ) -> Ticket:
        """A ticket at the end of the lane, or at the `place` of a refused one.

        `wake` is called from any thread, perhaps more than once, when it is worth polling earlier than was said; a
        RuntimeError from it (its loop is closed) gives the place to the next. A turn after `until` is `Late`.
        """
        return Ticket(next(self._places) if place is None else place, lane, wake, until)

    def poll(self, ticket: Ticket, now: float) -> Go | Wait | Late:
        """Whether it is this ticket's turn. `Go` is said once; then the request must be sent without delay."""
        with self._lock:
            verdict, called = self._poll(ticket, now)
        if called:
            self._wake(called, now)
        return verdict

    def leave(self, ticket: Ticket, now: float, *, sent: bool = True) -> None:
        """Done with the ticket, in whatever state; a second time does nothing.

        A place is freed. A budget taken is given back if nothing was sent: never polled to `Go`, or `sent=False`
        (only with proof: whatever may have reached the server may have been counted there).
        """
        with self._lock:
            called = self._leave(ticket, now, sent=sent)
        if called:
            self._wake(called, now)

    def refused(
        self,
        ticket: Ticket,
        now: float,
        *,
        limit: int | None = None,
        reset_at: float | None = None,
        server_now: float | None = None,
        retry_after: float | None = None,
    ) -> None:
        """The ticket's request came back with a 429. Times are the server's (Unix seconds), `retry_after` seconds.

        The refusal of a request that left in an earlier window says nothing about the present one.
        """
        with self._lock:
            called: list[Ticket] = []
            if ticket.at is _At.SENT:
                ticket.at = _At.OUTSIDE
                self._advance(now)
                window = self._windows.current
                if ticket.window is window and not self._windows.is_over(now):
                    window.refused += 1
                    if limit is not None:
                        self._budget.stated(limit)
                    self._windows.close(now, reset_at=reset_at, server_now=server_now, retry_after=retry_after)
                called = self._call_next(now)
        if called:
            self._wake(called, now)

    def observe(self, server_time: float, now: float, *, round_trip: float, granularity: float = 0.0) -> None:
        """An answer that arrived at `now` was stamped `server_time`, cut to multiples of `granularity` seconds."""
        with self._lock:
            self._windows.clock.observe(server_time, now, round_trip=round_trip, granularity=granularity)
            called = self._call_next(now)
        if called:
            self._wake(called, now)

    def wants_time(self, now: float) -> bool:
        """Whether `observe` would teach anything worth reading a body for."""
        windows = self._windows
        seen = windows.clock.seen
        if seen is None or not windows.clock.known or abs(now - seen) > windows.length / 10:
            return True
        return windows.clock.width(now) > windows.length / 200

    def tighten(self, rate_limit: RateLimit) -> None:
        """Another client of the credential paces itself: the slower pace holds for all."""
        with self._lock:
            self._budget.tighten(rate_limit)
            explicit = self._budget.explicit
            if explicit is not None:
                self._windows.set_length(explicit.window)

    def status(self, now: float) -> RateLimitStatus:
        """How things stand."""
        with self._lock:
            self._advance(now)
            window = self._windows.current
            used = 0 if self._windows.is_over(now) else window.sent
            waiting = sum(map(len, self._queues.values()))
            return RateLimitStatus(limit=self._budget.limit, used=used, reset_at=self._reset_at(now), waiting=waiting)

    def after_fork(self) -> None:
        """In a forked child: the lock may be held and the waiters live on, but neither is here."""
        self._lock = threading.Lock()
        self._queues = {lane: TicketQueue() for lane in _LANES}
        self._late = []

    def _poll(self, ticket: Ticket, now: float) -> tuple[Go | Wait | Late, list[Ticket]]:
        if ticket.at is _At.SENT:
            raise RuntimeError("this ticket has gone already")
        self._advance(now)
        if ticket.at is _At.CALLED and (ticket.window is not self._windows.current or not self._windows.is_open(now)):
            # The window shut between the call and this answer to it: the place is kept, the turn is not.
            self._give_back(ticket)
        if ticket.at is not _At.CALLED:
            queue = self._queues[ticket.lane]
            if queue or self._free(ticket.lane, now) <= 0:
                queue.add(ticket)
                ticket.at = _At.QUEUE
            else:
                self._admit(ticket, now)
        called: list[Ticket] = []
        if ticket.at is _At.QUEUE:
            ticket.told = None
            called = self._call_next(now)
        if ticket.at is _At.CALLED:
            ticket.at = _At.SENT
            if ticket in called:
                called.remove(ticket)
            return _GO, called
        turn = self._turn(ticket.lane, self._queues[ticket.lane].ahead_of(ticket), now)
        if ticket.until is not None and turn > ticket.until:
            reset_at = self._reset_at(now)
            return Late(turn, self._budget.limit, reset_at), called + self._leave(ticket, now, sent=False)
        ticket.told = turn
        return Wait(turn), called

    def _leave(self, ticket: Ticket, now: float, *, sent: bool) -> list[Ticket]:
        was, ticket.at = ticket.at, _At.OUTSIDE
        if was is _At.OUTSIDE:
            return []
        if was is _At.QUEUE:
            self._queues[ticket.lane].discard(ticket)
        elif was is _At.CALLED or not sent:
            self._give_back(ticket)
        elif ticket.window is self._windows.current and self._windows.current.closed_until is None:
            self._windows.trust()
        return self._call_next(now)

    def _advance(self, now: float) -> None:
        ended = self._windows.advance(now)
        if ended is not None:
            window, idle = ended
            self._budget.settle(window, idle=idle)
            crossing = [ticket for ticket in self._late if ticket.at is _At.SENT and ticket.window is window]
            self._windows.current.carried = len(crossing) if idle == 0 else 0
            self._late.clear()

    def _call_next(self, now: float) -> list[Ticket]:
        """Give the free budget to those first in queue; returns whom to wake."""
        if not any(self._queues.values()):
            return []
        self._advance(now)
        called: list[Ticket] = []
        for lane in _LANES:
            queue = self._queues[lane]
            while (first := queue.first()) is not None and self._free(lane, now) > 0:
                queue.discard(first)
                self._admit(first, now)
                called.append(first)
            if queue:
                called += self._oversleepers(queue, lane, now)
        return called

    def _oversleepers(self, queue: TicketQueue[Ticket], lane: AdmissionLane, now: float) -> list[Ticket]:
        """Those at the head who sleep past their turn, because others left or the window opens earlier than it did.

        A few rather than one: whoever wakes calls all whose turn it is, but the first may hang in a blocked loop.
        """
        found: list[Ticket] = []
        worth = _WORTH_WAKING * self._windows.length
        earliest = self._turn(lane, 0, now) + worth
        for ahead, ticket in enumerate(queue.head(_HEAD)):
            if ticket.told is None or ticket.told <= earliest:
                continue
            turn = self._turn(lane, ahead, now)
            if turn + worth < ticket.told:
                ticket.told = turn
                found.append(ticket)
        return found

    def _admit(self, ticket: Ticket, now: float) -> None:
        window = self._windows.current
        window.sent += 1
        window.bulk += ticket.lane == "bulk"
        window.last_sent = now
        ticket.window = window
        ticket.at = _At.CALLED
        if self._windows.near_end(now):
            self._late.append(ticket)

    def _give_back(self, ticket: Ticket) -> None:
        window = ticket.window
        if window is not None:
            window.sent -= 1
            window.bulk -= ticket.lane == "bulk"
        ticket.window = None
        ticket.at = _At.OUTSIDE

    def _free(self, lane: AdmissionLane, now: float) -> float:
        """How many of a lane may go now."""
        window = self._windows.current
        if self._budget.full == inf and window.closed_until is None and not window.probing:
            return inf  # nothing is known to be limited: no edge to stay away from
        if not self._windows.is_open(now):
            return 0
        if self._before(lane):
            return 0
        if window.probing and now < self._probed(window):
            return 1 - window.sent
        free = self._left(window)
        return min(free, self._budget.bulk - window.bulk) if lane == "bulk" else free

    def _left(self, window: Window) -> float:
        """What is left of the present window's budget."""
        full = self._budget.full
        # One more than the limit, once, where its refusal tells how long a window is.
        return max(full - window.carried, 1) - window.sent + self._windows.length_wanted

    def _probed(self, window: Window) -> float:
        """When a probe without an answer counts as taken: refusals are quick, and calls may take minutes."""
        return window.opened + self._windows.edge

    def _turn(self, lane: AdmissionLane, ahead: int, now: float) -> float:
        """When the turn comes, at the earliest, of one who has so many of its lane before it."""
        window = self._windows.current
        is_open = self._windows.is_open(now)
        if is_open and window.probing and now < self._probed(window):
            return self._probed(window)
        free = max(0, self._left(window)) if is_open else 0
        windows = _windows_until(ahead + self._before(lane), free, self._budget.full)
        if lane == "bulk":
            bulk = self._budget.bulk
            free_bulk = max(0, min(free, bulk - window.bulk)) if is_open else 0
            windows = max(windows, _windows_until(ahead, free_bulk, bulk))
        return self._windows.opening(max(1, windows), now)

    def _before(self, lane: AdmissionLane) -> int:
        """How many wait in the lanes that go first."""
        return sum(len(self._queues[other]) for other in _LANES[: _LANES.index(lane)])

    def _reset_at(self, now: float) -> datetime | None:
        end = self._windows.end(now)
        return None if end is None else datetime.fromtimestamp(end, UTC)

    def _wake(self, called: list[Ticket], now: float) -> None:
        """Ring the wakeup, the lock released; whoever cannot be reached any more gives its place to the next."""
        while called:
            next_called: list[Ticket] = []
            for ticket in called:
                try:
                    ticket.wake()
                except RuntimeError:
                    with self._lock:
                        next_called += self._leave(ticket, now, sent=False)
            called = next_called


def _windows_until(ahead: int, free: float, each: float) -> int:
    """How many windows must open before one's turn, with `free` places in the present one and `each` in the next."""
    return 0 if ahead < free else 1 + int((ahead - free) // each)
