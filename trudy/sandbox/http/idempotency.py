"""Replays of keyed creates: the same key, endpoint and body get the first answer again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from attrs import frozen

KEPT_SECONDS = 24 * 3600.0


@frozen
class StoredAnswer:
    """A stored success.

    Attributes:
        known_from: Unix seconds from which it is replayed. A create that takes long is stored when it ends, so a
            repeat that comes earlier is executed.
    """

    status: int
    body: bytes
    request_id: str
    known_from: float


class IdempotencyStore:
    """The first answers, by key, method, path and body. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str, str, bytes], StoredAnswer] = OrderedDict()

    def find(self, key: str, method: str, path: str, body: bytes, *, now: float) -> StoredAnswer | None:
        """The answer to replay, if there is one."""
        answer = self._answers.get(_identity(key, method, path, body))
        if answer is None or not answer.known_from <= now < answer.known_from + KEPT_SECONDS:
            return None
        return answer

    def keep(self, key: str, method: str, path: str, body: bytes, answer: StoredAnswer) -> None:
        """Remember the answer to a create that succeeded, and forget those of days ago."""
        while self._answers:
            oldest = next(iter(self._answers.values()))
            if oldest.known_from + KEPT_SECONDS > answer.known_from:
                break
            self._answers.popitem(last=False)
        self._answers[_identity(key, method, path, body)] = answer


def _identity(key: str, method: str, path: str, body: bytes) -> tuple[str, str, str, bytes]:
    return key, method, path, hashlib.sha256(body).digest()
