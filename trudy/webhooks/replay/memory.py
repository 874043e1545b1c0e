"""A replay guard in memory: for one process, until it ends."""

from __future__ import annotations

import threading
from collections import OrderedDict

from trudy._concurrency.fork import reset_in_child
from trudy.clock import Clock, SystemClock
from trudy.errors import InvalidArgumentError
from trudy.webhooks.replay.guard import Verdict


class MemoryReplayGuard:
    """Keeps keys in this process.

    Args:
        max_keys: how many done keys are kept, the newest ones. Choose more than arrive while the sender may still
            retry; each takes about 200 bytes.
        clock: tells the time; the machine's clock if left out.
    """

    blocking = False

    def __init__(self, *, max_keys: int = 100_000, clock: Clock | None = None) -> None:
        if max_keys < 1:
            raise InvalidArgumentError("max_keys must be 1 or more", argument="max_keys")
        self._max_keys = max_keys
        self._clock = clock or SystemClock()
        # Not bounded: there are only as many claims as handlers at work.
        self._claims: dict[str, float] = {}
        self._done: OrderedDict[str, float] = OrderedDict()
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        """Make a new lock: a thread of the parent may have held the old one, and is not in the child."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._claims) + len(self._done)

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key for `ttl` seconds."""
        now = self._clock.monotonic()
        with self._lock:
            if self._done.get(key, now) > now:
                return "done"
            if self._claims.get(key, now) > now:
                return "busy"
            self._claims[key] = now + ttl
            return "new"

    def commit(self, key: str, ttl: float) -> None:
        """Mark a key as done for `ttl` seconds."""
        now = self._clock.monotonic()
        with self._lock:
            self._claims.pop(key, None)
            self._done[key] = now + ttl
            self._done.move_to_end(key)
            while self._done and (len(self._done) > self._max_keys or next(iter(self._done.values())) <= now):
                self._done.popitem(last=False)

    def abandon(self, key: str) -> None:
        """Drop a claim."""
        with self._lock:
            self._claims.pop(key, None)
