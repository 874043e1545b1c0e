"""The offset of the server's clock from ours: bounds, learned from the answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from attrs import field, frozen

from trudy.options import WINDOW

_DRIFT: Final = 1e-4
"""Seconds by which two clocks may drift apart each second: ten times what a bad quartz does. More would widen the guard
at the edges of a window for nothing; less would trust an old answer too long."""
_TWO_HOSTS: Final = 0.25
"""Seconds by which servers behind one name may differ and still count as one clock. More would take a clock that was
set for two servers; less would make servers with good clocks look erratic."""
_WIDEST: Final = 1.25
"""Seconds. Bounds wider than this are replaced by those of the latest answer: a `Date` alone gives none that are worse.
"""
_SLOW_ANSWER: Final = 1.0
"""Seconds that an answer may wait in our own buffers while its time is still believed. More would hide a clock that was
set back; less would take a busy process for one."""
_ERRATIC: Final = 3.0
"""Jumps after which a clock is not used; four answers that fit take one back. Fewer would give up a clock that an
administrator sets; more would pace by one that runs at another speed."""
_APART: Final = 1.0
"""Seconds between two answers that count as confirming each other: in less even a fast clock hardly moves."""

_LATEST_TIME: Final = 2.5e11
"""In the year 9892; a datetime ends with the year 9999."""


@frozen(kw_only=True)
class ServerClock:
    """The server's clock as the answers show it.

    Attributes:
        offset: seconds by which it is ahead of this machine's clock; negative where it is behind.
        uncertainty: seconds by which the offset may be wrong, either way.
    """

    offset: float
    uncertainty: float
    _ahead: float = field(repr=False, eq=False, alias="ahead")
    _monotonic: Callable[[], float] = field(repr=False, eq=False, alias="monotonic")

    def now(self) -> datetime:
        """The present time on the server (aware, UTC); setting this machine's clock does not change it."""
        return datetime.fromtimestamp(self._monotonic() + self._ahead, UTC)


@frozen
class _Bounds:
    low: float = 0.0
    high: float = 0.0
    seen: float | None = None
    jumps: float = 0.0
    judged: float = 0.0


_NOTHING: Final = _Bounds()


class ClockEstimate:
    """The offset (server's clock minus our monotonic one, in seconds) lies between two bounds.

    The server read its clock after the request was sent and before the answer arrived, so each answer bounds the
    offset. The bounds of several answers are intersected, and widened as they age. Bounds that contradict the old ones
    replace them: somebody set a clock. A clock that jumps at every answer, since it runs at another speed, is not
    `known`.

    Any thread may observe and read: each change replaces one value by a new one.
    """

    __slots__ = ("_bounds", "known", "offset", "quiet_until", "window")

    def __init__(self, window: float = WINDOW) -> None:
        self._bounds = _NOTHING
        self.window = window
        """Seconds of the rate window that the estimate must be good enough for."""
        self.known = False
        self.offset = 0.0
        """The middle of the bounds; 0 before anything was learned."""
        self.quiet_until = float("-inf")
        """Until then no answer need be read for its time: a tenth of a window, or less while the bounds are wide."""

    def width(self, at: float) -> float:
        """Seconds between the bounds at a moment of our clock."""
        bounds = self._bounds
        return bounds.high - bounds.low + 2 * _slack(bounds, at)

    def reading(self, *, wall: float, monotonic: Callable[[], float]) -> ServerClock | None:
        """The server's clock, compared with the machine's `wall` clock; None while it is not known."""
        if not self.known:
            return None
        now, ahead = monotonic(), self.offset
        return ServerClock(offset=now + ahead - wall, uncertainty=self.width(now) / 2, ahead=ahead, monotonic=monotonic)

    def agrees(self, server_time: float, now: float) -> bool:
        """Whether a server time that arrived now fits the bounds, as far as can be told without its round trip."""
        bounds = self._bounds
        slack = _slack(bounds, now)
        return bounds.low - slack - _SLOW_ANSWER <= server_time - now <= bounds.high + slack + _TWO_HOSTS

    def observe(self, server_time: float, now: float, *, round_trip: float, granularity: float = 0.0) -> None:
        """An answer arrived at `now`, `round_trip` seconds after its request left.

        Its stamp says `server_time`, cut off to whole multiples of `granularity` seconds. A time that no server's clock
        shows is passed over: moments after it could not be told.
        """
        if not 0.0 <= server_time <= _LATEST_TIME:
            return
        old = self._bounds
        low = server_time - now
        high = low + granularity + max(round_trip, 0.0)
        jumps, judged = old.jumps, old.judged
        if old.seen is not None:
            slack = _slack(old, now)
            old_low, old_high = old.low - slack, old.high + slack
            both_low, both_high = max(low, old_low), min(high, old_high)
            gap = both_low - both_high
            if gap <= 0:
                low, high = both_low, both_high
                if now - judged >= _APART:
                    jumps, judged = max(0.0, jumps - 0.25), now
            elif gap <= _TWO_HOSTS and max(high, old_high) - min(low, old_low) <= _WIDEST:
                low, high = min(low, old_low), max(high, old_high)
            else:
                jumps, judged = min(jumps + 1.0, 2 * _ERRATIC), now
        self._bounds = _Bounds(low, high, now, jumps, judged)
        self.known = jumps < _ERRATIC
        self.offset = (low + high) / 2
        good_for = (self.window / 200 - (high - low)) / 2 / _DRIFT
        self.quiet_until = now + min(self.window / 10, good_for) if self.known and good_for >= 0 else float("-inf")


def _slack(bounds: _Bounds, at: float) -> float:
    return 0.0 if bounds.seen is None else abs(at - bounds.seen) * _DRIFT
