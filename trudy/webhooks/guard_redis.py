"""A replay guard in Redis: for any number of machines. Needs the extra `redis`."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from trudy.errors import ConfigurationError
from trudy.webhooks.guard import Verdict

if TYPE_CHECKING:
    import redis

_DONE: Final = b"done"
_ABANDON: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisReplayGuard:
    """Keeps keys in Redis, which forgets them by itself.

    Args:
        redis: a `redis.Redis` client of your own, or a URL such as `redis://localhost:6379/0`.
        prefix: what the names of its keys begin with.

    Raises:
        ConfigurationError: a URL was given and the extra `redis` is not installed.
    """

    def __init__(self, redis: redis.Redis | str, *, prefix: str = "trudy:webhook:") -> None:
        self._redis = _connect(redis) if isinstance(redis, str) else redis
        self._prefix = prefix
        self._owner = secrets.token_bytes(8).hex().encode()

    @property
    def blocking(self) -> bool:
        """True: it waits for a network."""
        return True

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key for `ttl` seconds."""
        name = self._prefix + key
        if self._redis.set(name, self._owner, nx=True, px=_milliseconds(ttl)):
            return "new"
        # None: the claim ended a moment ago, and the sender's next try will find the key free.
        return "done" if self._get(name) == _DONE else "busy"

    def commit(self, key: str, ttl: float) -> None:
        """Mark a key as done for `ttl` seconds."""
        self._redis.set(self._prefix + key, _DONE, px=_milliseconds(ttl))

    def abandon(self, key: str) -> None:
        """Drop a claim of this guard."""
        self._redis.eval(_ABANDON, 1, self._prefix + key, self._owner)

    def _get(self, name: str) -> bytes | None:
        # A client of the user's may decode answers to text.
        value: bytes | str | None = self._redis.get(name)
        return value.encode() if isinstance(value, str) else value


def _connect(url: str) -> redis.Redis:
    try:
        import redis
    except ImportError:
        raise ConfigurationError("a Redis URL needs the extra: pip install 'trudy-python-sdk[redis]'") from None
    return redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType]


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
