"""How many requests one window takes: what the caller and the server say, and what refusals show. Pure."""

from __future__ import annotations

from math import inf
from typing import Final

from trudy.options import RateLimit
from trudy.rate_limit.window import Window

_TRIES_GUESS, _TRIES_LOWERED, _TRIES_STATED = 1, 2, 4
"""Clean windows before a limit is tried upwards: one we inferred, one that was higher before or by the caller's word,
and any other. More keeps an old limit in force for longer; fewer costs refusals where it is right."""
_MOST_PATIENCE: Final = 4
"""By how much these grow where each try is refused: a right limit then costs a refusal every 4, 8 or 16 windows."""


class Budget:
    """How many requests one window takes.

    The limit is the lower of the caller's word and the server's. Where refusals show that others share the credential
    the budget falls, by half at most, and grows back over clean windows: quickly after a stray refusal, from one
    request upwards where the next comes before it has recovered.
    """

    __slots__ = ("_cap", "_clean", "_highest", "_is_guess", "_patience", "_stated", "_step", "explicit", "full")

    def __init__(self, explicit: RateLimit | None) -> None:
        self.explicit = explicit
        self._stated: int | None = None
        self._is_guess = False
        self._highest = 0
        self._cap: int | None = None
        self._step = 1
        self._clean = 0
        self._patience = 1
        self.full = self._full()
        """Requests in one window; infinite while nothing is known."""

    @property
    def limit(self) -> int | None:
        """What the caller and the server say; None while neither has."""
        return self._lower(None if self._is_guess else self._stated)

    @property
    def ceiling(self) -> float:
        """What no try may pass."""
        return inf if self.explicit is None else self.explicit.limit

    @property
    def bulk(self) -> float:
        """The bulk lane's part of a window, at least 1."""
        full = self.full
        share = (self.explicit or RateLimit()).bulk_share
        return full if full == inf else max(1, int(full * share + 1e-9))

    @property
    def is_tried(self) -> bool:
        """Whether the limit has held for long enough to see if the server takes more."""
        if self._cap is not None or self._stated is None or self._stated >= self.ceiling:
            return False
        was_higher = self._stated < max(self._highest, 0 if self.explicit is None else self.explicit.limit)
        first = _TRIES_GUESS if self._is_guess else _TRIES_LOWERED if was_higher else _TRIES_STATED
        return self._clean >= first * self._patience

    def tighten(self, explicit: RateLimit) -> None:
        """Another word of a caller about the credential: the slower pace wins."""
        mine = self.explicit
        if mine is None or _pace(explicit) < _pace(mine):
            self.explicit = explicit
            self.full = self._full()

    def stated(self, limit: int) -> None:
        """The server named its limit."""
        if limit < 1:
            return
        if limit != self._stated or self._is_guess:
            self._patience = 1
        self._stated, self._is_guess, self._clean = limit, False, 0
        self._highest = max(self._highest, limit)
        self.full = self._full()

    def settle(self, window: Window, *, idle: int, admitted: int | None) -> None:
        """A window is over, and `idle` more have passed unused: adapt to what it showed.

        `admitted`: how many the server took in a whole length; None where that cannot be said.
        """
        grows = idle + (not window.refused)
        if window.refused:
            self._clean = 0
            if window.beyond:
                self._patience = min(2 * self._patience, _MOST_PATIENCE)
            if self.full == inf:
                self._stated, self._is_guess = max(1, window.admitted), True
            elif admitted and admitted < self.full:
                self._lower_cap(admitted)
        elif window.beyond:
            self._stated, self._patience = int(min(self.ceiling, self.full + window.beyond)), 1
        self._clean += grows
        for _ in range(min(grows, 32)):
            self._raise_cap()
        self.full = self._full()

    def _full(self) -> float:
        limit = self._lower(self._stated)
        return min(inf if limit is None else limit, inf if self._cap is None else self._cap)

    def _lower_cap(self, admitted: int) -> None:
        full = int(self.full)
        is_stray = self._cap is None
        self._cap = max(admitted, (full + 1) // 2)
        self._step = max(1, (full - self._cap) // 4) if is_stray else 1

    def _raise_cap(self) -> None:
        if self._cap is None:
            return
        self._cap += self._step
        self._step *= 2
        limit = self._lower(self._stated)
        if limit is None or self._cap >= limit:
            self._cap = None

    def _lower(self, stated: int | None) -> int | None:
        if self.explicit is None:
            return stated
        return self.explicit.limit if stated is None else min(self.explicit.limit, stated)


def _pace(rate_limit: RateLimit) -> tuple[float, float]:
    return rate_limit.limit / rate_limit.window, rate_limit.bulk_share
