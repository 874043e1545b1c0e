"""When rate windows open and close. Pure; `now` is our monotonic clock throughout.

    server's clock  12:07:00               12:08:00               12:09:00               12:10:00
    the grid        |------ window 7 ------|------ window 8 ------|------ window 9 ------|
    guard          ><                     ><                     ><                     ><
    requests         ===========            =====x                .1.2..4.....8=====
                     a full budget at once       |                | from the probe on, each answer lets two more go
                                      the first refusal           reset_at
                                      shuts window 8              opens window 9

Nothing is sent in the guard, at both sides of an edge, which is as wide as the server's clock is uncertain: a request
sent there might count in either window.

The wait for a `reset_at` is computed here, in `Windows._reset`: `reset_at` less the server's time in the same answer,
with the guard, if it can be believed. A client without a limiter waits as `window_wait` in `pipeline/retry.py` says.

When a window opens, a full budget is sent at once. Only after an unexpected refusal (the server named no time, or had
taken less than its limit) the next window starts with one request and doubles with the answers: the probe above.

If the server's clock is unknown, or its resets are not at full minutes, there is no grid. Then no more than the budget
is sent in any span of one window's length, which is right whatever way the server counts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from math import floor, inf
from random import Random
from typing import Final

from attrs import define

from trudy.rate_limit.server_clock import ClockEstimate

_EDGE_SHARE: Final = 0.05
"""The part of a window near its edge in which a request may arrive in the next one. More leaves some of the window
unused, less lets requests arrive late."""
_ROLLING_MARGIN: Final = 0.01
"""The part of a window added to its length where there is no grid, since two requests may take different times to
arrive. More costs throughput, less costs a refusal now and then."""
_EPSILON: Final = 1e-5
"""Seconds by which rounding may make clocks differ: a turn this early is on time."""
_FURTHEST: Final = 10
"""Windows ahead up to which a reset is believed. More would wait for a wrong time; fewer would ignore a real one."""
_LONGEST: Final = 600.0
"""Seconds ahead up to which a reset is believed even if windows are short."""
_MOST_DOUBLINGS: Final = 30
"""Bounds the shift; long before, the number is beyond any limit."""


@define(eq=False)
class Window:
    """One window, and what was sent in it."""

    opened: float
    index: int | None
    """Its number on the server's grid; None where there is none."""
    whole: bool
    """Whether it was followed from its opening; otherwise others may have used some of it before."""
    careful: bool = False
    """Whether it starts with one request and doubles with the answers."""
    tries_more: bool = False
    """Whether one request more than the limit may go, and more if the server takes it."""
    tried_at: float | None = None
    """When the first request beyond the limit went."""
    sent: int = 0
    bulk: int = 0
    accepted: int = 0
    refused: int = 0
    beyond: int = 0
    """Requests sent beyond the limit."""
    beyond_accepted: int = 0
    """How many of these the server took."""
    carried: int = 0
    """Requests of the window before that may have reached the server in this one."""
    closed_until: float | None = None
    """When the next one opens, after a refusal."""
    successor: int | None = None
    """The number of the window that opens then, if the refusal told."""
    not_before: float = -inf
    """A reset earlier than this, told by a refusal, is not believed."""
    is_guess: bool = False
    """Whether `closed_until` is our own back-off."""
    on_grid: bool | None = None
    """Whether its refusals named an edge of the grid; None if they did not tell."""
    is_fresh: bool = False
    """Whether a reset opened it, so that earlier requests no longer count."""

    @property
    def admitted(self) -> int:
        """Requests that the server took, or may have taken."""
        return self.sent - self.refused


def doublings(since: float, now: float, each: float) -> int:
    """How many may go by time alone, where one goes first: twice as many after each `each` seconds."""
    return 1 << min(_MOST_DOUBLINGS, max(0, int((now - since) / each + _EPSILON)))


