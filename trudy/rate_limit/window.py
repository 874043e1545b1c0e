"""When the rate windows open and close: the server's clock minutes, until a refusal says otherwise. Pure."""

from __future__ import annotations

from math import floor, inf
from random import Random

from attrs import define

from trudy.options import RateLimit
from trudy.rate_limit.server_clock import ServerClock

_BULK_SHARE = 0.75
_FORGET_CAP = 1 << 20


@define(eq=False)
class Window:
    """One window and what we did in it. Times are on the client's clock."""

    opened: float
    index: int | None
    """Its number on the server's grid; None while the server's clock is unknown."""
    whole: bool
    """Whether we watched it from its opening: of a window met half-way one cannot say who used it up."""
    probing: bool = False
    """Whether one request goes first, because the last opening was not to be trusted."""
    sent: int = 0
    bulk: int = 0
    refused: int = 0
    carried: int = 0
    """Requests of the window before that may have reached the server only in this one."""
    last_sent: float = 0.0
    closed_until: float | None = None
    """When the next one opens, after a refusal."""
    successor: int | None = None
    """The number of the one that opens then, where the refusal told."""
    floor: float = float("-inf")
    """No reset that a refusal tells is believed to be sooner than this."""
    guessed: bool = False
    """Whether `closed_until` is a back-off of our own."""

    def __attrs_post_init__(self) -> None:
        self.last_sent = self.opened

    @property
    def admitted(self) -> int:
        return self.sent - self.refused


class Budget:
    """The budget of one window.

    Where refusals show that others share the credential it falls to what was admitted; each clean window then
    gives some back, one at first and twice as much each time, so that steady neighbours cost a refusal every
    other window and departed ones a handful of windows.
    """

    __slots__ = ("_cap", "_explicit", "_stated", "_step")

    def __init__(self, explicit: RateLimit | None) -> None:
        self._explicit = explicit
        self._stated: int | None = None
        self._cap: int | None = None
        self._step = 1

    @property
    def explicit(self) -> RateLimit | None:
        return self._explicit

    @property
    def limit(self) -> int | None:
        """The lower of the caller's and the server's word; None while neither is known."""
        if self._explicit is None:
            return self._stated
        return self._explicit.limit if self._stated is None else min(self._explicit.limit, self._stated)

    @property
    def full(self) -> float:
        """Requests in one window; infinite while nothing is known."""
        limit = self.limit
        if self._cap is not None:
            return self._cap if limit is None else min(limit, self._cap)
        return inf if limit is None else limit

    @property
    def bulk(self) -> float:
        """The bulk lane's part of a window, at least 1."""
        full = self.full
        share = _BULK_SHARE if self._explicit is None else self._explicit.bulk_share
        return full if full == inf else max(1, int(full * share + 1e-9))

    def tighten(self, explicit: RateLimit) -> None:
        """Another client of the credential brought its own limit: the slower pace wins."""
        mine = self._explicit
        if mine is None or (explicit.limit / explicit.window, explicit.bulk_share) < (
            mine.limit / mine.window,
            mine.bulk_share,
        ):
            self._explicit = explicit

    def stated(self, limit: int) -> None:
        """The server named its limit."""
        if limit >= 1:
            self._stated = limit

    def settle(self, window: Window, *, idle: int) -> None:
        """A window is over, and `idle` more have passed unused: adapt to what it showed."""
        if window.refused:
            if window.admitted > 0 and (window.whole or self.limit is None):
                self._cap = window.admitted
                self._step = 1
            idle -= 1
        for _ in range(min(idle + 1, 32)):
            if self._cap is None:
                return
            self._cap += self._step
            self._step *= 2
            if self._cap >= (_FORGET_CAP if self.limit is None else self.limit):
                self._cap = None
                self._step = 1


MINUTE = 60.0

_EDGE_SHARE = 0.05
_EPSILON = 1e-5
_FAR = 10
_LONGEST = 600.0
_FIRST_FLOOR = 0.5
_SHORTEST_CAP = 2.0
_SET_BACK = 1.0
"""Threads may bring their `now` this much out of order; more, and the clock was set back."""


