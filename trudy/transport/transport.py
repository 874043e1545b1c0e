"""One attempt: a request out, an answer in, or an error that says honestly whether anything was sent.

It knows no HTTP library: what speaks to one is `connections`, `callers_client` or `aiohttp_backend`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

from trudy.errors import APIConnectionError, ConfigurationError, InvalidArgumentError
from trudy.options import Timeout
from trudy.request import Headers, Request, Response
from trudy.transport.custom_client import CustomClient
from trudy.transport.decompress import Decompressor, decompressed
from trudy.transport.exceptions import AttemptTrace, connection_error, timeout_error
from trudy.transport.httpx_backend import MAX_CONNECTIONS, HttpxPool
from trudy.transport.pool_by_loop import Connection, Pool, PoolByLoop
from trudy.transport.tls_and_proxy import Network, check_socks

if TYPE_CHECKING:
    import ssl

    from trudy._concurrency.loops import Loop
    from trudy.transport.pool_by_loop import Reply

Backend: TypeAlias = Literal["httpx", "aiohttp"]
MAX_REDIRECTS: Final = 5


class Transport:
    """Sends requests from any event loop, over one pool for each.

    No cookies, no authentication of its own, no redirects: the headers sent are the request's, plus `Host` and
    `Content-Length`. A proxy comes from the argument, else from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY,
    NO_PROXY), as in httpx.
    """

    def __init__(
        self,
        *,
        backend: Backend = "httpx",
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        http_client: object = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if backend not in ("httpx", "aiohttp"):
            raise InvalidArgumentError('http_backend must be "httpx" or "aiohttp"', argument="http_backend")
        self._backend = backend
        self._max_connections = max_connections
        if http_client is not None and (backend != "httpx" or proxy is not None or ssl_context is not None):
            raise ConfigurationError(
                "http_client= brings its own connections: give http_backend, proxy and ssl_context to it, not here"
            )
        self._network = Network(proxy=proxy, ssl_context=ssl_context)
        if backend == "httpx":
            check_socks(proxy)
        self._client = None if http_client is None else CustomClient(http_client)
        self._pools = PoolByLoop(self._open_pool)

    async def aclose(self) -> None:
        """Close this loop's connections and have the other loops close theirs. May be called again, from any loop."""
        await self._pools.aclose()

    async def send(self, request: Request) -> Response:
        """One attempt. An answer whose status says enough (300 and up) is one even if its body breaks off.

        Raises:
            APIConnectionError: no answer; `request_sent` is False only with proof.
            APITimeoutError: no answer in time.
        """
        pool = await self._pools.here()
        url, timeout, method, path = request.url, request.timeout, request.method, request.path
        connection = await pool.take(_origin(url), timeout.pool)
        if connection is None:
            raise timeout_error("pool", timeout=timeout, request_sent=False, method=method, path=path)
        attempt = AttemptTrace()
        whole = False
        try:
            reply = await connection.send(method, url, request.headers, request.body, timeout, attempt)
            try:
                body, whole = await _read(reply)
            except Exception:
                if reply.status < 300:
                    raise
                body = b""
            return Response(status=reply.status, headers=reply.headers, body=body)
        except Exception as fault:
            error = connection_error(fault, attempt, timeout=timeout, method=method, path=path)
        finally:
            if whole:
                pool.give_back(connection)
            else:
                await pool.discard(connection)
        raise error  # out here, where the library's exception, which holds the key, is not its context

    @asynccontextmanager
    async def stream(
        self, url: str, *, headers: Mapping[str, str] | Headers = (), timeout: Timeout
    ) -> AsyncGenerator[Streamed]:
        """GET a file from any host over http(s), following up to 5 redirects. Pass no key in `headers`."""
        pairs = tuple(headers.items()) if isinstance(headers, Mapping) else headers
        pool = await self._pools.here()
        for _ in range(MAX_REDIRECTS + 1):
            streamed = await _open_stream(pool, url, pairs, timeout)
            try:
                target = streamed.redirect_to
                if target is None:
                    yield streamed
                    return
                url = _joined(url, target)
            finally:
                await streamed.aclose()
        raise APIConnectionError("too many redirects", method="GET", path=_path(url))

    def _open_pool(self, loop: Loop) -> Pool:
        if self._client is not None:
            return self._client.open_pool(loop)
        if self._backend == "aiohttp":
            try:
                from trudy.transport.aiohttp_backend import AiohttpPool
            except ImportError:
                raise ConfigurationError(
                    'http_backend="aiohttp" needs an extra: pip install trudy-python-sdk[aiohttp]'
                ) from None
            return AiohttpPool(loop, self._network, max_connections=self._max_connections)
        return HttpxPool(self._network, max_connections=self._max_connections)


