"""aiohttp (`http_backend="aiohttp"`): about half the CPU of httpx. asyncio only. Importing this needs the extra.

The session reports how far each attempt came, keeps no cookies, adds no headers, and refuses aiohttp's silent second
try of a dropped idempotent request, which the pipeline would not count.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import aiohttp
from anyio import CancelScope
from attrs import define, field
from yarl import URL

from trudy._concurrency.fifo_semaphore import FifoSemaphore
from trudy._concurrency.loops import Loop, is_asyncio
from trudy.errors import ConfigurationError
from trudy.transport.httpx_backend import KEEPALIVE, MAX_CONNECTIONS
from trudy.transport.pool_by_loop import joined

if TYPE_CHECKING:
    import ssl

    import httpx

    from trudy.options import Timeout
    from trudy.request import Headers
    from trudy.transport.exceptions import AttemptTrace
    from trudy.transport.tls_and_proxy import Network

_WELL_WRITTEN: Final = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]*", re.ASCII)


_PIECE: Final = 64 * 1024
"""Bytes that are sent without having to wait for the server: as many as the loop buffers."""


class SecondTryError(Exception):
    """aiohttp is about to send by itself what it has sent already."""


class WriteTimeoutError(TimeoutError):
    """The server takes no more of the body. aiohttp itself would wait for ever."""


@define(eq=False)
class _Pieces:
    """A body on its way: each piece has its own time to be taken."""

    _body: bytes = field(repr=False)
    _seconds: float | None
    _limit: asyncio.Timeout
    _sent: int = field(default=0, init=False)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = self._body[self._sent : self._sent + _PIECE]
        self._sent += len(piece)
        end = asyncio.get_running_loop().time() + self._seconds if piece and self._seconds is not None else None
        with suppress(RuntimeError):  # the limit is over: the answer came before all was sent
            self._limit.reschedule(end)
        if not piece:
            raise StopAsyncIteration
        return piece


class AiohttpReply:
    """aiohttp's answer."""

    __slots__ = ("_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers = joined(response.raw_headers)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()

    async def aclose(self) -> None:
        self._response.release()  # this closes the connection if there is more to come
        await self._response.wait_for_close()


@define(eq=False)
class AiohttpConnection:
    """The right to one connection of the session, to one origin."""

    _session: aiohttp.ClientSession
    _is_secure: bool
    _tls: ssl.SSLContext
    _proxy: URL | None = field(repr=False)

    async def send(
        self, method: str, url: str, headers: Headers, body: bytes | None, timeout: Timeout, attempt: AttemptTrace
    ) -> AiohttpReply:
        # A connection closed by the server while the loop stood still is only noticed when the loop turns: the first
        # turn polls the sockets, the second runs what it found, the third what TLS makes of it. Without it a POST would
        # fail on a dead connection.
        for _ in range(3 if self._is_secure else 2):
            await asyncio.sleep(0)
        if body is None or len(body) <= _PIECE:
            return await self._request(method, url, headers, body or None, timeout, attempt)
        sized = (*headers, ("Content-Length", str(len(body))))
        async with asyncio.timeout(None) as limit:
            try:
                return await self._request(method, url, sized, _Pieces(body, timeout.write, limit), timeout, attempt)
            except asyncio.CancelledError:
                if limit.expired():
                    raise WriteTimeoutError from None
                raise

    async def _request(
        self,
        method: str,
        url: str,
        headers: Headers,
        data: bytes | _Pieces | None,
        timeout: Timeout,
        attempt: AttemptTrace,
    ) -> AiohttpReply:
        response = await self._session.request(
            method,
            _as_written(url),
            headers=headers,
            data=data,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                connect=timeout.connect, sock_connect=timeout.connect, sock_read=timeout.read
            ),
            ssl=self._tls,
            proxy=self._proxy,
            trace_request_ctx=attempt,
        )
        return AiohttpReply(response)


class AiohttpPool:
    """The session of one loop, with a first-come-first-served limiter before it."""

    def __init__(self, loop: Loop, network: Network, *, max_connections: int = MAX_CONNECTIONS) -> None:
        if not is_asyncio(loop):
            raise ConfigurationError('http_backend="aiohttp" works on asyncio only; use "httpx" on trio')
        self._network = network
        self._limiter = FifoSemaphore(max_connections)
        self._connections: dict[str, AiohttpConnection] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE),
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

    async def aclose(self) -> None:
        self._connections.clear()
        with CancelScope(shield=True):
            await self._session.close()

    def _connect(self, origin: str) -> AiohttpConnection:
        proxy = self._network.proxy_for(origin)
        if proxy is not None and proxy.url.scheme not in ("http", "https"):
            raise ConfigurationError('http_backend="aiohttp" knows http:// and https:// proxies only')
        tls_peer = origin if proxy is None or proxy.url.scheme == "http" else "https://"
        is_secure = tls_peer[:6].lower() == "https:"
        connection = AiohttpConnection(self._session, is_secure, self._network.tls_for(tls_peer), _url_of(proxy))
        if len(self._connections) >= MAX_CONNECTIONS:  # recordings may come from ever new hosts
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


def _as_written(url: str) -> URL:
    """Left as it is, for yarl would unquote some of it; what no request can carry (a link may have it) is quoted."""
    try:
        parsed = URL(url, encoded=_WELL_WRITTEN.fullmatch(url) is not None)
        _ = parsed.port  # which yarl looks at no sooner
    except ValueError:
        raise aiohttp.InvalidURL(url) from None
    if not url.isprintable():  # yarl would leave line ends out
        raise aiohttp.InvalidURL(url)
    return parsed


def _url_of(proxy: httpx.Proxy | None) -> URL | None:
    if proxy is None:
        return None
    url = URL(str(proxy.url))
    return url if proxy.auth is None else url.with_user(proxy.auth[0]).with_password(proxy.auth[1])