class Windows:
    """The present window, and when the next ones open. `now` is the client's clock throughout.

    Windows are aligned to the epoch of the server's clock. While that clock is unknown a window lasts one length
    from the last request sent in it, which no alignment can overshoot. After a refusal the next one opens at
    `reset_at`, whatever the grid says; a `reset_at` beside the grid moves the grid, unless it is merely one length
    ahead of the refusal, as some servers have it.
    """

    __slots__ = (
        "_anchor",
        "_backoffs",
        "_first_reset",
        "_latest",
        "_rng",
        "clock",
        "current",
        "length",
        "length_known",
    )

    def __init__(self, length: float | None, rng: Random) -> None:
        self.clock = ServerClock()
        self.length = MINUTE if length is None else length
        self.length_known = length is not None
        self.current = Window(opened=0.0, index=None, whole=False)
        self._anchor = 0.0
        self._backoffs = 0
        self._first_reset: tuple[float, Window] | None = None
        self._latest = float("-inf")
        self._rng = rng

    def set_length(self, length: float) -> None:
        """The caller says how long a window is; the present one is kept as if it had just been met."""
        self.length_known = True
        if length != self.length:
            self.length, self._anchor = length, 0.0
            self.current.index = None

    def guard(self, at: float) -> float:
        """How far to stay from an edge at moment `at`: as far as the clock is uncertain there."""
        return min(self.clock.width(at), self.edge)

    @property
    def edge(self) -> float:
        """The part of a window, in seconds, in which a request may slip over its edge."""
        return _EDGE_SHARE * self.length

    def near_end(self, now: float) -> bool:
        """Whether a request sent now may reach the server only in the next window."""
        window = self.current
        if not self.clock.known or window.index is None:
            return False
        return self._index(now + self.edge) > window.index

    def advance(self, now: float) -> tuple[Window, int] | None:
        """Open the next window if it is time; returns the one that ended and how many have passed unused."""
        if now < self._latest - _SET_BACK:
            self._shift(now - self._latest)
        self._latest = now
        window = self.current
        if window.closed_until is not None:
            if now + _EPSILON < window.closed_until:
                return None
            return self._open(now, self._successor(now) if self.clock.known else None)
        if not self.clock.known:
            window.index = None
            over = window.sent > 0 and now + _EPSILON >= window.last_sent + self.length
            return self._open(now, None) if over else None
        index = self._index(now)
        if window.index is None:
            # What left shortly before an edge may have arrived after it.
            window.index = min(index, self._index(window.last_sent + self.edge)) if window.sent else index
        if index < window.index - 1:
            window.index = index
        if index > window.index and now + _EPSILON >= self._opens(index):
            return self._open(now, index)
        return None

    def is_open(self, now: float) -> bool:
        """Whether a request sent now counts in the present window."""
        window = self.current
        if window.closed_until is not None:
            return False
        return not self.clock.known or window.index is None or now + _EPSILON < self._closes(window.index)

    def is_over(self, now: float) -> bool:
        """Whether the present window has ended, though the next may not be open yet."""
        window = self.current
        if window.closed_until is not None or not self.clock.known or window.index is None:
            return False
        return self._index(now) > window.index

    def opening(self, ahead: int, now: float) -> float:
        """When the window `ahead` of the present one opens, guard included; 1 is the next."""
        window = self.current
        if not self.clock.known or (window.index is None and window.closed_until is None):
            first = window.last_sent + self.length if window.closed_until is None else window.closed_until
            return first + (ahead - 1) * self.length
        if window.closed_until is None:
            return self._opens(max((window.index or 0) + 1, self._index(now)) + ahead - 1)
        if ahead == 1:
            return window.closed_until
        return self._opens(self._successor(window.closed_until) + ahead - 1)

    def end(self, now: float) -> float | None:
        """When the present window ends on the server's clock; None while it is unknown."""
        window = self.current
        if window.closed_until is not None:
            return window.closed_until + self.clock.offset
        if not self.clock.known:
            return None
        return self._start(max(self._index(now), window.index or 0) + 1)

    def close(self, now: float, *, reset_at: float | None, server_now: float | None, retry_after: float | None) -> None:
        """A request of the present window was refused: shut until the reset, the earliest told if there are several.

        Without a reset to be believed, shut for a back-off drawn from a growing range.
        """
        window = self.current
        reset = self._reset(now, reset_at=reset_at, server_now=server_now, retry_after=retry_after)
        if reset is None:
            if window.closed_until is None:
                reach = min(self.length, self.length / 60 * 2.0**self._backoffs)
                self._backoffs = min(self._backoffs + 1, 16)
                window.closed_until = now + self._rng.uniform(0.0, reach)
                window.guessed = True
        elif window.closed_until is None or window.guessed or reset[0] < window.closed_until:
            until, window.successor = reset
            if window.probing and window.closed_until is None:
                # The window before took nothing either: whatever the server says, do not run against the door.
                window.floor = now + min(_FIRST_FLOOR * 2.0**self._backoffs, max(self.length, _SHORTEST_CAP))
                self._backoffs = min(self._backoffs + 1, 16)
            window.closed_until = max(until, window.floor)
            window.guessed = False

    def trust(self) -> None:
        """A request of the present window was taken: no more need to feel the way."""
        self.current.probing = False
        self._backoffs = 0

    def _open(self, now: float, index: int | None) -> tuple[Window, int]:
        last = self.current
        shut_out = last.refused > 0 and last.admitted <= 0
        self.current = Window(opened=now, index=index, whole=True, probing=last.guessed or shut_out)
        skipped = 0 if index is None or last.index is None else max(0, index - last.index - 1)
        return last, skipped

    def _shift(self, by: float) -> None:
        """Our own clock was set back: so is whatever we noted on it."""
        window = self.current
        window.opened += by
        window.last_sent += by
        if window.closed_until is not None:
            window.closed_until += by
        self.clock.shift(by)

    def _successor(self, at: float) -> int:
        """The number of the window that begins when a closed one reopens at moment `at`."""
        index = self._index(at)
        return index if self.current.successor is None else max(index, self.current.successor)

    def _reset(
        self, now: float, *, reset_at: float | None, server_now: float | None, retry_after: float | None
    ) -> tuple[float, int | None] | None:
        """When the budget is fresh, on our clock, and the number of the window it opens; None if it makes no sense."""
        here = server_now if server_now is not None else now + self.clock.offset
        if reset_at is None:
            if retry_after is None:
                return None
            reset_at = here + retry_after
        wait = reset_at - here
        if not 0.0 < wait <= max(_FAR * self.length, _LONGEST):
            return None
        if not self.clock.known or (server_now is not None and not self.clock.agrees(server_now, now)):
            return now + wait, None
        reset_at, index = self._fit_grid(reset_at, wait)
        until = reset_at - self.clock.offset
        until += self.guard(until)
        return (until if server_now is None else min(until, now + reset_at - here)), index

    def _fit_grid(self, reset_at: float, wait: float) -> tuple[float, int]:
        """Learn from a believable reset where the windows lie; returns it, moved onto an edge it just misses."""
        self._learn_length(reset_at, wait)
        index, miss = self._nearest_edge(reset_at)
        if abs(miss) <= self._near:
            return max(reset_at, reset_at - miss), index
        if wait < self.length - self._near:
            self._anchor = reset_at % self.length
        return reset_at, self._index_of(reset_at)

    def _learn_length(self, reset_at: float, wait: float) -> None:
        """Nobody told us how long a window is: a minute if the reset lies on one, else the time between two resets."""
        if self.length_known:
            return
        if self._first_reset is None:
            if wait >= self.length - self._near or abs(self._nearest_edge(reset_at)[1]) <= self._near:
                self.length_known = True
            else:
                self._first_reset = reset_at, self.current
            return
        since = reset_at - self._first_reset[0]
        if self._first_reset[1] is not self.current and _EPSILON < since < self.length:
            self.length = since
            self._anchor = reset_at % since
            self.length_known = True

    def _nearest_edge(self, server_time: float) -> tuple[int, float]:
        """The number of the window that opens nearest to a moment, and how much later than its opening that is."""
        index = round((server_time - self._anchor) / self.length)
        return index, server_time - self._start(index)

    @property
    def length_wanted(self) -> bool:
        """Whether one more refusal would tell how long a window is."""
        return not self.length_known and self._first_reset is not None

    @property
    def _near(self) -> float:
        return min(1.0, self.edge)

    def _index(self, at: float) -> int:
        return self._index_of(at + self.clock.offset)

    def _index_of(self, server_time: float) -> int:
        return floor((server_time - self._anchor + _EPSILON) / self.length)

    def _start(self, index: int) -> float:
        return self._anchor + index * self.length

    def _opens(self, index: int) -> float:
        edge = self._start(index) - self.clock.offset
        return edge + self.guard(edge)

    def _closes(self, index: int) -> float:
        edge = self._start(index + 1) - self.clock.offset
        return edge - self.guard(edge)
