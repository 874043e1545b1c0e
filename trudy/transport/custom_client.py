"""`http_client=`: a client the caller made (it stays on its loop, we never close it) or makes for each loop (we do).

Its own limits hold; no limiter of ours stands before it. `httpx2`, the maintained continuation of httpx, has equal
names, so a client is told by the module it comes from and nothing is imported for it.
"""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, field

from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.transport.exceptions import stranger
from trudy.transport.httpx_backend import Framings, HttpxReply, hang_up, send_over_httpx
from trudy.transport.tls_and_proxy import setup_error

if TYPE_CHECKING:
    from trudy._concurrency.loops import Loop
    from trudy.transport.pool_by_loop import AttemptTrace, Outgoing

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
            return CustomPool(self._make(), is_ours=True)
        if self._owner is not None and self._owner is not loop:
            raise ConfigurationError(
                "the http_client given was first used on another event loop and stays there; "
                "pass a function that makes one for each loop"
            )
        self._owner = loop
        return CustomPool(self._given, is_ours=False)

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
class CustomConnection:
    """One request through the caller's client."""

    pool: CustomPool

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> HttpxReply:
        pool = self.pool
        send = partial(pool.client.send, stream=True, auth=None, follow_redirects=False)
        return HttpxReply(await send_over_httpx(send, pool.library, request, attempt, pool.framings), pool.framings)


@define(eq=False)
class CustomPool:
    """The caller's client on one loop; its own limits hold."""

    client: Any
    is_ours: bool
    library: Any = field(init=False)
    framings: Framings = field(factory=lambda: Framings(), init=False)

    def __attrs_post_init__(self) -> None:
        self.library = library_of(self.client)

    async def take(self, origin: str, timeout: float | None) -> CustomConnection:
        if self.client.is_closed:
            raise ConfigurationError("the http_client given has been closed")
        return CustomConnection(self)

    def give_back(self, connection: CustomConnection) -> None:
        """The client has taken it back already."""

    async def discard(self, connection: CustomConnection) -> None:
        """The client closes it, or the reply did."""

    async def drop_connections(self) -> None:
        for stream, framing in list(self.framings.items()):
            is_idle = framing.is_clean
            framing.spoil()
            if is_idle:
                hang_up(stream)

    async def aclose(self) -> None:
        if self.is_ours:
            from anyio import CancelScope

            with CancelScope(shield=True):
                await self.client.aclose()


def library_of(client: object) -> Any:
    """The module of an async client, httpx or httpx2; None for anything else."""
    cls = next((cls for cls in type(client).__mro__ if _names(cls, "AsyncClient")), None)
    return None if cls is None else sys.modules[cls.__module__.split(".")[0]]


def _is_httpx(cls: type, name: str) -> bool:
    return any(_names(base, name) for base in cls.__mro__)


def _names(cls: type, name: str) -> bool:
    return cls.__name__ == name and cls.__module__.split(".")[0] in ("httpx", "httpx2")
