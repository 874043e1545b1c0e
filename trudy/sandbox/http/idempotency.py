"""Replays keyed creates: a request with the same key, path and body gets the first answer again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from attrs import frozen

KEPT_SECONDS = 24 * 3600.0
"""How long an answer is kept, on the sandbox's clock: longer than any client retries. No page names a time."""


@frozen
class StoredAnswer:
    """A stored success.

    Attributes:
        known_from: when it was stored, in Unix seconds: at the end of the create. A repeated request that arrives
            earlier is carried out again, as on real servers.
    """

    status: int
    body: bytes
    request_id: str
    known_from: float


class IdempotencyStore:
    """Stored answers, by key, method, path and body. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str, str, bytes], StoredAnswer] = OrderedDict()

    def find(self, key: str, method: str, path: str, body: bytes, *, now: float) -> StoredAnswer | None:
        """The stored answer, if there is one."""
        answer = self._answers.get(_identity(key, method, path, body))
        if answer is None or not answer.known_from <= now < answer.known_from + KEPT_SECONDS:
            return None
        return answer

    def keep(self, key: str, method: str, path: str, body: bytes, answer: StoredAnswer) -> None:
        """Store the answer to a create that succeeded, and drop old ones."""
        while self._answers:
            oldest = next(iter(self._answers.values()))
            if oldest.known_from + KEPT_SECONDS > answer.known_from:
                break
            self._answers.popitem(last=False)
        self._answers[_identity(key, method, path, body)] = answer


def _identity(key: str, method: str, path: str, body: bytes) -> tuple[str, str, str, bytes]:
    return key, method, path, hashlib.sha256(body).digest()
