"""aiohttp (`http_backend="aiohttp"`): about half the CPU of httpx. asyncio only. Importing this needs the extra.

The session reports how far each attempt came, keeps no cookies and adds no headers. By itself aiohttp repeats a dropped
idempotent request; that is refused, since the pipeline would not count it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

import aiohttp
from anyio import CancelScope
from attrs import define, field
from yarl import URL

from trudy._concurrency.fifo_semaphore import FifoSemaphore
from trudy._concurrency.loops import Loop, is_asyncio
from trudy._hidden import Hidden
from trudy.errors import ConfigurationError
from trudy.transport.exceptions import ResponseTooLargeError
from trudy.transport.framing import MOST_HEAD_BYTES, Framing
from trudy.transport.httpx_backend import KEEPALIVE, MAX_CONNECTIONS
from trudy.transport.pool_by_loop import combine_headers

if TYPE_CHECKING:
    import ssl

    import httpx
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from trudy.request import Headers
    from trudy.transport.pool_by_loop import AttemptTrace, Outgoing
    from trudy.transport.tls_and_proxy import Network

_WELL_WRITTEN: Final = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]*", re.ASCII)


_PIECE: Final = 64 * 1024
"""Bytes that are sent without waiting for the server, as many as the loop buffers. Longer bodies go in pieces of this
size, each with its own time limit."""


class SecondTryError(Exception):
    """aiohttp is about to send by itself a request that it has sent already."""


class WriteTimeoutError(TimeoutError):
    """The server takes no more of the body in time. aiohttp itself would wait for ever."""


@define(eq=False)
class _Pieces:
    """A body sent in pieces, each with its own time limit."""

    _body: Hidden[bytes]
    _seconds: float | None
    _limit: asyncio.Timeout
    _sent: int = field(default=0, init=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = self._body.reveal()[self._sent : self._sent + _PIECE]
        self._sent += len(piece)
        end = asyncio.get_running_loop().time() + self._seconds if piece and self._seconds is not None else None
        with suppress(RuntimeError):  # the answer came before all was sent, and ended the limit
            self._limit.reschedule(end)
        if not piece:
            raise StopAsyncIteration
        return piece


class _Follower(asyncio.Protocol):
    """Stands between a transport and aiohttp's handler, and reports the bytes that pass to a `Framing`."""

    def __init__(self, handler: ResponseHandler, transport: asyncio.Transport) -> None:
        self._handler = handler
        self._transport = transport
        self.framing = Framing()

    def data_received(self, data: bytes) -> None:
        belonging = self.framing.received(data)
        if self.framing.is_head_too_large:
            self._handler.set_exception(
                ResponseTooLargeError(f"its headers have more than {MOST_HEAD_BYTES // 1024} KiB")
            )
            self._transport.abort()
        elif belonging:
            self._handler.data_received(data[:belonging])

    def eof_received(self) -> None:
        self._handler.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def drop(self) -> None:
        """Close the connection: at once if it is idle, else after its answer."""
        if self.framing.is_clean:
            self._transport.close()
        self.framing.spoil()

    def close(self) -> None:
        self._transport.close()


class _Connector(aiohttp.TCPConnector):
    """Gives out no connection with bytes that nobody asked for: aiohttp would take them for the next answer."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=KEEPALIVE)  # pyright: ignore[reportUnknownMemberType]
        self._followers: WeakSet[_Follower] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        given, first_line = Hidden(req), f"{req.method} ".encode()
        del req  # it knows the key and a proxy's password, and a traceback would show it
        while True:
            connection = await super().connect(given.reveal(), traces, timeout)
            handler, transport = connection.protocol, connection.transport
            if handler is None or transport is None:
                return connection
            follower = transport.get_protocol()
            if not isinstance(follower, _Follower):
                follower = _Follower(handler, transport)
                transport.set_protocol(follower)
                self._followers.add(follower)
            elif not follower.framing.is_clean:
                connection.close()
                continue
            follower.framing.sent(first_line)
            return connection

    def drop_connections(self) -> None:
        for follower in list(self._followers):
            follower.drop()


class _FollowedResponse(aiohttp.ClientResponse):
    """Keeps the follower of its connection, which aiohttp takes back as soon as the answer is whole."""

    follower: _Follower | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"  # aiohttp's own shows the URL

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = None if connection.transport is None else connection.transport.get_protocol()
        self.follower = protocol if isinstance(protocol, _Follower) else None
        starting = super().start(connection)
        del self, connection  # they know the request, and so the key, and a traceback would show them
        return await starting


class AiohttpReply:
    """aiohttp's answer."""

    __slots__ = ("_follower", "_headers", "_response", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = Hidden(response)  # it knows the request, and so the key
        self._follower = response.follower if isinstance(response, _FollowedResponse) else None
        self.status = response.status
        self._headers = Hidden(combine_headers(response.raw_headers))

    @property
    def headers(self) -> Mapping[str, str]:
        """Hidden where it is kept: a redirect's target may be a signed link."""
        return self._headers.reveal()

    @property
    def is_clean(self) -> bool:
        return self._follower is not None and self._follower.framing.is_clean

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.reveal().content.iter_any()

    async def aclose(self, *, keep: bool) -> None:
        self._response.reveal().release()  # closes the connection if there is more to come
        await self._response.reveal().wait_for_close()
        if self._follower is not None and not (keep and self.is_clean):
            self._follower.close()


@define(eq=False)
class AiohttpConnection:
    """The right to use one connection of the session, to one origin."""

    _session: aiohttp.ClientSession
    _is_secure: bool
    _tls: ssl.SSLContext
    _proxy: Hidden[URL | None]
    """Its URL may hold a password."""

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> AiohttpReply:
        # A connection that the server closed while the loop stood still is only noticed when the loop turns: the first
        # turn polls the sockets, the second reads from them, the third lets TLS handle that. Without these turns a POST
        # would fail on a dead connection.
        for _ in range(3 if self._is_secure else 2):
            await asyncio.sleep(0)
        if request.body is None or len(request.body) <= _PIECE:
            return await self._request(request, None, attempt)
        async with asyncio.timeout(None) as limit:
            try:
                return await self._request(
                    request, _Pieces(Hidden(request.body), request.timeout.write, limit), attempt
                )
            except asyncio.CancelledError:
                if limit.expired():
                    raise WriteTimeoutError from None
                raise

    async def _request(self, request: Outgoing, pieces: _Pieces | None, attempt: AttemptTrace) -> AiohttpReply:
        timeout = request.timeout
        return AiohttpReply(
            await self._session.request(
                request.method,
                _as_written(request),
                headers=request.headers if pieces is None else _framed(request),
                data=pieces or request.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout.connect, sock_connect=timeout.connect, sock_read=timeout.read
                ),
                ssl=self._tls,
                proxy=self._proxy.reveal(),
                trace_request_ctx=attempt,
            )
        )


