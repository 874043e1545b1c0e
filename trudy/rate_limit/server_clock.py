"""Where the server's clock stands, seen from ours: bounds of the offset, learned from the answers."""

from __future__ import annotations

_DRIFT = 1e-4
"""Seconds a second by which two clocks may run apart; ten times what a bad quartz does."""

_TWO_HOSTS = 0.25
"""Servers behind one name may differ by this much and still count as one clock."""

_WIDEST = 1.25
"""Wider bounds than this are not kept: a coarse `Date` alone gives no worse."""

_SLOW_ANSWER = 1.0
"""An answer may lie this long in our own buffers and its stamp still be believed."""

_ERRATIC = 3.0
"""So many jumps, each worth four looks at which the clock stood where it should, make it useless."""

_APART = 1.0
"""Looks nearer to each other than this many seconds confirm nothing: even a racing clock hardly moved."""


class ServerClock:
    """The offset (server minus client, in seconds) lies between two bounds.

    An answer was stamped after its request left and before it arrived, so that each answer bounds the offset; the
    bounds of several answers intersect, and widen as they age. Bounds that contradict the old ones replace them:
    somebody set a clock. A server whose clock jumps at every look (one that runs at another speed) is not `known`.
    """

    __slots__ = ("_high", "_judged", "_jumps", "_low", "_seen")

    def __init__(self) -> None:
        self._low = 0.0
        self._high = 0.0
        self._seen: float | None = None
        self._jumps = 0.0
        self._judged = 0.0

    @property
    def known(self) -> bool:
        return self._seen is not None and self._jumps < _ERRATIC

    @property
    def offset(self) -> float:
        """The middle of the bounds; 0 before anything was learned."""
        return (self._low + self._high) / 2

    @property
    def seen(self) -> float | None:
        """When the last answer taught us something, on our clock."""
        return self._seen

    def width(self, at: float) -> float:
        """How uncertain the offset is at a moment of our clock, in seconds."""
        return self._high - self._low + 2 * self._slack(at)

    def agrees(self, server_time: float, now: float) -> bool:
        """Whether a stamp that arrived now fits the bounds, as far as one can tell without its round trip."""
        slack = self._slack(now)
        return self._low - slack - _SLOW_ANSWER <= server_time - now <= self._high + slack + _TWO_HOSTS

    def observe(self, server_time: float, now: float, *, round_trip: float, granularity: float = 0.0) -> None:
        """An answer arrived at `now`, `round_trip` seconds after its request left.

        Its stamp says `server_time`, cut off to whole multiples of `granularity` seconds.
        """
        low = server_time - now
        high = low + granularity + max(round_trip, 0.0)
        if self._seen is not None:
            slack = self._slack(now)
            old_low, old_high = self._low - slack, self._high + slack
            both_low, both_high = max(low, old_low), min(high, old_high)
            gap = both_low - both_high
            if gap <= 0:
                low, high = both_low, both_high
                if now - self._judged >= _APART:
                    self._judged = now
                    self._jumps = max(0.0, self._jumps - 0.25)
            elif gap <= _TWO_HOSTS and max(high, old_high) - min(low, old_low) <= _WIDEST:
                low, high = min(low, old_low), max(high, old_high)
            else:
                self._judged = now
                self._jumps = min(self._jumps + 1.0, 2 * _ERRATIC)
        self._low, self._high, self._seen = low, high, now

    def shift(self, by: float) -> None:
        """Our own clock was moved by so many seconds."""
        self._low -= by
        self._high -= by
        if self._seen is not None:
            self._seen += by
            self._judged += by

    def _slack(self, at: float) -> float:
        return 0.0 if self._seen is None else abs(at - self._seen) * _DRIFT
