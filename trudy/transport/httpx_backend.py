"""The connections of one loop over plain httpx.

Each connection is an httpx transport of its own with room for one, and a first-come-first-served limiter stands before
them. httpx's own pool looks at every connection twice a request, and one cancelled at the wrong moment stays taken for
ever; a pool of one has nothing to look through, and is thrown away whole when its request broke off.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import define, field

from trudy._concurrency.fifo_semaphore import FifoSemaphore
from trudy.transport.pool_by_loop import joined

if TYPE_CHECKING:
    import httpx

    from trudy.options import Timeout
    from trudy.request import Headers
    from trudy.transport.exceptions import AttemptTrace
    from trudy.transport.tls_and_proxy import Network


def httpx_request(
    library: Any, method: str, url: str, headers: Headers, body: bytes | None, timeout: Timeout, attempt: AttemptTrace
) -> httpx.Request:
    """The library's request, which reports to `attempt` how far it came."""
    seconds = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
    request: httpx.Request = library.Request(
        method, url, headers=headers, content=body, extensions={"timeout": seconds, "trace": attempt.trace}
    )
    return request


class HttpxReply:
    """The library's answer."""

    __slots__ = ("_pieces", "_response", "headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._pieces: AsyncIterator[bytes] | None = None
        self.status = response.status_code
        self.headers = joined(response.headers.raw)

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Not `aiter_raw`, whose nested generators would be left to the garbage collector at a fault.
        self._pieces = aiter(cast("AsyncIterable[bytes]", self._response.stream))
        return self._pieces

    async def aclose(self) -> None:
        await self._response.aclose()
        if self._pieces is not None:  # on the closed connection this runs into the end and winds up httpx's generators
            async for _ in self._pieces:
                pass


MAX_CONNECTIONS: Final = 100
"""Of one loop. CPU per request hardly depends on it, and the server takes 100 requests a minute."""
KEEPALIVE: Final = 60.0
"""Seconds a connection may be idle; the server's proxy drops it after about 75."""


@define(eq=False)
class HttpxConnection:
    """One connection (opened when first used) to one origin."""

    origin: str
    _library: Any
    _transport: httpx.AsyncHTTPTransport
    idle_since: float = field(default=0.0, init=False)

    async def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: Timeout, attempt: AttemptTrace
    ) -> HttpxReply:
        request = httpx_request(self._library, method, url, headers, body, timeout, attempt)
        return HttpxReply(await self._transport.handle_async_request(request))

    async def aclose(self) -> None:
        from anyio import CancelScope

        with CancelScope(shield=True):
            await self._transport.aclose()


class HttpxPool:
    """At most so many connections, the most recently used first, so that surplus ones grow old and close."""

    def __init__(
        self, network: Network, *, max_connections: int = MAX_CONNECTIONS, keepalive: float = KEEPALIVE
    ) -> None:
        import httpx

        self._httpx = httpx
        self._network = network
        self._max = max_connections
        self._keepalive = keepalive
        self._limiter = FifoSemaphore(max_connections)
        self._all: set[HttpxConnection] = set()
        self._idle: dict[str, list[HttpxConnection]] = {}
        self._idle_count = 0
        self._next_sweep = 0.0

    @property
    def connections(self) -> int:
        """How many there are, idle or not."""
        return len(self._all)

    @property
    def limiter(self) -> FifoSemaphore:
        return self._limiter

    async def take(self, origin: str, timeout: float | None) -> HttpxConnection | None:
        if not await self._limiter.acquire(timeout):
            return None
        try:
            if self._idle_count:
                await self._close_surplus(origin)
            idle = self._idle.get(origin)
            if idle:
                self._idle_count -= 1
                return idle.pop()
            return self._connect(origin)
        except BaseException:
            self._limiter.release()
            raise

    def give_back(self, connection: HttpxConnection) -> None:
        if connection in self._all:
            connection.idle_since = time.monotonic()
            self._idle.setdefault(connection.origin, []).append(connection)
            self._idle_count += 1
        self._limiter.release()

    async def discard(self, connection: HttpxConnection) -> None:
        self._all.discard(connection)
        try:
            await connection.aclose()
        finally:
            self._limiter.release()

    async def aclose(self) -> None:
        self._idle.clear()
        self._idle_count = 0
        while self._all:
            await self._all.pop().aclose()

    def _connect(self, origin: str) -> HttpxConnection:
        transport = self._httpx.AsyncHTTPTransport(
            verify=self._network.tls_for(origin),
            proxy=self._network.proxy_for(origin),
            trust_env=False,
            limits=self._httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=self._keepalive),
        )
        connection = HttpxConnection(origin, self._httpx, transport)
        self._all.add(connection)
        return connection

    async def _close_surplus(self, origin: str) -> None:
        """Close the connections that are too old, or one of another origin where room is needed."""
        now = time.monotonic()
        full = len(self._all) >= self._max and not self._idle.get(origin)
        if not full and now < self._next_sweep:
            return
        self._next_sweep = now + self._keepalive / 4
        by_age = sorted((each for idle in self._idle.values() for each in idle), key=lambda each: each.idle_since)
        for index, each in enumerate(by_age):
            if now - each.idle_since > self._keepalive or (full and index == 0):
                self._idle[each.origin].remove(each)
                self._idle_count -= 1
                self._all.discard(each)
        for each in by_age:
            if each not in self._all:
                await each.aclose()
