"""What the processes of a fleet share about one rate limit, and what each request does to it. Pure.

Times are the database's clock in Unix seconds, unless marked otherwise. Windows are aligned to the server's clock, from
which the database's differs by an offset between two bounds, learned from refusals.
"""

from __future__ import annotations

from math import floor
from typing import Final

from attrs import define, evolve, field, frozen

from trudy.options import RateLimit
from trudy.rate_limit.protocol import RateLimitFacts

_EDGE_SHARE: Final = 0.05
_LONGEST_EDGE: Final = 3.0
"""The part of a window, and the seconds, for which a request may be under way. More counts more requests in two
windows, less lets one arrive where it was not counted."""
_DRIFT: Final = 1e-4
"""Seconds by which two clocks may drift apart each second: as for the limiter of one process."""
_FURTHEST: Final = 10
"""Windows ahead up to which a reset is believed. More would wait for a wrong time; fewer would ignore a real one."""
_LONGEST: Final = 600.0
"""Seconds ahead up to which a reset is believed even if windows are short."""
_QUICK: Final = 2.0
"""Seconds, and at most a thirtieth of a window, in which a refusal comes: where no limit is known, the next request
waits so long for the answer to the last. Longer is slower while calls ring, shorter may meet two refusals."""
_POLL: Final = 0.05
"""Seconds after which that is looked at again, as another process may have had the answer. Shorter asks the database
more often, longer wastes time while the limit is learned."""
_REGROWTH: Final = 4
"""Windows in which a budget that others used a part of grows back. More leaves budget unused, fewer costs refusals."""
_KEPT: Final = 3
"""Windows that are kept after their end. More makes the table larger, for nothing but a look at it."""
_EPSILON: Final = 1e-5


@frozen
class SharedLimit:
    """What is known of the server: a row of the table of limits, in the order of its columns.

    Attributes:
        stated: the limit that its last refusal named.
        cap: what a window took when it was refused before the limit was used up, since others use the credential too.
        capped_at: the start of that window, on the server's clock.
        phase: seconds by which windows begin after whole multiples of their length.
        low, high: bounds of the server's clock minus the database's.
        learned_at: when the bounds were learned; None before the first refusal.
        closed_until: nothing is sent before.
    """

    stated: int | None = None
    cap: int | None = None
    capped_at: float = 0.0
    phase: float = 0.0
    low: float = 0.0
    high: float = 0.0
    learned_at: float | None = None
    closed_until: float = 0.0


@define
class SharedWindow:
    """What all processes sent in one window: a row of the table of windows, in the order of its columns.

    A request that may arrive in two windows counts in both.
    """

    sent: int = 0
    bulk: int = 0
    answered: int = 0
    refused: int = 0
    last_sent: float = 0.0


@frozen(kw_only=True)
class TakenPlace:
    """A place: the starts of the windows it counts in, on the server's clock, and when it was given."""

    starts: tuple[float, ...]
    at: float
    is_bulk: bool


@frozen(kw_only=True)
class Closed:
    """No place before `opens`."""

    opens: float


def edge_of(pace: RateLimit) -> float:
    """Seconds for which a request may be under way before the server counts it."""
    return min(_EDGE_SHARE * pace.window, _LONGEST_EDGE)


