"""Servers that limit requests in many ways, and callers that go through a limiter, on a clock that jumps."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from math import floor, inf
from random import Random
from typing import Protocol

from attrs import define, field, frozen

from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.in_process import Go, Late, Ticket, Wait
from trudy.rate_limit.limiter import WindowLimiter

START = 1_800_000_007.25


@frozen
class Refusal:
    """What a 429 says."""

    limit: int | None = None
    reset_at: float | None = None
    retry_after: float | None = None


class Server(Protocol):
    def answer(self, now: float) -> Refusal | None:
        """None: taken."""
        ...


Says = Callable[[int, float, float], Refusal]
"""What a refusal says, from the limit, the present time and the true moment of the next free place."""


def truth(limit: int, now: float, free: float) -> Refusal:
    return Refusal(limit, free)


SAYINGS: dict[str, Says] = {
    "the truth": truth,
    "a minute from now": lambda limit, now, free: Refusal(limit, now + 60),
    "nothing": lambda limit, now, free: Refusal(),
    "the limit only": lambda limit, now, free: Refusal(limit),
    "the reset only": lambda limit, now, free: Refusal(None, free),
    "whole seconds": lambda limit, now, free: Refusal(limit, None, float(int(free - now) + 1)),
    "always one second": lambda limit, now, free: Refusal(limit, None, 1.0),
    "soon": lambda limit, now, free: Refusal(limit, now + 0.01),
    "the past": lambda limit, now, free: Refusal(limit, now - 30),
    "never": lambda limit, now, free: Refusal(limit, now + 1e9),
    "ten minutes": lambda limit, now, free: Refusal(limit, now + 600),
}


@define(eq=False)
class FixedWindow:
    """So many in each minute of its clock."""

    limit: Callable[[float], int]
    says: Says = truth
    length: float = 60.0
    _counts: Counter[int] = field(factory=Counter)

    def answer(self, now: float) -> Refusal | None:
        index, limit = floor(now / self.length), self.limit(now)
        if self._counts[index] < limit:
            self._counts[index] += 1
            return None
        return self.says(limit, now, (index + 1) * self.length)


def changing(limit: int, says: Says = truth, *, period: float, shift: float = 0.0) -> FixedWindow:
    """Takes one a minute and the whole limit, by turns of `period` seconds."""
    return FixedWindow(lambda now: limit if int((now + shift) / period) % 2 else 1, says)


@define(eq=False)
class FromTheFirst:
    """A window begins with the first request after the last one."""

    limit: int
    says: Says = truth
    length: float = 60.0
    _began: float = -inf
    _count: int = 0

    def answer(self, now: float) -> Refusal | None:
        if now >= self._began + self.length:
            self._began, self._count = now, 0
        if self._count < self.limit:
            self._count += 1
            return None
        return self.says(self.limit, now, self._began + self.length)


@define(eq=False)
class SlidingWindow:
    """So many in any minute."""

    limit: int
    says: Says = truth
    length: float = 60.0
    _taken: list[float] = field(factory=list)

    def answer(self, now: float) -> Refusal | None:
        del self._taken[: bisect_right(self._taken, now - self.length)]
        if len(self._taken) < self.limit:
            self._taken.append(now)
            return None
        return self.says(self.limit, now, self._taken[0] + self.length)


@define(eq=False)
class Processes:
    """Several that count each for itself behind a balancer that chooses at random."""

    each: Sequence[Server]
    rng: Random

    def answer(self, now: float) -> Refusal | None:
        return self.rng.choice(self.each).answer(now)


@define(eq=False)
class Neighbours:
    """Others send through the same key at a steady pace, whether we do or not."""

    server: Server
    every: float
    _last: float = START

    def answer(self, now: float) -> Refusal | None:
        while self._last + self.every <= now:
            self._last += self.every
            self.server.answer(self._last)
        return self.server.answer(now)


@define(eq=False)
class Down:
    """Refuses all until a moment, then asks another."""

    until: float
    says: Refusal
    then: Server

    def answer(self, now: float) -> Refusal | None:
        return self.says if now < self.until else self.then.answer(now)


@define(eq=False)
class Caller:
    lane: AdmissionLane
    gives_up: float
    ticket: Ticket | None = None
    alarm: float = inf
    left_at: float = 0.0


@define(eq=False, slots=False)
class Crowd:
    """Callers, each with one request to be taken; those refused come again to their old place, as the client does."""

    server: Server
    rate_limit: RateLimit | None = None
    seed: int = 1
    latency: tuple[float, float] = (0.02, 0.15)
    tells_time: bool = True
    now: float = START
    skew: float = -1_799_000_000.0
    """Our monotonic clock minus the server's."""
    done: list[float] = field(factory=list)
    went: list[AdmissionLane] = field(factory=list)
    """The lanes of those that were taken, in order."""
    refused: list[float] = field(factory=list)
    gave_up: int = 0

    def __attrs_post_init__(self) -> None:
        self.limiter = WindowLimiter(self.rate_limit, rng=Random(self.seed))
        self.rng = Random(self.seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._open = 0

    @property
    def sent(self) -> list[float]:
        """When requests reached the server."""
        return sorted(self.done + self.refused)

    @property
    def seconds(self) -> float:
        return max(self.done, default=START) - START

    def most_refused_within(self, seconds: float) -> int:
        times = sorted(self.refused)
        return max((bisect_right(times, t + seconds) - i for i, t in enumerate(times)), default=0)

    def come(
        self,
        number: int,
        *,
        at: float = 0.0,
        every: float = 0.0,
        lane: AdmissionLane = "interactive",
        patience: float = inf,
    ) -> None:
        """So many callers, `at` seconds from now, `every` so many seconds."""
        for index in range(number):
            moment = self.now + at + every * index
            caller = Caller(lane, moment + patience)
            self._open += 1
            self._at(moment, partial(self._join, caller, None))

    def run(self, seconds: float) -> Crowd:
        """Until all are through, at most so long."""
        end = self.now + seconds
        while self._open and self._events and self._events[0][0] <= end:
            moment, _, event = heapq.heappop(self._events)
            self.now = max(self.now, moment)
            event()
        if self._open:
            self.now = end
        return self

    def _at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), event))

    @property
    def _ours(self) -> float:
        return self.now + self.skew

    def _join(self, caller: Caller, place: int | None) -> None:
        caller.ticket = self.limiter.join(
            caller.lane,
            lambda: self._at(self.now, lambda: self._poll(caller)),
            until=caller.gives_up + self.skew,
            place=place,
        )
        self._poll(caller)

    def _poll(self, caller: Caller) -> None:
        ticket = caller.ticket
        if ticket is None:
            return
        match self.limiter.poll(ticket, self._ours):
            case Late():
                caller.ticket, self.gave_up, self._open = None, self.gave_up + 1, self._open - 1
            case Wait(until):
                assert until > self._ours, "a busy loop"
                if until != caller.alarm:
                    caller.alarm = until
                    self._at(until - self.skew, lambda: self._alarm(caller, until))
            case Go():
                caller.ticket, caller.alarm, caller.left_at = None, inf, self._ours
                self._at(self.now + self.rng.uniform(*self.latency) / 2, lambda: self._arrive(caller, ticket))

    def _alarm(self, caller: Caller, until: float) -> None:
        if caller.alarm == until:
            caller.alarm = inf
            self._poll(caller)

    def _arrive(self, caller: Caller, ticket: Ticket) -> None:
        refusal = self.server.answer(self.now)
        (self.done if refusal is None else self.refused).append(self.now)
        stamp = self.now
        self._at(self.now + self.rng.uniform(*self.latency) / 2, lambda: self._return(caller, ticket, refusal, stamp))

    def _return(self, caller: Caller, ticket: Ticket, refusal: Refusal | None, stamp: float) -> None:
        now = self._ours
        if self.tells_time:
            self.limiter.server_clock.observe(stamp, now, round_trip=now - caller.left_at)
        if refusal is None:
            self._open -= 1
            self.went.append(caller.lane)
            self.limiter.leave(ticket, now)
            return
        self.limiter.refused(
            ticket,
            now,
            limit=refusal.limit,
            reset_at=refusal.reset_at,
            server_now=stamp if self.tells_time else None,
            retry_after=refusal.retry_after,
        )
        self.limiter.leave(ticket, now)
        self._join(caller, ticket.place)
