"""A limiter as a pure object, and its callers."""

from __future__ import annotations

from random import Random

from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.in_process import Go, Late, Ticket, Wait
from trudy.rate_limit.limiter import RateLimitStatus, WindowLimiter

NOON = 1_800_000_000.0
"""A whole minute on the server's clock."""


class Crowd:
    """A limiter and its callers. The server's clock is `ahead` of ours; times here are the server's."""

    def __init__(self, rate_limit: RateLimit | None = None, *, ahead: float = 0.0, seed: int = 1) -> None:
        self.limiter = WindowLimiter(rate_limit, rng=Random(seed))
        self.ahead = ahead
        self.woken: list[Ticket] = []

    def know_clock(self, at: float, round_trip: float = 0.0) -> None:
        self.limiter.server_clock.observe(at, at - self.ahead, round_trip=round_trip)

    def join(self, lane: AdmissionLane = "interactive", **kwargs: float) -> Ticket:
        ticket = self.limiter.join(lane, lambda: self.woken.append(ticket), **kwargs)  # type: ignore[arg-type]
        return ticket

    def poll(self, ticket: Ticket, at: float) -> Go | Wait | Late:
        return self.limiter.poll(ticket, at - self.ahead)

    def goes(self, ticket: Ticket, at: float) -> bool:
        return isinstance(self.poll(ticket, at), Go)

    def turn(self, ticket: Ticket, at: float) -> float:
        verdict = self.poll(ticket, at)
        assert isinstance(verdict, Wait)
        return verdict.until + self.ahead

    def send(self, number: int, at: float, lane: AdmissionLane = "interactive") -> list[Ticket]:
        """Let so many through, and no fewer."""
        tickets = [self.join(lane) for _ in range(number)]
        assert all(self.goes(ticket, at) for ticket in tickets)
        return tickets

    def try_send(self, number: int, at: float, lane: AdmissionLane = "interactive") -> list[Ticket]:
        """Try it with so many; those that may not go leave. Returns those that went."""
        tickets = [self.join(lane) for _ in range(number)]
        gone = [ticket for ticket in tickets if self.goes(ticket, at)]
        for ticket in tickets:
            if ticket not in gone:
                self.limiter.leave(ticket, at - self.ahead)
        return gone

    def fill(self, at: float, lane: AdmissionLane = "interactive") -> int:
        """Send and accept for as long as anyone may go; returns how many went."""
        number = 0
        while gone := self.try_send(1000, at, lane):
            number += len(gone)
            self.accept(gone, at)
        return number

    def refuse(self, ticket: Ticket, at: float, reset_at: float | None, limit: int | None = None) -> None:
        self.limiter.refused(ticket, at - self.ahead, limit=limit, reset_at=reset_at, server_now=at)

    def accept(self, tickets: list[Ticket], at: float) -> None:
        for ticket in tickets:
            self.limiter.leave(ticket, at - self.ahead)

    def status(self, at: float) -> RateLimitStatus:
        return self.limiter.status(at - self.ahead)