@define(kw_only=True)
class Fleet:
    """One limit at one moment: read from the database under a lock, changed, and written back.

    `windows` holds those that a request of now may count in; others are asked for by `window`.
    """

    pace: RateLimit
    """What this process was given; the default where it was given none."""
    is_given: bool
    """Whether the caller knows the limit."""
    now: float
    limit: SharedLimit
    windows: dict[float, SharedWindow] = field(factory=dict[float, SharedWindow])

    @property
    def full(self) -> int:
        """Requests in one window, of all lanes and processes."""
        known = [self.pace.limit] if self.is_given or self.limit.stated is None else []
        known += [bound for bound in (self.limit.stated, self.cap) if bound is not None]
        return max(1, int(min(known)))

    @property
    def learns(self) -> bool:
        """Whether neither the caller nor the server has said what the limit is."""
        return not self.is_given and self.limit.stated is None

    @property
    def cap(self) -> int | None:
        """What others left of a window lately; it grows back."""
        limit = self.limit
        if limit.cap is None:
            return None
        passed = (self.now + limit.low - limit.capped_at) / self.pace.window - 1
        stated = self.pace.limit if limit.stated is None else limit.stated
        return limit.cap + int(max(0.0, floor(passed)) * max(1, stated // _REGROWTH))

    @property
    def full_bulk(self) -> int:
        """The bulk lane's part of a window, at least 1."""
        return max(1, int(self.full * self.pace.bulk_share + 1e-9))

    @property
    def edge(self) -> float:
        """Seconds for which a request may be under way before the server counts it."""
        return edge_of(self.pace)

    @property
    def starts(self) -> tuple[float, ...]:
        """The windows in which a request that is sent now may arrive, on the server's clock."""
        low, high = self._bounds()
        first, last = self._start(self.now + low), self._start(self.now + high + self.edge)
        return (first,) if first == last else (first, last)

    @property
    def reset_at(self) -> float:
        """When the present window ends, on the server's clock."""
        low, high = self._bounds()
        if self.limit.closed_until > self.now:
            return self.limit.closed_until + (low + high) / 2
        return self._start(self.now + (low + high) / 2) + self.pace.window

    def take(self, *, bulk: bool) -> TakenPlace | Closed:
        """A place for a request that is sent without delay, or when to ask again."""
        if self.now < self.limit.closed_until:
            return Closed(opens=self.limit.closed_until)
        starts = self.starts
        windows = [self.window(start) for start in starts]
        for start, window in zip(reversed(starts), reversed(windows), strict=True):
            if window.sent >= self.full or (bulk and window.bulk >= self.full_bulk):
                return Closed(opens=start + self.pace.window - self._bounds()[0])
        if self.learns:
            window = windows[-1]
            quick = min(_QUICK, self.pace.window / 30)
            if window.sent > window.answered and self.now < window.last_sent + quick:
                return Closed(opens=min(self.now + min(_POLL, quick), window.last_sent + quick))
        for window in windows:
            window.sent += 1
            window.bulk += bulk
            window.last_sent = self.now
        return TakenPlace(starts=starts, at=self.now, is_bulk=bulk)

    def give_back(self, taken: TakenPlace) -> None:
        """Nothing was sent: the place is free again, in its own windows and no other."""
        for start in taken.starts:
            window = self.window(start)
            window.sent = max(0, window.sent - 1)
            window.bulk = max(0, window.bulk - taken.is_bulk)

    def answered(self, starts: tuple[float, ...], number: int = 1) -> None:
        """So many requests have ended, with an answer or without one."""
        for start in starts:
            self.window(start).answered += number

    def refused(self, taken: TakenPlace, facts: RateLimitFacts) -> None:
        """A 429: all keep away until the reset, and take the limit it states."""
        server_now = None if facts.server_time is None else facts.server_time.timestamp()
        if facts.limit is not None and facts.limit >= 1:
            self.limit = evolve(self.limit, stated=facts.limit)
        is_present = taken.starts[-1] >= self.starts[0]
        if server_now is not None:
            self._learn(server_now, taken.at, 0.0 if facts.server_time and facts.server_time.microsecond else 1.0)
        self.answered(taken.starts)
        window = self.window(taken.starts[-1])
        window.refused += 1
        if not is_present:
            return  # of a window that is over: it says nothing about the present one
        here = self.now + self._bounds()[0] if server_now is None else server_now
        reset_at = None if facts.reset_at is None else facts.reset_at.timestamp()
        wait = facts.retry_after if reset_at is None else reset_at - here
        is_told = wait is not None and 0 < wait <= max(_FURTHEST * self.pace.window, _LONGEST)
        if not is_told or wait is None:
            wait = self._start(self.now + self._bounds()[1]) + self.pace.window - here  # to the end of the window
        elif reset_at is not None:
            wait += self._learn_phase(reset_at, wait)
        is_closed, until = self.limit.closed_until > self.now, self.now + wait
        self.limit = evolve(self.limit, closed_until=min(until, self.limit.closed_until) if is_closed else until)
        took = window.sent - window.refused
        if is_told and not is_closed and 0 < took < self.full * (1 - _EDGE_SHARE):
            self.limit = evolve(self.limit, cap=took, capped_at=taken.starts[-1])

    def window(self, start: float) -> SharedWindow:
        """What was sent in a window."""
        return self.windows.setdefault(start, SharedWindow())

    @property
    def kept(self) -> dict[float, SharedWindow]:
        """The windows to write back: those near the present. Others are over, or of a clock that was wrong."""
        present, length = self.starts, self.pace.window
        return {
            start: window
            for start, window in sorted(self.windows.items())
            if present[0] - _KEPT * length <= start <= present[-1] + length
        }

    def _learn(self, server_now: float, sent_at: float, granularity: float) -> None:
        """The server read its clock after the request was sent, and before now."""
        low, high = server_now - self.now, server_now - sent_at + granularity
        old_low, old_high = self._bounds()
        if max(low, old_low) <= min(high, old_high):
            low, high = max(low, old_low), min(high, old_high)
        else:
            self.windows.clear()  # their numbers were wrong
        if high - low > 2 * self.edge:
            return  # the answer came late: it shows too little
        self.limit = evolve(self.limit, low=low, high=high, learned_at=self.now)

    def _learn_phase(self, reset_at: float, wait: float) -> float:
        """Learn where windows begin from a reset; returns seconds to wait longer, where it nearly is such a moment."""
        length, near = self.pace.window, min(1.0, self.edge)
        if wait >= length - near:
            return 0.0  # one length after the refusal shows nothing: some servers always send that
        miss = (reset_at + length / 2) % length - length / 2
        self.limit = evolve(self.limit, phase=0.0 if abs(miss) <= near else miss % length)
        return max(0.0, -miss) if abs(miss) <= near else 0.0

    def _bounds(self) -> tuple[float, float]:
        """Bounds of the offset now, no further apart than two edges."""
        limit = self.limit
        if limit.learned_at is None:
            return -self.edge / 2, self.edge / 2
        middle, width = (limit.low + limit.high) / 2, (limit.high - limit.low) / 2
        width = min(width + abs(self.now - limit.learned_at) * _DRIFT, self.edge)
        return middle - width, middle + width

    def _start(self, server_time: float) -> float:
        length, phase = self.pace.window, self.limit.phase
        return round(floor((server_time - phase + _EPSILON) / length) * length + phase, 6)
