"""A sender as documented for Truedy: each event at least once, out of order, and again after every answer but 2xx."""

from __future__ import annotations

import heapq
import random
from collections.abc import Awaitable, Callable

from attrs import define, field

from trudy.testing import Delivery, make_delivery

Post = Callable[[Delivery], Awaitable[int | None]]
"""Posts a delivery; the status, or None where nobody answered."""


@define
class Sender:
    """Sends each event until it is taken, and some of them again although they were.

    Time is a number that only orders the tries: a delay puts a delivery behind others.
    """

    secret: str
    sent_at: float
    seed: int
    duplicates: float = 0.3
    sent: int = 0
    _queue: list[tuple[float, int, str, int]] = field(factory=list)

    async def run(self, ids: list[str], post: Post, *, tries: int = 12) -> None:
        """Deliver `call.ended` for each id. Raises if one is not taken after all tries."""
        chance = random.Random(self.seed)
        for number, call_id in enumerate(ids):
            copies = 1 + (chance.random() < self.duplicates)
            for copy in range(copies):
                heapq.heappush(self._queue, (number + chance.expovariate(0.02), 2 * number + copy, call_id, 0))
        while self._queue:
            due, order, call_id, tried = heapq.heappop(self._queue)
            made = make_delivery("call.ended", secret=self.secret, sent_at=self.sent_at, call_id=call_id)
            self.sent += 1
            status = await post(made)
            if status is not None and 200 <= status < 300:
                if chance.random() < self.duplicates / 3:
                    # The answer is lost, so the event is sent again.
                    heapq.heappush(self._queue, (due + 50, order, call_id, tried))
                continue
            if tried + 1 == tries:
                raise AssertionError(f"not taken after {tries} tries")
            heapq.heappush(self._queue, (due + 10 * 2**tried, order, call_id, tried + 1))
