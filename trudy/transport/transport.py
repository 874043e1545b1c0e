"""One attempt: sends a request, and gives the answer or an error that says whether anything was sent.

It uses no HTTP library itself; that is done by a backend.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar, get_args

from trudy._concurrency.fork import import_before_forks
from trudy._concurrency.loops import bounded, loop_stands_still
from trudy._hidden import Hidden
from trudy.clock import SystemClock
from trudy.errors import APIConnectionError, ConfigurationError, InvalidArgumentError
from trudy.request import Request, Response
from trudy.transport.body import MAX_RESPONSE_BYTES, close_reply, is_size, read_body
from trudy.transport.custom_client import CustomClient
from trudy.transport.exceptions import connection_error, stranger, timeout_error
from trudy.transport.httpx_backend import MAX_CONNECTIONS, HttpxPool
from trudy.transport.pool_by_loop import AttemptTrace, PoolByLoop, origin_of, path_of
from trudy.transport.streamed import Streamed, resolve
from trudy.transport.tls_and_proxy import Network, check_key_log, given_proxy, setup_error

if TYPE_CHECKING:
    import ssl

    from trudy._concurrency.loops import Loop
    from trudy.options import Timeout
    from trudy.transport.pool_by_loop import Connection, FileRequest, Pool, Reply

T = TypeVar("T")
Backend: TypeAlias = Literal["httpx", "aiohttp"]
BACKENDS: Final[tuple[Backend, ...]] = get_args(Backend)
MAX_REDIRECTS: Final = 5


class Transport:
    """Sends requests from any event loop, over one pool for each.

    It keeps no cookies, adds no authentication and follows no redirects: the headers sent are the request's, plus
    `Host` and `Content-Length`. A proxy comes from the argument, else from the environment (HTTP_PROXY, HTTPS_PROXY,
    ALL_PROXY, NO_PROXY) by the rules of httpx; this machine itself is never reached through a proxy of the environment.
    """

    def __init__(
        self,
        *,
        backend: Backend = "httpx",
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        http_client: object = None,
        max_connections: int = MAX_CONNECTIONS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        if backend not in ("httpx", "aiohttp"):
            raise InvalidArgumentError('http_backend must be "httpx" or "aiohttp"', argument="http_backend")
        if not is_size(max_response_bytes):
            raise InvalidArgumentError(
                "max_response_bytes must be a whole number from 1, in 64 bits", argument="max_response_bytes"
            )
        self._backend = backend
        self._max_connections = max_connections
        self._max_response_bytes = max_response_bytes
        if http_client is not None and (backend != "httpx" or proxy is not None or ssl_context is not None):
            raise ConfigurationError(
                "http_client= brings its own connections: give http_backend, proxy and ssl_context to it, not here"
            )
        self._network = Network(proxy=given_proxy(proxy), ssl_context=ssl_context, speaks_socks=backend == "httpx")
        if backend == "aiohttp":
            import_before_forks("trudy.transport.aiohttp_backend")
        self._client = None if http_client is None else CustomClient(http_client)
        self._pools = PoolByLoop(self._open_pool)

    async def aclose(self) -> None:
        """Close this loop's connections and have the other loops close theirs. May be called again, from any loop."""
        await self._pools.aclose()

    async def drop_connections(self) -> None:
        """Use no connection of this loop again: an answer that came over one of them does not fit its request.

        All of them, because what is wrong with one (a proxy that answers twice) may be wrong with the others.
        """
        pool = await self._pools.here()
        await pool.drop_connections()

    async def send(self, request: Request) -> Response:
        """One attempt. An answer with a status from 300 on is one even if its body breaks off: the status says enough.

        Raises:
            APIConnectionError: no answer, or one that is too large; `request_sent` is False only with proof.
            APITimeoutError: no answer in time.
            ConfigurationError: no connection can be made with these settings or in this environment.
        """
        pool = await self._pools.here()
        timeout, method = request.timeout, request.method
        connection = await pool.take(origin_of(request), timeout.pool)
        if connection is None:
            raise timeout_error("pool", timeout=timeout, request_sent=False, method=method, path=request.path)
        attempt = AttemptTrace()
        is_clean = False
        try:
            exchange = partial(self._exchange, connection, request, attempt)
            response, is_clean = await (_in_real_time(timeout, exchange) if loop_stands_still() else exchange())
            return response
        except Exception as fault:
            other = stranger(fault)
            if other is not None:
                raise other from other.__cause__
            error = connection_error(fault, attempt, timeout=timeout, method=method, path=request.path)
        finally:
            if is_clean:
                pool.give_back(connection)
            else:
                await pool.discard(connection)
        raise error  # out here, where the library's exception, which holds the key, does not become its context

    async def _exchange(self, connection: Connection, request: Request, attempt: AttemptTrace) -> tuple[Response, bool]:
        return await self._read(await connection.send(request, attempt))

    async def _read(self, reply: Reply) -> tuple[Response, bool]:
        """The answer, and whether its connection may carry another request."""
        is_whole = False
        try:
            body = await read_body(reply, self._max_response_bytes)
            is_whole = True
        except Exception as fault:
            if reply.status < 300 or stranger(fault) is not None:
                raise
            body = Hidden(b"")
        finally:
            is_closed = await close_reply(reply, keep=is_whole)
        response = Response(status=reply.status, headers=reply.headers, body=body, is_cut=not is_whole)
        return response, is_whole and is_closed and reply.is_clean

    @asynccontextmanager
    async def stream(self, request: FileRequest) -> AsyncGenerator[Streamed]:
        """GET a file from any host over http(s), following up to 5 redirects. Pass no key in its headers."""
        pool = await self._pools.here()
        for _ in range(MAX_REDIRECTS + 1):
            streamed = await _open_stream(pool, request)
            try:
                if streamed.redirect_to is None:
                    yield streamed
                    return
                request = resolve(request, streamed)
            finally:
                await streamed.aclose()
        raise APIConnectionError("too many redirects", method="GET", path=path_of(request))

    def _open_pool(self, loop: Loop) -> Pool:
        if self._client is not None:
            return self._client.open_pool(loop)
        if self._backend == "aiohttp":
            check_key_log()
            try:
                from trudy.transport.aiohttp_backend import AiohttpPool
            except ImportError:
                raise ConfigurationError(
                    'http_backend="aiohttp" needs an extra: pip install trudy-python-sdk[aiohttp]'
                ) from None
            except (OSError, ValueError) as fault:
                raise setup_error("aiohttp could not be imported", fault) from None
            return AiohttpPool(loop, self._network, max_connections=self._max_connections)
        return HttpxPool(self._network, max_connections=self._max_connections)


async def _in_real_time(timeout: Timeout, exchange: Callable[[], Awaitable[T]]) -> T:
    """Bound an exchange by all its phases together: the library's own limits are timers of the loop, and never end."""
    phases = (timeout.connect, timeout.write, timeout.read)
    if None in phases:
        return await exchange()
    whole = await bounded(SystemClock(), sum(seconds or 0.0 for seconds in phases), exchange)
    if whole is None:
        raise TimeoutError
    return whole


async def _open_stream(pool: Pool, request: FileRequest) -> Streamed:
    if not request.url.lower().startswith(("http://", "https://")):
        raise APIConnectionError(
            "the link is neither http:// nor https://", request_sent=False, method="GET", path=path_of(request)
        )
    timeout = request.timeout
    connection = await pool.take(origin_of(request), timeout.pool)
    if connection is None:
        raise timeout_error("pool", timeout=timeout, request_sent=False, method="GET", path=path_of(request))
    streamed = Streamed(pool, connection, request)
    try:
        await streamed.open()
    except BaseException:
        await streamed.aclose()
        raise
    return streamed