class Streamed:
    """An answer whose body is read piece by piece."""

    def __init__(
        self, pool: Pool, connection: Connection, attempt: AttemptTrace, *, url: str, timeout: Timeout
    ) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._attempt = attempt
        self._timeout = timeout
        self._path = _path(url)
        self._reply: Reply | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._decompressor: Decompressor | None = None
        self._whole = False
        self.status = 0
        """The HTTP status."""
        self.headers: Mapping[str, str] = {}
        """Lower-case names."""

    @property
    def redirect_to(self) -> str | None:
        """Where a redirect points."""
        return self.headers.get("location") if self.status in (301, 302, 303, 307, 308) else None

    async def open(self, url: str, headers: Headers) -> None:
        assert self._connection is not None  # noqa: S101
        try:
            self._reply = await self._connection.send("GET", url, headers, None, self._timeout, self._attempt)
            self.status = self._reply.status
            self.headers = self._reply.headers
            self._decompressor = Decompressor(self.headers.get("content-encoding", "identity"))
            return
        except Exception as fault:
            error = self._error(fault)
        raise error

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, decompressed if the server compressed it. To be read once.

        Raises:
            APIConnectionError: it broke off.
            APITimeoutError: no piece arrived in time.
        """
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        assert self._reply is not None  # noqa: S101
        assert self._decompressor is not None  # noqa: S101
        if self._pieces is None:
            self._pieces = aiter(self._reply)
        try:
            piece = await anext(self._pieces, None)
            if piece is not None:
                return self._decompressor.decompress(piece)
            self._whole = await _close(self._reply)
            self._decompressor.finish()
        except Exception as fault:
            error = self._error(fault)
        else:
            raise StopAsyncIteration
        raise error

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._whole:
            self._pool.give_back(connection)
            return
        try:
            if self._reply is not None:
                await _close(self._reply)
        finally:
            await self._pool.discard(connection)

    def _error(self, fault: Exception) -> APIConnectionError:
        return connection_error(fault, self._attempt, timeout=self._timeout, method="GET", path=self._path)


async def _open_stream(pool: Pool, url: str, headers: Headers, timeout: Timeout) -> Streamed:
    path = _path(url)
    if not url.lower().startswith(("http://", "https://")):
        raise APIConnectionError(
            "the link is neither http:// nor https://", request_sent=False, method="GET", path=path
        )
    connection = await pool.take(_origin(url), timeout.pool)
    if connection is None:
        raise timeout_error("pool", timeout=timeout, request_sent=False, method="GET", path=path)
    streamed = Streamed(pool, connection, AttemptTrace(), url=url, timeout=timeout)
    try:
        await streamed.open(url, headers)
    except BaseException:
        await streamed.aclose()
        raise
    return streamed


async def _read(reply: Reply) -> tuple[bytes, bool]:
    """The body, and whether the connection is fit for another request."""
    try:
        body = b"".join([piece async for piece in reply])
    except BaseException:
        await _close(reply)
        raise
    try:
        await reply.aclose()
        whole = True
    except Exception as fault:
        whole = _not_closed(fault)
    encoding = reply.headers.get("content-encoding")
    return body if encoding is None else decompressed(body, encoding), whole


async def _close(reply: Reply) -> bool:
    """Close an answer, whatever is left of it; whether that went well. A fault here would hide the one that matters."""
    from anyio import move_on_after

    with move_on_after(1.0, shield=True):
        try:
            await reply.aclose()
        except Exception as fault:
            return _not_closed(fault)
        return True
    return False


def _not_closed(fault: Exception) -> Literal[False]:
    import logging

    logging.getLogger("trudy").debug("closing an answer failed: %s", type(fault).__name__)
    return False


def _origin(url: str) -> str:
    """`https://host:port` of a URL, as it is spelt there."""
    end = url.find("/", 8)
    query = url.find("?", 8)
    if query != -1 and (end == -1 or query < end):
        end = query
    return url if end == -1 else url[:end]


def _joined(url: str, target: str) -> str:
    from urllib.parse import urljoin

    try:
        return urljoin(url, target)
    except ValueError:
        raise APIConnectionError("a redirect leads to no URL", method="GET", path=_path(url)) from None


def _path(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).path or "/"
