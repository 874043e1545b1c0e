"""How many requests a window takes: as the caller and the server say, and as refusals show. Pure."""

from __future__ import annotations

from math import inf
from typing import Final

from trudy.options import RateLimit
from trudy.rate_limit.window import Window

_FIRST_TRY, _FIRST_TRY_LOWERED, _FIRST_TRY_INFERRED = 4, 2, 1
"""Clean windows before a limit is tried upwards: any that was stated, one that was higher before or is so by the
caller's word, and one we inferred. More keeps an old limit in force; fewer costs refusals where it is right."""
_LAST_TRY, _LAST_TRY_LOWERED = 16, 4
"""The most clean windows between two tries that are refused: of any limit, and of one that was higher or is inferred.
Fewer costs a refusal more often for as long as the limit is right; more misses a limit that goes up and down every few
minutes."""
_SAME_PACE: Final = 3
"""So many tries are refused before the next wait is twice as long. Fewer may miss, again and again, a limit that is
high for four windows in eight; more costs refusals where the limit is right."""


class Budget:
    """How many requests a window takes.

    The limit is the lower of the caller's and the server's. Where refusals show that others use the credential too, the
    budget falls, by half at most, and grows back over windows without a refusal: quickly after a single refusal, but
    slowly, from one request a window, if the next refusal comes before it has recovered.
    """

    __slots__ = (
        "_cap",
        "_clean",
        "_highest",
        "_is_guess",
        "_is_stray",
        "_refused_tries",
        "_stated",
        "_step",
        "explicit",
        "full",
    )

    def __init__(self, explicit: RateLimit | None) -> None:
        self.explicit = explicit
        self._stated: int | None = None
        self._is_guess = False
        self._highest = 0
        self._cap: int | None = None
        self._is_stray = False
        self._step = 1
        self._clean = 0
        self._refused_tries = 0
        self.full = self._full()
        """Requests in one window; infinite while nothing is known."""

    @property
    def limit(self) -> int | None:
        """The lower limit of the caller's and the server's; None while there is neither."""
        return self._lower(None if self._is_guess else self._stated)

    @property
    def ceiling(self) -> float:
        """What no try may pass: the caller's word, and the limit while others seem to use a part."""
        limit = self._lower(None if self._cap is None else self._stated)
        return inf if limit is None else limit

    @property
    def bulk(self) -> float:
        """The bulk lane's part of a window, at least 1."""
        return self._bulk_of(self.full)

    @property
    def most_bulk(self) -> float:
        """What the bulk lane may take of a window that tries more: all, since with its share no try could succeed."""
        return inf if self._cap is None else self._bulk_of(self.ceiling)

    @property
    def is_tried(self) -> bool:
        """Whether the budget has held for long enough to try whether the server takes more."""
        if self.full >= self.ceiling or (self._is_stray and not self._is_guess):
            return False
        was_higher = self.full < max(self._highest, 0 if self.explicit is None else self.explicit.limit)
        is_inferred = self._is_guess or self._cap is not None
        first = _FIRST_TRY_INFERRED if is_inferred else _FIRST_TRY_LOWERED if was_higher else _FIRST_TRY
        most = _LAST_TRY_LOWERED if is_inferred or was_higher else _LAST_TRY
        return self._clean >= min(first << self._refused_tries // _SAME_PACE, most)

    def tighten(self, explicit: RateLimit) -> None:
        """Take a caller's limit for the credential, if its pace is slower than the present one's."""
        mine = self.explicit
        if mine is None or _pace(explicit) < _pace(mine):
            self.explicit = explicit
            self.full = self._full()

    def stated(self, limit: int) -> None:
        """Take the limit that the server named."""
        if limit < 1:
            return
        if limit != self._stated or self._is_guess:
            self._refused_tries = 0
        self._stated, self._is_guess, self._clean = limit, False, 0
        self._highest = max(self._highest, limit)
        self.full = self._full()

    def settle(self, window: Window, *, idle: int, admitted: int | None) -> None:
        """Learn from a window that is over, after which `idle` more have passed unused.

        `admitted`: how many the server took in one window's length; None where that is not known.
        """
        grows = idle + (not window.refused)
        self._highest = max(self._highest, window.accepted)
        if window.refused:
            self._clean = 0
            if window.beyond:
                self._refused_tries = min(self._refused_tries + 1, _LAST_TRY)
            if self.full == inf:
                self._stated, self._is_guess = max(1, window.admitted), True
            elif admitted and admitted < self.full:
                self._lower_cap(admitted)
            elif window.accepted > self.full:
                self._refused_tries = 0
                if self._is_guess or self._cap is not None:
                    self._found(window.accepted)
        elif window.beyond:
            self._refused_tries = 0
            self._found(int(self.full) + window.beyond)
        self._clean += grows
        for _ in range(min(grows, 32)):
            self._raise_cap()
        self.full = self._full()

    def _full(self) -> float:
        limit = self._lower(self._stated)
        return min(inf if limit is None else limit, inf if self._cap is None else self._cap)

    def _bulk_of(self, full: float) -> float:
        share = (self.explicit or RateLimit()).bulk_share
        return full if full == inf else max(1, int(full * share + 1e-9))

    def _found(self, taken: int) -> None:
        """The server took more than the budget."""
        if self._cap is None:
            self._stated = int(min(self.ceiling, taken))
        else:
            self._cap = taken
            self._drop_cap()

    def _lower_cap(self, admitted: int) -> None:
        full = int(self.full)
        self._is_stray = self._cap is None
        self._cap = max(admitted, (full + 1) // 2)
        self._step = max(1, (full - self._cap) // 4) if self._is_stray else 1

    def _raise_cap(self) -> None:
        if self._cap is None:
            return
        self._cap += self._step
        self._step *= 2
        self._drop_cap()

    def _drop_cap(self) -> None:
        """A cap as high as the limit is none."""
        limit = self._lower(self._stated)
        if self._cap is not None and (limit is None or self._cap >= limit):
            self._cap, self._is_stray = None, False

    def _lower(self, stated: int | None) -> int | None:
        if self.explicit is None:
            return stated
        return self.explicit.limit if stated is None else min(self.explicit.limit, stated)


def _pace(rate_limit: RateLimit) -> tuple[float, float]:
    return rate_limit.limit / rate_limit.window, rate_limit.bulk_share
