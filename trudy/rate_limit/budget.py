"""How many requests may leave in one window: what the caller says, what the server says, and what others leave."""

from __future__ import annotations

from math import inf

from attrs import define

from trudy.options import RateLimit

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


class Allowance:
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
