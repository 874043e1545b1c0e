"""A replay guard in Redis: for any number of machines. Needs the extra `redis`."""

from __future__ import annotations

import inspect
import os
import secrets
from typing import TYPE_CHECKING, Final

from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.webhooks.replay.guard import Verdict

if TYPE_CHECKING:
    import redis

_DONE: Final = b"done"
_TIMEOUT: Final = 5.0
"""Seconds to connect, and to answer. Two of them must end before the sender hangs up (after 10 s, the early server). A
shorter time would fail deliveries over a slow network."""
_ABANDON: Final = """
local value = redis.call('get', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0
"""


class RedisReplayGuard:
    """Keeps keys in Redis, where they expire by themselves.

    Args:
        redis: a `redis.Redis` client of your own, not one of `redis.asyncio` (under an async framework its calls run in
            worker threads), or a URL such as `redis://localhost:6379/0`. With a URL, Redis has 5 seconds to connect
            and to answer, unless the URL has `?socket_timeout=` or `?socket_connect_timeout=`. A Redis that hangs
            delays a delivery by twice that: once for the claim, once to drop a claim that may have been stored.
        prefix: the beginning of the names of its keys.

    Raises:
        ConfigurationError: a URL was given and the extra `redis` is not installed.
        InvalidArgumentError: an async client was given.
    """

    blocking = True
    """Its methods wait for the network."""

    def __init__(self, redis: redis.Redis | str, *, prefix: str = "trudy:webhook:") -> None:
        if inspect.iscoroutinefunction(getattr(redis, "execute_command", None)):
            raise InvalidArgumentError(
                "redis must be a redis.Redis client or a URL, not an async client: nothing here awaits its answers",
                argument="redis",
            )
        self._redis = _connect(redis) if isinstance(redis, str) else redis
        self._prefix = prefix
        self._name = secrets.token_hex(8)

    @property
    def _owner(self) -> bytes:
        # With the process id, as a forked child has the same name, but must not drop the parent's claims.
        return f"{self._name}:{os.getpid()}:".encode()

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key for `ttl` seconds."""
        name, claim = self._prefix + key, self._owner + secrets.token_hex(8).encode()
        if self._redis.set(name, claim, nx=True, px=_milliseconds(ttl)):
            return "new"
        value = self._get(name)
        if value == claim:
            return "new"  # the first answer was lost, and the Redis client has asked again
        # None: the claim has just ended. Busy makes the sender try again, and the key is then free.
        return "done" if value == _DONE else "busy"

    def commit(self, key: str, ttl: float) -> None:
        """Mark a key as done for `ttl` seconds."""
        self._redis.set(self._prefix + key, _DONE, px=_milliseconds(ttl))

    def abandon(self, key: str) -> None:
        """Drop a claim of this guard."""
        self._redis.eval(_ABANDON, 1, self._prefix + key, self._owner)

    def _get(self, name: str) -> bytes | None:
        # The user's own client may be set to decode answers to text.
        value: bytes | str | None = self._redis.get(name)
        return value.encode() if isinstance(value, str) else value


def _connect(url: str) -> redis.Redis:
    try:
        import redis
    except ImportError:
        raise ConfigurationError("a Redis URL needs the extra: pip install 'trudy-python-sdk[redis]'") from None
    # Without a timeout, a Redis that hangs would hold a thread for each delivery.
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
    )


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