class AiohttpPool:
    """The session of one loop, with a fair semaphore before it."""

    def __init__(self, loop: Loop, network: Network, *, max_connections: int = MAX_CONNECTIONS) -> None:
        if not is_asyncio(loop):
            raise ConfigurationError('http_backend="aiohttp" works on asyncio only; use "httpx" on trio')
        self._network = network
        self._limiter = FifoSemaphore(max_connections)
        self._connections: dict[str, AiohttpConnection] = {}
        self._connector = _Connector()
        self._session = aiohttp.ClientSession(
            connector=self._connector,
            response_class=_FollowedResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
            trace_configs=[_reports()],
        )

    @property
    def limiter(self) -> FifoSemaphore:
        return self._limiter

    async def take(self, origin: str, timeout: float | None) -> AiohttpConnection | None:
        if not await self._limiter.acquire(timeout):
            return None
        try:
            return self._connections.get(origin) or self._connect(origin)
        except BaseException:
            self._limiter.release()
            raise

    def give_back(self, connection: AiohttpConnection) -> None:
        self._limiter.release()

    async def discard(self, connection: AiohttpConnection) -> None:
        self._limiter.release()  # aiohttp itself closes a connection whose answer was not read to its end

    async def drop_connections(self) -> None:
        self._connector.drop_connections()

    async def aclose(self) -> None:
        self._connections.clear()
        with CancelScope(shield=True):
            await self._session.close()

    def _connect(self, origin: str) -> AiohttpConnection:
        proxy = self._network.proxy_for(origin)
        tls_peer = origin if proxy is None or proxy.url.scheme == "http" else "https://"
        is_secure = tls_peer[:6].lower() == "https:"
        connection = AiohttpConnection(
            self._session, is_secure, self._network.tls_for(tls_peer), Hidden(_url_of(proxy))
        )
        if len(self._connections) >= MAX_CONNECTIONS:  # recordings may each come from another host
            del self._connections[next(iter(self._connections))]
        self._connections[origin] = connection
        return connection


def _reports() -> aiohttp.TraceConfig:
    config = aiohttp.TraceConfig()

    async def on_request_start(session: object, context: SimpleNamespace, params: object) -> None:
        context.trace_request_ctx.reported = True

    async def on_headers_sent(session: object, context: SimpleNamespace, params: object) -> None:
        attempt: AttemptTrace = context.trace_request_ctx
        if attempt.started:
            raise SecondTryError
        attempt.started = True

    config.on_request_start.append(on_request_start)
    config.on_request_headers_sent.append(on_headers_sent)
    return config


def _as_written(request: Outgoing) -> URL:
    """The URL as it is, since yarl would unquote some of it; characters that no request can carry are quoted."""
    try:
        parsed = URL(request.url, encoded=_WELL_WRITTEN.fullmatch(request.url) is not None)
        _ = parsed.port  # yarl checks the port only when it is asked for
    except ValueError:
        parsed = None
    if parsed is None or not request.url.isprintable():  # yarl would drop line ends
        raise aiohttp.InvalidURL("")
    return parsed


def _framed(request: Outgoing) -> Headers:
    """The headers with the body's length: without it aiohttp would send the pieces with chunked encoding."""
    return (*request.headers, ("Content-Length", str(len(request.body or b""))))


def _url_of(proxy: httpx.Proxy | None) -> URL | None:
    if proxy is None:
        return None
    url = URL(str(proxy.url))
    return url if proxy.auth is None else url.with_user(proxy.auth[0]).with_password(proxy.auth[1])
