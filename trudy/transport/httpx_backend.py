"""The connections of one loop over httpx.

Each connection is an httpx transport of its own that may hold one connection; a fair semaphore gives them out. httpx's
own pool looks through all its connections twice for each request, and a connection whose request is cancelled at the
wrong moment stays taken for ever. A pool of one has nothing to look through, and is closed when its request breaks off.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from weakref import WeakKeyDictionary

from attrs import define, field

from trudy._concurrency.fifo_semaphore import FifoSemaphore
from trudy._hidden import Hidden
from trudy.errors import ConfigurationError
from trudy.transport.exceptions import ResponseTooLargeError
from trudy.transport.framing import MOST_HEAD_BYTES, Framing
from trudy.transport.pool_by_loop import combine_headers

if TYPE_CHECKING:
    import httpx

    from trudy.transport.pool_by_loop import AttemptTrace, Outgoing
    from trudy.transport.tls_and_proxy import Network

Framings: TypeAlias = WeakKeyDictionary[object, Framing]
"""What has come over each of httpx's network streams."""

_CONNECTED: Final = (".connect_tcp.complete", ".connect_unix_socket.complete", ".start_tls.complete")
_PIECE: Final = 256 * 1024
"""Bytes read at once, as many as asyncio takes from a socket: with fewer, some would wait unseen in its buffer."""


async def send_over_httpx(send: Any, library: Any, request: Outgoing, attempt: AttemptTrace, framings: Framings) -> Any:
    """Send the request by `send`, a method of httpx, and note in `attempt` how far it came.

    httpx's request shows its URL in a traceback with local variables, so no variable holds it.
    """

    async def trace(name: str, info: Mapping[str, object]) -> None:
        await attempt.trace(name, info)
        if name.endswith(_CONNECTED):
            _follow(info.get("return_value"), framings)

    timeout = request.timeout
    seconds = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
    return await send(
        library.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body,
            extensions={"timeout": seconds, "trace": trace},
        )
    )


def _follow(stream: Any, framings: Framings) -> None:
    """Have a new network stream of httpx report to a `Framing` what is read and written."""
    framing = Framing()
    read, write = stream.read, stream.write

    async def followed_read(max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = await read(max(max_bytes, _PIECE), timeout)
        belonging = framing.received(data)
        if framing.is_head_too_large:
            raise ResponseTooLargeError(f"its headers have more than {MOST_HEAD_BYTES // 1024} KiB")
        return data[:belonging] or data  # to return no bytes would mean the end of the connection

    def followed_write(buffer: bytes, timeout: float | None = None) -> Awaitable[None]:
        framing.sent(buffer)
        return cast("Awaitable[None]", write(buffer, timeout))  # not awaited here, where a traceback would show the key

    stream.read, stream.write = followed_read, followed_write
    framings[stream] = framing


def hang_up(stream: Any) -> None:
    """End a network stream of httpx: its pool closes it when it next looks at it."""
    import socket

    with suppress(OSError):  # it is closed already
        stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


def is_silent(stream: Any) -> bool:
    """Whether TLS has decrypted no byte on an idle network stream that httpx has not read."""
    import ssl

    tls = stream.get_extra_info("ssl_object")
    if tls is None:
        return True  # httpx looks at the socket itself
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return True
    except (OSError, ValueError):
        return False
    return False


class HttpxReply:
    """An answer of httpx."""

    __slots__ = ("_framing", "_headers", "_pieces", "_response", "status", "stream")

    def __init__(self, response: httpx.Response, framings: Framings) -> None:
        self._response = Hidden(response)  # it leads to the request, and so to the key
        self._pieces: AsyncIterator[bytes] | None = None
        self.stream: Any = response.extensions.get("network_stream")
        """The network stream; None for a mock."""
        # HTTP/2, which a caller's own client may use, tells by itself which answer a byte belongs to.
        is_followed = self.stream is not None and response.http_version != "HTTP/2"
        self._framing = framings.get(self.stream) if is_followed else None
        self.status = response.status_code
        self._headers = Hidden(combine_headers(response.headers.raw))

    @property
    def headers(self) -> Mapping[str, str]:
        """Hidden where it is kept: a redirect's target may be a signed link."""
        return self._headers.reveal()

    @property
    def is_clean(self) -> bool:
        # A connection that the caller's client had before it was given to us was not followed.
        return self._framing is None or self._framing.is_clean

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Not `aiter_raw`: after a fault its nested generators would be left to the garbage collector.
        self._pieces = aiter(cast("AsyncIterable[bytes]", self._response.reveal().stream))
        return self._pieces

    async def aclose(self, *, keep: bool) -> None:
        await self._response.reveal().aclose()
        if self._pieces is not None:  # the connection is closed: this ends at once, and closes httpx's generators
            async for _ in self._pieces:
                pass
        if self._framing is not None and not (keep and self._framing.is_clean):
            hang_up(self.stream)


def _load_httpcore() -> None:
    """httpx loads it with its first connection, and it loads trio, where that is installed."""
    try:
        import_module("httpcore")
    except AttributeError:
        raise ConfigurationError(
            "httpx loads trio, which cannot be loaded where eventlet has patched the standard library: "
            'uninstall trio, or give http_backend="aiohttp"'
        ) from None


MAX_CONNECTIONS: Final = 100
"""Connections of one loop. The server takes 100 requests a minute, so more would be idle; with fewer, the burst when a
rate window opens would queue up."""
KEEPALIVE: Final = 60.0
"""Seconds a connection may be idle. The server's proxy drops it after about 75: longer risks a request on a dead
connection, shorter costs new connections."""


@define(eq=False)
class HttpxConnection:
    """One connection (opened when first used) to one origin."""

    origin: str
    _library: Any
    _transport: Hidden[httpx.AsyncHTTPTransport]
    """It knows the request under way, and the password of a proxy."""
    idle_since: float = field(default=0.0, init=False)
    is_unfit: bool = field(default=False, init=False)
    """Whether it must not carry another request."""
    _framings: Framings = field(factory=lambda: Framings(), init=False)
    _stream: Any = field(default=None, init=False)

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> HttpxReply:
        send = self._transport.reveal().handle_async_request
        reply = HttpxReply(await send_over_httpx(send, self._library, request, attempt, self._framings), self._framings)
        self._stream = reply.stream
        return reply

    @property
    def is_fit(self) -> bool:
        """Whether it may carry another request."""
        return not self.is_unfit and (self._stream is None or is_silent(self._stream))

    async def aclose(self) -> None:
        from anyio import CancelScope

        with CancelScope(shield=True):
            await self._transport.reveal().aclose()


class HttpxPool:
    """At most `max_connections`; the last one used is used next, so that surplus ones stay idle and close."""

    def __init__(
        self, network: Network, *, max_connections: int = MAX_CONNECTIONS, keepalive: float = KEEPALIVE
    ) -> None:
        import httpx

        _load_httpcore()
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
            while idle := self._idle.get(origin):
                self._idle_count -= 1
                connection = idle.pop()
                if connection.is_fit:
                    return connection
                self._all.discard(connection)
                await connection.aclose()
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

    async def drop_connections(self) -> None:
        for connection in self._all:
            connection.is_unfit = True
        idle = [each for group in self._idle.values() for each in group]
        self._idle.clear()
        self._idle_count = 0
        self._all.difference_update(idle)
        for connection in idle:
            await connection.aclose()

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
        connection = HttpxConnection(origin, self._httpx, Hidden(transport))
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
