"""Makes ids, keys and secrets: the same at each start if a seed is given, else different in each sandbox."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections import Counter


class Ids:
    """Makes ids, each kind in a sequence of its own, so that one more object of a kind changes no id of another kind.

    Args:
        seed: ids follow from it, and can be guessed by those who know it; random if None.
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
