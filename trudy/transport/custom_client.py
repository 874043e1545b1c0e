"""`http_client=`: a client the caller made (it stays on its loop, we never close it) or makes for each loop (we do).

Its own limits hold; no limiter of ours stands before it. `httpx2`, the maintained continuation of httpx, has equal
names, so a client is told by the module it comes from and nothing is imported for it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.transport.httpx_backend import HttpxReply, httpx_request

if TYPE_CHECKING:
    from trudy._concurrency.loops import Loop
    from trudy.options import Timeout
    from trudy.request import Headers
    from trudy.transport.exceptions import AttemptTrace

_WANTED = (
    "http_client must be an httpx.AsyncClient, an httpx2.AsyncClient, or a function without arguments that makes one"
)


class CustomClient:
    """What was given as `http_client`; makes the pool of each loop from it."""

    def __init__(self, given: object) -> None:
        self._ready = library_of(given) is not None
        if not self._ready and (
            (inspect.isclass(given) and _is_httpx(given, "Client"))
            or not callable(given)
            or inspect.iscoroutinefunction(given)
        ):
            raise InvalidArgumentError(_WANTED, argument="http_client")
        self._given: Any = given
        self._owner: Loop | None = None

    def open_pool(self, loop: Loop) -> CustomPool:
        if not self._ready:
            return CustomPool(self._make)
        if self._owner is not None and self._owner is not loop:
            raise ConfigurationError(
                "the http_client given was first used on another event loop and stays there; "
                "pass a function that makes one for each loop"
            )
        self._owner = loop
        return CustomPool(lambda: self._given, ours=False)

    def _make(self) -> Any:
        client = self._given()
        if library_of(client) is None:
            raise InvalidArgumentError(f"{_WANTED}; it made {type(client).__name__}", argument="http_client")
        return client


@define(eq=False)
class _Client:
    client: Any
    library: Any
    attempts: set[AttemptTrace] = field(factory=lambda: set["AttemptTrace"](), init=False)
    retired: bool = field(default=False, init=False)


@define(eq=False)
class CustomConnection:
    """One request through the caller's client."""

    pool: CustomPool
    owner: _Client
    attempt: AttemptTrace | None = field(default=None, init=False)

    async def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: Timeout, attempt: AttemptTrace
    ) -> HttpxReply:
        client, library = self.owner.client, self.owner.library
        request = httpx_request(library, method, url, headers, body, timeout, attempt)
        self.attempt = attempt
        self.owner.attempts.add(attempt)
        try:
            return HttpxReply(await client.send(request, stream=True, auth=None, follow_redirects=False))
        except library.PoolTimeout:
            self.pool.starved(self.owner)
            raise


class CustomPool:
    """The caller's client on one loop. One whose pool died of cancellations is replaced, if we can make another."""

    def __init__(self, make: Callable[[], Any], *, ours: bool = True) -> None:
        self._make = make
        self._ours = ours
        self._closed = False
        self._retired: set[_Client] = set()
        self._current = self._new()

    @property
    def retired(self) -> int:
        """Clients replaced but still busy."""
        return len(self._retired)

    async def take(self, origin: str, timeout: float | None) -> CustomConnection:
        if self._current.client.is_closed:
            raise ConfigurationError("the http_client given has been closed")
        return CustomConnection(self, self._current)

    def give_back(self, connection: CustomConnection) -> None:
        if connection.attempt is not None:
            connection.owner.attempts.discard(connection.attempt)

    async def discard(self, connection: CustomConnection) -> None:
        self.give_back(connection)
        owner = connection.owner
        if owner.retired and not owner.attempts and owner in self._retired:
            self._retired.discard(owner)
            await _close(owner)

    def starved(self, owner: _Client) -> None:
        """A request waited in vain for a connection. If no other holds one either, the pool is dead: httpx 0.28 loses
        connections whose request was cancelled at the wrong moment."""
        if self._ours and owner is self._current and not any(attempt.reported for attempt in owner.attempts):
            owner.retired = True
            self._retired.add(owner)
            self._current = self._new()

    async def aclose(self) -> None:
        if self._ours:
            self._retired.add(self._current)
            while self._retired:
                await _close(self._retired.pop())

    def _new(self) -> _Client:
        client = self._make()
        return _Client(client, library_of(client))


def library_of(client: object) -> Any:
    """The module of an async client, httpx or httpx2; None for anything else."""
    cls = next((cls for cls in type(client).__mro__ if _names(cls, "AsyncClient")), None)
    return None if cls is None else sys.modules[cls.__module__.split(".")[0]]


def _is_httpx(cls: type, name: str) -> bool:
    return any(_names(base, name) for base in cls.__mro__)


def _names(cls: type, name: str) -> bool:
    return cls.__name__ == name and cls.__module__.split(".")[0] in ("httpx", "httpx2")


async def _close(owner: _Client) -> None:
    from anyio import CancelScope

    with CancelScope(shield=True):
        await owner.client.aclose()