class SendLog:
    """When the latest requests were sent, in order. Lists, searched by bisection: a limit is some hundreds at most."""

    __slots__ = ("all", "bulk", "counted_from")

    def __init__(self) -> None:
        self.all: list[float] = []
        self.bulk: list[float] = []
        self.counted_from = -inf
        """Requests sent before this moment, that of a believed reset, do not count."""

    def add(self, now: float, *, bulk: bool, span: float) -> None:
        for times in (self.all, self.bulk) if bulk else (self.all,):
            del times[: bisect_right(times, now - span)]
            insort(times, now)

    def discard(self, sent_at: float, *, bulk: bool) -> None:
        for times in (self.all, self.bulk) if bulk else (self.all,):
            index = bisect_left(times, sent_at)
            if index < len(times) and times[index] == sent_at:
                del times[index]

    def since(self, moment: float, *, bulk: bool = False) -> int:
        """How many requests sent after a moment count."""
        times = self.bulk if bulk else self.all
        return len(times) - self._first(times, moment)

    def frees(self, number: int, now: float, span: float, each: float, *, bulk: bool = False) -> float:
        """When `number` more places are free, of `each` in all, if a request takes its place for `span` seconds."""
        times = self.bulk if bulk else self.all
        first = self._first(times, now - span)
        if first + number - 1 < len(times):
            return times[first + number - 1] + span
        return (times[first] if first < len(times) else now) + span * (1 + int((number - 1) // each))

    def _first(self, times: list[float], moment: float) -> int:
        return max(bisect_right(times, moment + _EPSILON), bisect_left(times, self.counted_from))


class Windows:
    """The present window, and when the next ones open.

    Windows are aligned to the epoch of the server's clock. After a refusal the next one opens at `reset_at`, even if
    that is not on the grid. Such a `reset_at` shows that there is no grid, unless it is one length after the refusal,
    as some servers always send it.
    """

    __slots__ = ("_poor", "_rng", "_told_at", "aligned", "clock", "current", "length", "log")

    def __init__(self, length: float, rng: Random, clock: ClockEstimate) -> None:
        self.clock = clock
        self.length = length
        self.aligned = True
        self.current = Window(opened=inf, index=None, whole=False)
        self.log = SendLog()
        self._poor = 0
        self._told_at = -inf
        self._rng = rng

    @property
    def on_grid(self) -> bool:
        """Whether windows open at known moments; otherwise the requests of the last window's length count."""
        return self.aligned and self.clock.known

    @property
    def edge(self) -> float:
        """Seconds before the end of a window in which a request may arrive in the next one."""
        return _EDGE_SHARE * self.length

    @property
    def span(self) -> float:
        """For how long a request counts where there is no grid."""
        return self.length * (1 + _ROLLING_MARGIN)

    def used(self, now: float, *, bulk: bool = False) -> int:
        """How many requests count now."""
        if self.on_grid:
            return self.current.bulk if bulk else self.current.sent
        return self.log.since(now - self.span, bulk=bulk)

    def surely_used(self, now: float) -> int:
        """How many the server counts now at the least: if it takes one more than a limit, the limit is higher."""
        if self.on_grid:
            return self.current.sent
        return self.log.since(now - self.length * (1 - _ROLLING_MARGIN))

    def set_length(self, length: float) -> None:
        """Take the length of a window from the caller; the present window is treated as just found."""
        if length != self.length:
            self.length = length
            self.current.index = None

    def near_end(self, now: float) -> bool:
        """Whether a request sent now may reach the server in the next window."""
        index = self.current.index
        return self.on_grid and index is not None and self._index(now + self.edge) > index

    def advance(self, now: float) -> tuple[Window, int] | None:
        """Open the next window if it is time; returns the one that ended and how many have passed unused."""
        window = self.current
        window.opened = min(window.opened, now)
        if window.closed_until is not None:
            if now + _EPSILON < window.closed_until:
                return None
            return self._open(now, self._successor(now) if self.on_grid else None)
        if not self.on_grid:
            window.index = None
            lengths = int((now - window.opened) / self.length + _EPSILON)
            return self._open(now, None, skipped=lengths - 1) if lengths else None
        index = self._index(now)
        if window.index is None:
            self._meet_grid(index)
        elif index < window.index - 1:
            window.index = index  # the server's clock was set back
        if window.index is not None and index > window.index and now + _EPSILON >= self._opens(index):
            return self._open(now, index, skipped=index - window.index - 1)
        return None

    def is_open(self, now: float) -> bool:
        """Whether a request sent now counts in the present window."""
        window = self.current
        if window.closed_until is not None:
            return False
        return not self.on_grid or window.index is None or now + _EPSILON < self._closes(window.index)

    def is_over(self, now: float) -> bool:
        """Whether the present window has ended, though the next may not be open yet."""
        window = self.current
        if window.closed_until is not None or not self.on_grid or window.index is None:
            return False
        return self._index(now) > window.index

    def opening(self, ahead: int, now: float) -> float:
        """When the window `ahead` of the present one opens, guard included; 1 is the next."""
        window = self.current
        if window.closed_until is None and self.on_grid:
            return self._opens(max((window.index or 0) + 1, self._index(now)) + ahead - 1)
        first = window.opened + self.length if window.closed_until is None else window.closed_until
        if ahead == 1 or not self.on_grid:
            return first + (ahead - 1) * self.length
        return self._opens(self._successor(first) + ahead - 1)

    def end(self, now: float) -> float | None:
        """When the present window ends on the server's clock; None while it is unknown."""
        window = self.current
        if not self.clock.known:
            return None
        if window.closed_until is not None:
            return window.closed_until + self.clock.offset
        if not self.aligned:
            return self.log.frees(1, now, self.span, 1) + self.clock.offset
        return self._start(max(self._index(now), window.index or 0) + 1)

    def admitted_in(self, window: Window, now: float) -> int | None:
        """How many the server took in one length, as a window that is over shows; None if it does not show that."""
        if not window.whole or window.closed_until is None:
            return None
        if self.on_grid:
            return window.admitted if window.closed_until - window.opened > 0.9 * self.length else None
        if now < self._told_at + self.length:
            return None  # reported already: the spans overlap
        self._told_at = now
        return self.log.since(now - self.length)

    def close(self, now: float, *, reset_at: float | None, server_now: float | None, retry_after: float | None) -> None:
        """A request of the present window was refused: close it until the reset, the earliest one of several.

        Without a reset that can be believed, close it for a random back-off from a growing range.
        """
        window = self.current
        reset = self._reset(now, reset_at=reset_at, server_now=server_now, retry_after=retry_after)
        if reset is None:
            if window.closed_until is None:
                window.closed_until = now + self._rng.uniform(0.0, self._back_off(self._poor))
                window.is_guess = True
        elif window.closed_until is None or window.is_guess or reset[0] < window.closed_until:
            until, successor = reset
            if self._poor and window.not_before == -inf:
                # Earlier windows took next to nothing either: wait longer, whatever the server says.
                window.not_before = now + self._back_off(self._poor - 1) * self._rng.uniform(0.75, 1.0)
            furthest = now + self.length * (1 << min(self._poor, _MOST_DOUBLINGS)) + self.edge
            window.successor = successor if until <= furthest else None
            window.closed_until = max(min(until, furthest), window.not_before)
            window.is_guess = until > furthest  # it may be wrong, so a request is tried before that time

    def judge(self, window: Window, full: float) -> None:
        """What a window that is over, and was expected to take `full` requests, means for the next one."""
        if not window.refused:
            self._poor = 0
            return
        used_up = window.admitted >= full
        took_little = window.admitted <= 0 or (full < inf and window.admitted < full / 2)
        self._poor = self._poor + 1 if took_little else 0
        if window.on_grid is not None:
            self.aligned = window.on_grid
        elif window.whole and not used_up and full < inf:
            self.aligned = False  # it took less than the limit, and nothing shows that windows are minutes
        was_expected = self.aligned and not window.is_guess and full < inf and not took_little
        self.current.careful = not was_expected or (window.whole and not used_up)
        if window.is_guess or (window.is_fresh and took_little):
            self.log.counted_from = -inf
        else:
            self.log.counted_from = self.current.opened
            self.current.is_fresh = True

    def _back_off(self, step: int) -> float:
        """Seconds: a sixtieth of a window at first, doubled with each step, a window at most."""
        return min(self.length, self.length / 60 * (1 << min(step, _MOST_DOUBLINGS)))

    def _open(self, now: float, index: int | None, *, skipped: int = 0) -> tuple[Window, int]:
        last = self.current
        if last.closed_until is not None:
            skipped = 0 if index is None or last.index is None else index - last.index - 1
        self.current = Window(opened=now, index=index, whole=True)
        return last, max(0, skipped)

    def _meet_grid(self, index: int) -> None:
        """The server's clock has just become known. A request sent shortly before an edge may have arrived after it."""
        window, times = self.current, self.log.all
        window.index = min(index, self._index(times[-1] + self.edge)) if times else index
        begins = self._start(window.index) - self.clock.offset - self.edge
        window.sent = max(window.sent, self.log.since(begins))
        window.bulk = max(window.bulk, self.log.since(begins, bulk=True))

    def _successor(self, at: float) -> int:
        """The number of the window that begins when a closed one reopens at moment `at`."""
        index = self._index(at)
        return index if self.current.successor is None else max(index, self.current.successor)

    def _reset(
        self, now: float, *, reset_at: float | None, server_now: float | None, retry_after: float | None
    ) -> tuple[float, int | None] | None:
        """When the next window opens, on our clock, and its number if known; None if the reset cannot be believed."""
        if reset_at is None and retry_after is None:
            return None
        here = server_now if server_now is not None else now + self.clock.offset
        wait = reset_at - here if reset_at is not None else retry_after or 0.0
        if not 0.0 < wait <= max(_FURTHEST * self.length, _LONGEST):
            return None
        if not self.clock.known or (server_now is not None and not self.clock.agrees(server_now, now)):
            return now + wait, None
        reset_at, index = self._fit_grid(here + wait, wait)
        until = reset_at - self.clock.offset
        until += self._guard(until)
        return (until if server_now is None else min(until, now + reset_at - here)), index

    def _fit_grid(self, reset_at: float, wait: float) -> tuple[float, int]:
        """Learn from a reset whether there is a grid; returns it, moved onto an edge that it nearly hits."""
        index = round(reset_at / self.length)
        miss = reset_at - self._start(index)
        near = min(1.0, self.edge)
        is_edge = abs(miss) <= near
        # One length after the refusal shows nothing: some servers always send that.
        if wait < self.length - near:
            self.current.on_grid = is_edge or self.current.on_grid is True
        return (max(reset_at, reset_at - miss), index) if is_edge else (reset_at, self._index_of(reset_at))

    def _guard(self, at: float) -> float:
        """Seconds to keep away from an edge at moment `at`: as many as the clock is uncertain then."""
        return min(self.clock.width(at), self.edge)

    def _index(self, at: float) -> int:
        return self._index_of(at + self.clock.offset)

    def _index_of(self, server_time: float) -> int:
        return floor((server_time + _EPSILON) / self.length)

    def _start(self, index: int) -> float:
        return index * self.length

    def _opens(self, index: int) -> float:
        edge = self._start(index) - self.clock.offset
        return edge + self._guard(edge)

    def _closes(self, index: int) -> float:
        edge = self._start(index + 1) - self.clock.offset
        return edge - self._guard(edge)
