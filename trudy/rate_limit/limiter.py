"""The rate limiter: which request of a credential may be sent now, and when the others may. No I/O, no event loop.

Each ticket holds a function that wakes its task from any thread, so the limiter serves threads and event loops. `now`
is always monotonic seconds, so that nobody waits longer because a clock is set back or stopped; the offset of the
server's clock is learned from the answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from math import inf
from random import Random, SystemRandom
from typing import Final

from attrs import frozen

from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.budget import Budget
from trudy.rate_limit.in_process import At, Go, Late, Ticket, TicketQueue, Wait
from trudy.rate_limit.server_clock import ClockEstimate
from trudy.rate_limit.window import Windows, doublings

_LANES: Final[tuple[AdmissionLane, ...]] = ("reconcile", "interactive", "bulk")
"""In the order in which they go."""
_HEAD: Final = 8
"""Tickets at the head of a queue that are woken when their turn comes earlier than they were told. More wakes tasks for
nothing; fewer leaves all asleep if the loops of the first are blocked."""
_WORTH_WAKING: Final = 0.005
"""The part of a window by which a turn must come earlier for its ticket to be woken, since each answer moves turns a
little. Less wakes for nothing; more sleeps past a turn."""


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


_GO: Final = Go()


class WindowLimiter:
    """Admits requests in order, lane before lane, as many in a window as the server takes."""

    def __init__(self, rate_limit: RateLimit | None = None, *, rng: Random | None = None) -> None:
        window = (rate_limit or RateLimit()).window
        self.server_clock = ClockEstimate(window)
        self._lock = threading.Lock()
        self._places = count()
        self._budget = Budget(rate_limit)
        self._windows = Windows(window, rng or SystemRandom(), self.server_clock)
        self._queues: dict[AdmissionLane, TicketQueue[Ticket]] = {lane: TicketQueue() for lane in _LANES}
        self._late: list[Ticket] = []

    def join(
        self, lane: AdmissionLane, wake: Callable[[], None], *, until: float | None = None, place: int | None = None
    ) -> Ticket:
        """A ticket at the end of the lane, or at the `place` of a refused one.

        `wake` is called from any thread, perhaps more than once, when polling earlier than told makes sense; if it
        raises RuntimeError, since its loop is closed, the next ticket gets the place. A turn after `until` is `Late`.
        """
        return Ticket(next(self._places) if place is None else place, lane, wake, until)

    def poll(self, ticket: Ticket, now: float) -> Go | Wait | Late:
        """Whether it is this ticket's turn. `Go` comes once; the request must then be sent without delay."""
        with self._lock:
            verdict, called = self._poll(ticket, now)
        if called:
            self._wake(called, now)
        return verdict

    def leave(self, ticket: Ticket, now: float, *, sent: bool = True, answered: bool = True) -> None:
        """End a ticket, in any state; a second time does nothing.

        Its place in the queue is freed. Its place in the window is given back if nothing was sent: it never got `Go`,
        or `sent=False`, which needs proof, since the server may have counted what may have reached it. `answered`: the
        server let the request in.
        """
        with self._lock:
            called = self._leave(ticket, now, sent=sent, answered=answered)
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
        """The ticket's request met a 429. Times are the server's (Unix seconds), `retry_after` is in seconds.

        The refusal of a request that was sent in an earlier window says nothing about the present one.
        """
        with self._lock:
            called: list[Ticket] = []
            if ticket.at is At.SENT:
                ticket.at = At.OUTSIDE
                self._windows.log.discard(ticket.sent_at, bulk=ticket.lane == "bulk")
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

    def tighten(self, rate_limit: RateLimit) -> None:
        """Take another limit for the credential: the slower pace holds for all."""
        with self._lock:
            self._budget.tighten(rate_limit)
            explicit = self._budget.explicit
            if explicit is not None:
                self._windows.set_length(explicit.window)
                self.server_clock.window = explicit.window

    def status(self, now: float) -> RateLimitStatus:
        """The limit, what is used, and how many wait."""
        with self._lock:
            self._advance(now)
            used = 0 if self._windows.is_over(now) else self._windows.used(now)
            waiting = sum(map(len, self._queues.values()))
            return RateLimitStatus(limit=self._budget.limit, used=used, reset_at=self._reset_at(now), waiting=waiting)

    def after_fork(self) -> None:
        """In a forked child: threads of the parent that hold the lock or wait are not here."""
        self._lock = threading.Lock()
        self._queues = {lane: TicketQueue() for lane in _LANES}
        self._late = []

    def _poll(self, ticket: Ticket, now: float) -> tuple[Go | Wait | Late, list[Ticket]]:
        if ticket.at is At.SENT:
            raise RuntimeError("this ticket has gone already")
        self._advance(now)
        if ticket.at is At.CALLED and (ticket.window is not self._windows.current or not self._windows.is_open(now)):
            # The window closed after the ticket was called: it keeps its place in the queue and waits again.
            self._give_back(ticket)
        if ticket.at is not At.CALLED:
            queue = self._queues[ticket.lane]
            if queue or self._free(ticket.lane, now) <= 0:
                queue.add(ticket)
                ticket.at = At.QUEUE
            else:
                self._admit(ticket, now)
        called: list[Ticket] = []
        if ticket.at is At.QUEUE:
            ticket.told = None
            called = self._call_next(now)
        if ticket.at is At.CALLED:
            ticket.at = At.SENT
            if ticket in called:
                called.remove(ticket)
            return _GO, called
        turn = self._turn(ticket.lane, self._queues[ticket.lane].ahead_of(ticket), now)
        if ticket.until is not None and turn > ticket.until:
            reset_at = self._reset_at(now)
            return Late(turn, self._budget.limit, reset_at), called + self._leave(ticket, now, sent=False)
        ticket.told = turn
        return Wait(turn), called

    def _leave(self, ticket: Ticket, now: float, *, sent: bool, answered: bool = False) -> list[Ticket]:
        was, ticket.at = ticket.at, At.OUTSIDE
        if was is At.OUTSIDE:
            return []
        if was is At.QUEUE:
            self._queues[ticket.lane].discard(ticket)
        elif was is At.CALLED or not sent:
            self._give_back(ticket)
        elif answered and ticket.window is not None:
            ticket.window.accepted += 1
            ticket.window.beyond_accepted += ticket.is_beyond
        return self._call_next(now)

    def _advance(self, now: float) -> None:
        ended = self._windows.advance(now)
        if ended is None:
            return
        window, idle = ended
        full = self._budget.full
        self._budget.settle(window, idle=idle, admitted=self._windows.admitted_in(window, now))
        self._windows.judge(window, full)
        opened = self._windows.current
        opened.tries_more = self._budget.is_tried
        crossing = [ticket for ticket in self._late if ticket.at is At.SENT and ticket.window is window]
        opened.carried = len(crossing) if idle == 0 else 0
        self._late.clear()

    def _call_next(self, now: float) -> list[Ticket]:
        """Give the free budget to the first in each queue; returns the tickets to wake."""
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
        """Tickets at the head that would sleep past their turn, since others left or the window opens earlier now.

        Several and not one: the first that wakes calls all whose turn it is, but its loop may be blocked.
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
        window, is_bulk = self._windows.current, ticket.lane == "bulk"
        ticket.is_beyond = self._windows.surely_used(now) >= self._budget.full
        if ticket.is_beyond:
            window.beyond += 1
            window.tried_at = window.tried_at or now
        window.sent += 1
        window.bulk += is_bulk
        self._windows.log.add(now, bulk=is_bulk, span=self._windows.span)
        ticket.window, ticket.sent_at = window, now
        ticket.at = At.CALLED
        if self._windows.near_end(now):
            self._late.append(ticket)

    def _give_back(self, ticket: Ticket) -> None:
        window, is_bulk = ticket.window, ticket.lane == "bulk"
        if window is not None:
            window.sent -= 1
            window.bulk -= is_bulk
            window.beyond -= ticket.is_beyond
            self._windows.log.discard(ticket.sent_at, bulk=is_bulk)
        ticket.window = None
        ticket.at = At.OUTSIDE

    def _free(self, lane: AdmissionLane, now: float) -> float:
        """How many of a lane may go now."""
        window = self._windows.current
        if self._budget.full == inf and window.closed_until is None and not window.careful:
            return inf  # no limit is known, so there is no edge to keep away from
        if not self._windows.is_open(now) or self._before(lane):
            return 0
        free = min(self._left(now), self._dared(now))
        return min(free, self._left_for_bulk(now)) if lane == "bulk" else free

    def _left(self, now: float) -> float:
        """What is left of the present window's budget."""
        window, full = self._windows.current, self._budget.full
        left = max(full - window.carried, 1) - self._windows.used(now)
        if not window.tries_more:
            return left
        more = 1 if window.tried_at is None else doublings(window.tried_at, now, self._windows.edge)
        # Requests beyond the limit may arrive first: they prove nothing before a whole limit of others was let in.
        proved = max(0, min(window.beyond_accepted, window.accepted - int(full)))
        return min(left + more + proved, self._budget.ceiling - self._windows.used(now))

    def _left_for_bulk(self, now: float) -> float:
        """What is left of the bulk lane's share."""
        budget = self._budget
        share = budget.most_bulk if self._windows.current.tries_more else budget.bulk
        return share - self._windows.used(now, bulk=True)

    def _dared(self, now: float) -> float:
        """How many more may go before others are answered; those not refused for a while count as taken.

        A refusal comes quickly, while a call may be answered after minutes.
        """
        window = self._windows.current
        if not window.careful:
            return inf
        return doublings(window.opened, now, self._windows.edge) + 2 * window.accepted - window.sent

    def _turn(self, lane: AdmissionLane, ahead: int, now: float) -> float:
        """When the turn of a ticket comes at the earliest, which has `ahead` tickets of its lane before it."""
        windows = self._windows
        window, is_open = windows.current, windows.is_open(now)
        before = ahead + self._before(lane)
        left = self._left(now) if is_open else 0
        turn = self._turn_in(before, left, self._budget.full, now)
        if lane == "bulk":
            free = min(left, self._left_for_bulk(now)) if is_open else 0
            turn = max(turn, self._turn_in(ahead, free, self._budget.bulk, now, bulk=True))
        if is_open and ((window.careful and before < left) or window.tries_more):
            # The next doubling may make room for it.
            since = window.opened if window.careful else window.tried_at or now
            next_doubling = since + windows.edge * (1 + int((now - since) / windows.edge + 1e-5))
            turn = min(turn, next_doubling) if turn > now else next_doubling
        return turn

    def _turn_in(self, ahead: int, free: float, each: float, now: float, *, bulk: bool = False) -> float:
        """When a ticket goes that has `ahead` before it, with `free` places now and `each` in a window."""
        windows = self._windows
        if windows.current.closed_until is None and not windows.on_grid:
            if ahead < free:
                return now
            return windows.log.frees(int(ahead - free) + 1, now, windows.span, each, bulk=bulk)
        return windows.opening(max(1, 0 if ahead < free else 1 + int((ahead - max(0, free)) // each)), now)

    def _before(self, lane: AdmissionLane) -> int:
        """How many wait in the lanes that go first."""
        return sum(len(self._queues[other]) for other in _LANES[: _LANES.index(lane)])

    def _reset_at(self, now: float) -> datetime | None:
        end = self._windows.end(now)
        return None if end is None else datetime.fromtimestamp(end, UTC)

    def _wake(self, called: list[Ticket], now: float) -> None:
        """Wake them, without the lock; if a loop is closed, the next ticket gets the place."""
        while called:
            next_called: list[Ticket] = []
            for ticket in called:
                try:
                    ticket.wake()
                except RuntimeError:
                    with self._lock:
                        next_called += self._leave(ticket, now, sent=False)
            called = next_called
