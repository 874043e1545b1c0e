"""One limiter for each credential of the process, however many clients use it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal
from weakref import WeakValueDictionary, ref

from trudy._concurrency.fork import reset_in_child
from trudy.clock import Clock, SystemClock
from trudy.options import RateLimit
from trudy.rate_limit.limiter import WindowLimiter


class LimiterRegistry:
    """Finds the limiter of a credential. A limiter lives as long as a client holds it, and no key is kept here.

    Clients share a limiter if they have the same base URL and the same key (compared by digest) or callable (a bound
    method is compared by object and function, since each look-up makes a new one), or the same `rate_limit_group`; and
    the same clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limiters: WeakValueDictionary[tuple[object, ...], WindowLimiter] = WeakValueDictionary()

    def limiter_for(
        self,
        base_url: str,
        credential: str | Callable[..., object],
        group: str | None,
        rate_limit: RateLimit | None | Literal[False],
        clock: Clock | None = None,
    ) -> WindowLimiter | None:
        """The shared limiter, paced by the slowest limit that any of its clients gave; None with `rate_limit=False`."""
        if rate_limit is False:
            return None
        with self._lock:
            time = None if clock is None or isinstance(clock, SystemClock) else _Same(clock)
            identity = (*self._identity(base_url, credential, group), time)
            limiter = self._limiters.get(identity)
            if limiter is None:
                limiter = self._limiters[identity] = WindowLimiter(rate_limit)
            elif rate_limit is not None:
                limiter.tighten(rate_limit)
        return limiter

    def after_fork(self) -> None:
        """In a forked child: new locks, and queues without the parent's waiters."""
        self._lock = threading.Lock()
        for limiter in self._limiters.values():
            limiter.after_fork()

    @staticmethod
    def _identity(base_url: str, credential: str | Callable[..., object], group: str | None) -> tuple[object, ...]:
        if group is not None:
            return ("group", group)
        base_url = base_url.rstrip("/").lower()
        if isinstance(credential, str):
            import hashlib

            return ("key", base_url, hashlib.sha256(credential.encode()).digest())
        owner = getattr(credential, "__self__", None)
        function = getattr(credential, "__func__", None)
        if owner is None or function is None:
            return ("callable", base_url, _Same(credential))
        return ("callable", base_url, _Same(owner), _Same(function))


class _Same:
    """Compares an object by identity, and holds it weakly if that is possible.

    Once the object is gone this equals nothing but itself, so that a new object with the same `id` does not match.
    """

    __slots__ = ("_hash", "_thing")

    def __init__(self, thing: object) -> None:
        self._hash = id(thing)
        try:
            self._thing: Callable[[], object] = ref(thing)
        except TypeError:
            self._thing = lambda: thing

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return NotImplemented
        mine = self._thing()
        return self is other or (mine is not None and mine is other._thing())


limiters = LimiterRegistry()
limiter_for = limiters.limiter_for
reset_in_child(limiters)
