"""One attempt: a request out, an answer in, or an error that says honestly whether anything was sent.

With its neighbours `connections`, `callers_client` and `aiohttp_backend` the only place that knows httpx.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import urljoin, urlsplit

from trudy.errors import APIConnectionError, InvalidArgumentError
from trudy.options import Timeout
from trudy.pipeline.callers_client import CallersClient
from trudy.pipeline.faults import Attempt, connection_error, timeout_error
from trudy.pipeline.network import Network
from trudy.pipeline.pools import Connection, Loop, LoopPools, Pool
from trudy.pipeline.request import Headers, Request, Response

if TYPE_CHECKING:
    import ssl

    import httpx

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
    ) -> None:
        if backend not in ("httpx", "aiohttp"):
            raise InvalidArgumentError('http_backend must be "httpx" or "aiohttp"', argument="http_backend")
        self._backend = backend
        self._network = Network(proxy=proxy, ssl_context=ssl_context)
        self._client = None if http_client is None else CallersClient(http_client)
        self._pools = LoopPools(self._open_pool)

    @property
    def opened(self) -> bool:
        """Whether a pool was ever opened."""
        return self._pools.opened

    @property
    def closed(self) -> bool:
        return self._pools.closed

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
        attempt = Attempt()
        whole = False
        try:
            reply = await _start(connection, attempt, method, url, request.headers, request.body, timeout)
            try:
                body = await _read(reply)
                whole = True
            except Exception:
                if reply.status_code < 300:
                    raise
                body = b""
            return Response(status=reply.status_code, headers=_headers(reply), body=body)
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
                url = urljoin(url, target)
            finally:
                await streamed.aclose()
        raise APIConnectionError("too many redirects", method="GET", path=_path(url))

    def _open_pool(self, loop: Loop) -> Pool:
        if self._client is not None:
            return self._client.open_pool(loop)
        if self._backend == "aiohttp":
            from trudy.pipeline.aiohttp_backend import AiohttpPool

            return AiohttpPool(loop, self._network)
        from trudy.pipeline.connections import HttpxPool

        return HttpxPool(self._network)


class Streamed:
    """An answer whose body is read piece by piece."""

    def __init__(self, pool: Pool, connection: Connection, attempt: Attempt, *, url: str, timeout: Timeout) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._attempt = attempt
        self._timeout = timeout
        self._path = _path(url)
        self._reply: httpx.Response | None = None
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
            self._reply = await _start(self._connection, self._attempt, "GET", url, headers, None, self._timeout)
            self.status = self._reply.status_code
            self.headers = _headers(self._reply)
            return
        except Exception as fault:
            error = self._error(fault)
        raise error

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, decompressed if the server compressed it.

        Raises:
            APIConnectionError: it broke off.
            APITimeoutError: no piece arrived in time.
        """
        assert self._reply is not None  # noqa: S101
        pieces = self._reply.aiter_bytes()
        while True:
            try:
                piece = await anext(pieces, None)
            except Exception as fault:
                error = self._error(fault)
                break
            if piece is None:
                self._whole = True
                return
            yield piece
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
                await _abandon(self._reply)
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
    streamed = Streamed(pool, connection, Attempt(), url=url, timeout=timeout)
    try:
        await streamed.open(url, headers)
    except BaseException:
        await streamed.aclose()
        raise
    return streamed


async def _start(
    connection: Connection,
    attempt: Attempt,
    method: str,
    url: str,
    headers: Headers,
    body: bytes | None,
    timeout: Timeout,
) -> httpx.Response:
    seconds = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
    request: Any = connection.library.Request(
        method, url, headers=headers, content=body, extensions={"timeout": seconds, "trace": attempt.trace}
    )
    return await connection.send(request, attempt)


async def _read(reply: httpx.Response) -> bytes:
    try:
        if "content-encoding" in reply.headers:
            return await reply.aread()
        body = b"".join([piece async for piece in reply.stream])  # type: ignore[union-attr]
        await reply.aclose()
    except BaseException:
        await _abandon(reply)
        raise
    return body


async def _abandon(reply: httpx.Response) -> None:
    """Close the rest of an answer; a fault in doing so would hide the one that matters."""
    import logging

    from anyio import CancelScope

    with CancelScope(shield=True):
        try:
            await reply.aclose()
        except Exception as fault:
            logging.getLogger("trudy").debug("closing a broken answer failed: %s", type(fault).__name__)


def _headers(reply: httpx.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in reply.headers.raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _origin(url: str) -> str:
    """`https://host:port` of a URL, as it is spelt there."""
    end = url.find("/", 8)
    query = url.find("?", 8)
    if query != -1 and (end == -1 or query < end):
        end = query
    return url if end == -1 else url[:end]


def _path(url: str) -> str:
    return urlsplit(url).path or "/"
