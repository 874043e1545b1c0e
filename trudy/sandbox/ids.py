"""Ids, keys and secrets: the same from start to start where a seed is given, else different in each sandbox."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections import Counter


class Ids:
    """Makes them, each kind in an order of its own, so that a request more of one kind changes no id of another.

    Args:
        seed: what they follow from; drawn at random if None. With a seed they can be guessed.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = secrets.token_hex(32) if seed is None else f"seed {seed}"
        self._made: Counter[str] = Counter()

    def new(self, kind: str) -> str:
        """The next id of a kind, a UUID."""
        return str(uuid.UUID(bytes=self._next(kind)[:16], version=4))

    def token(self, kind: str) -> str:
        """The next key or secret of a kind, 32 hexadecimal digits."""
        return self._next(kind)[:16].hex()

    def _next(self, kind: str) -> bytes:
        self._made[kind] += 1
        return hashlib.sha256(f"{self._seed}:{kind}:{self._made[kind]}".encode()).digest()
