"""`http_client=`: a client that the caller made, or a function that makes one for each event loop.

A ready client stays on its loop, and is left to its owner to close; those made by the function are closed here. The
client's own limits hold. httpx 0.28 loses connections whose requests are cancelled at the wrong moment, until its pool
has none left. Then a client made by the function is replaced; a ready one cannot be, and the error says what happened.

httpx2, the maintained continuation of httpx, has classes of the same names. So a client is recognised by the module of
its class, and neither library is imported for it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field

from trudy.errors import APITimeoutError, ConfigurationError, InvalidArgumentError
from trudy.transport.exceptions import stranger
from trudy.transport.httpx_backend import Framings, HttpxReply, hang_up, send_over_httpx
from trudy.transport.tls_and_proxy import setup_error

if TYPE_CHECKING:
    from trudy._concurrency.loops import Loop
    from trudy.transport.pool_by_loop import AttemptTrace, Outgoing

_LOST_CONNECTIONS = (
    "no free connection in time, though none of this client's requests has one: the pool of http_client has lost its"
    " connections, as that of httpx 0.28 does when requests are cancelled; pass a function that makes the client, which"
    " is then replaced, or an httpx2.AsyncClient"
)
_WANTED = (
    "http_client must be an httpx.AsyncClient, an httpx2.AsyncClient, or a function without arguments that makes one"
)


class CustomClient:
    """What was given as `http_client`: makes the pool of each loop from it."""

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
            return CustomPool(self._make(), make=self._make)
        if self._owner is not None and self._owner is not loop:
            raise ConfigurationError(
                "the http_client given was first used on another event loop and stays there; "
                "pass a function that makes one for each loop"
            )
        self._owner = loop
        return CustomPool(self._given)

    def _make(self) -> Any:
        try:
            client = self._given()
        except Exception as fault:
            other = stranger(fault)
            if other is not None:
                raise other from other.__cause__
            error = setup_error("the function given as http_client failed", fault)
        else:
            if library_of(client) is None:
                raise InvalidArgumentError(f"{_WANTED}; it made {type(client).__name__}", argument="http_client")
            return client
        raise error


@define(eq=False)
class _Client:
    """A client, and the requests that are under way through it."""

    client: Any
    library: Any
    requests: set[CustomConnection] = field(factory=lambda: set["CustomConnection"](), init=False)
    has_reported: bool = field(default=False, init=False)
    """Whether it ever reported how far a request came; not every transport of httpx does."""

    def is_busy_beside(self, request: CustomConnection) -> bool:
        """Whether another request has a connection of it."""
        return any(each is not request and each.has_connection for each in self.requests)


@define(eq=False)
class CustomConnection:
    """One request through the caller's client."""

    pool: CustomPool
    used: _Client | None = field(default=None, init=False)
    _attempt: AttemptTrace | None = field(default=None, init=False)

    @property
    def has_connection(self) -> bool:
        """Whether the client has reported that the request has a connection."""
        return self._attempt is not None and self._attempt.reported

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> HttpxReply:
        self._attempt = attempt
        for _ in range(2):
            reply = await self._send_through(self.pool.current, request, attempt)
            if reply is not None:
                return reply
            if not self.pool.replace(self.used):
                break
        # Out here, where the library's exception, which holds the key, is not the context of this one.
        raise APITimeoutError(_LOST_CONNECTIONS, request_sent=False)

    async def _send_through(self, used: _Client, request: Outgoing, attempt: AttemptTrace) -> HttpxReply | None:
        """Send through this client; None where its pool has lost its connections, and nothing was sent."""
        self.leave()
        self.used = used
        used.requests.add(self)
        send = partial(used.client.send, stream=True, auth=None, follow_redirects=False)
        framings = self.pool.framings
        try:
            return HttpxReply(await send_over_httpx(send, used.library, request, attempt, framings), framings)
        except used.library.PoolTimeout:
            # A client that reports requests would have reported this one, had it begun to send it.
            attempt.reported = attempt.reported or used.has_reported
            if not attempt.nothing_sent or used.is_busy_beside(self):
                raise
            attempt.reported = False
            return None
        finally:
            used.has_reported = used.has_reported or attempt.reported

    def leave(self) -> None:
        """The request is no longer under way."""
        if self.used is not None:
            self.used.requests.discard(self)


class CustomPool:
    """The caller's client on one loop. Without `make` it cannot be replaced, and is not closed."""

    def __init__(self, client: Any, *, make: Callable[[], Any] | None = None) -> None:
        self.framings: Framings = Framings()
        self._make = make
        self.current = _Client(client, library_of(client))
        self._replaced: list[_Client] = []

    async def take(self, origin: str, timeout: float | None) -> CustomConnection:
        if self.current.client.is_closed:
            raise ConfigurationError("the http_client given has been closed")
        for client in [client for client in self._replaced if not client.requests]:
            self._replaced.remove(client)
            await _close(client)
        return CustomConnection(self)

    def replace(self, lost: _Client | None) -> bool:
        """Make a client in place of one whose pool has lost its connections; whether there is another one now."""
        if lost is self.current:
            if self._make is None:
                return False
            client = self._make()
            self._replaced.append(self.current)
            self.current = _Client(client, library_of(client))
        return True

    def give_back(self, connection: CustomConnection) -> None:
        """The client itself has taken back what carried the request."""
        connection.leave()

    async def discard(self, connection: CustomConnection) -> None:
        """What carried the request was closed by the client, or with the reply."""
        connection.leave()

    async def drop_connections(self) -> None:
        for stream, framing in list(self.framings.items()):
            is_idle = framing.is_clean
            framing.spoil()
            if is_idle:
                hang_up(stream)

    async def aclose(self) -> None:
        if self._make is not None:
            while self._replaced:
                await _close(self._replaced.pop())
            await _close(self.current)


async def _close(client: _Client) -> None:
    from anyio import CancelScope

    with CancelScope(shield=True):
        await client.client.aclose()


def library_of(client: object) -> Any:
    """The module of an async client, httpx or httpx2; None for anything else."""
    cls = next((cls for cls in type(client).__mro__ if _names(cls, "AsyncClient")), None)
    return None if cls is None else sys.modules[cls.__module__.split(".")[0]]


def _is_httpx(cls: type, name: str) -> bool:
    return any(_names(base, name) for base in cls.__mro__)


def _names(cls: type, name: str) -> bool:
    return cls.__name__ == name and cls.__module__.split(".")[0] in ("httpx", "httpx2")
