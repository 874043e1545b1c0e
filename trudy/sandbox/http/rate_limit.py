"""The server's request limit: a fixed number in each window of the clock, counted before the key is checked."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from attrs import define, frozen


@frozen(kw_only=True)
class WindowCount:
    """The requests of one rate window."""

    start: datetime
    admitted: int
    refused: int

    @property
    def total(self) -> int:
        """All requests that arrived in the window."""
        return self.admitted + self.refused


@define
class _Count:
    counters: list[int]
    admitted: int = 0
    refused: int = 0


class RequestLimit:
    """Counts requests in clock-aligned windows (of 60 s: clock minutes). Not thread-safe by itself.

    Args:
        limit: requests admitted in one window; None admits and counts all.
        window: seconds of the sandbox's clock.
        counters: number of server processes; each has a count of its own, and gets a request by chance.
    """

    def __init__(self, *, limit: int | None, window: float, counters: int = 1, seed: int = 0) -> None:
        if limit is not None and limit < 1:
            raise ValueError("rate_limit must be at least 1; None or False switches it off")
        if not window > 0:
            raise ValueError("window must be more than 0 seconds")
        self.limit = limit
        self.window = window
        self._counters = counters
        # Seeded, so that each run with the same seed admits the same requests.
        self._chance = random.Random(seed)  # noqa: S311
        self._counts: dict[int, _Count] = {}

    def admit(self, now: float) -> bool:
        """Count one request; returns whether it is admitted."""
        index = int(now // self.window)
        count = self._counts.get(index)
        if count is None:
            count = self._counts[index] = _Count([0] * self._counters)
        counter = self._chance.randrange(self._counters) if self._counters > 1 else 0
        if self.limit is not None and count.counters[counter] >= self.limit:
            count.refused += 1
            return False
        count.counters[counter] += 1
        count.admitted += 1
        return True

    def ends_at(self, now: float) -> float:
        """The end of the window of `now`, in Unix seconds."""
        return (now // self.window + 1) * self.window

    def windows(self) -> list[WindowCount]:
        """The windows in which requests arrived, in order."""
        return [
            WindowCount(
                start=datetime.fromtimestamp(index * self.window, UTC),
                admitted=count.admitted,
                refused=count.refused,
            )
            for index, count in self._counts.items()
        ]
