"""aiohttp under httpx (`http_backend="aiohttp"`): about half the CPU of plain httpx. asyncio only.

Our own session and not the one httpx-aiohttp makes: it reports how far each attempt came, keeps no cookies, adds no
headers, and refuses aiohttp's silent second try of a dropped idempotent request, which the pipeline would not count.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from attrs import define, field

from trudy.errors import ConfigurationError
from trudy.pipeline.connections import KEEPALIVE, MAX_CONNECTIONS
from trudy.pipeline.limiter import FifoLimiter
from trudy.pipeline.pools import Loop, is_asyncio

if TYPE_CHECKING:
    import aiohttp
    import httpx
    from httpx_aiohttp import AiohttpTransport

    from trudy.pipeline.faults import Attempt
    from trudy.pipeline.network import Network

_attempt: ContextVar[Attempt | None] = ContextVar("trudy_attempt", default=None)


class SecondTryError(Exception):
    """aiohttp is about to send by itself what it has sent already."""


@define(eq=False)
class AiohttpConnection:
    """The right to one connection of the session."""

    library: Any
    _transport: AiohttpTransport
    _session: aiohttp.ClientSession = field(repr=False)

    async def send(self, request: httpx.Request, attempt: Attempt) -> httpx.Response:
        import asyncio

        # A connection closed by the server while the loop stood still is only noticed when the loop turns: the first
        # turn polls the sockets, the second runs what it found. Without it a POST would fail on a dead connection.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        token = _attempt.set(attempt)
        try:
            return await self._transport.handle_async_request(request)
        finally:
            _attempt.reset(token)


class AiohttpPool:
    """aiohttp's sessions of one loop, with a first-come-first-served limiter before them."""

    def __init__(self, loop: Loop, network: Network, *, max_connections: int = MAX_CONNECTIONS) -> None:
        if not is_asyncio(loop):
            raise ConfigurationError('http_backend="aiohttp" works on asyncio only; use "httpx" on trio')
        try:
            import aiohttp
            import httpx_aiohttp
        except ImportError:
            raise ConfigurationError(
                'http_backend="aiohttp" needs an extra: pip install trudy-python-sdk[aiohttp]'
            ) from None
        import httpx

        self._aiohttp, self._httpx, self._httpx_aiohttp = aiohttp, httpx, httpx_aiohttp
        self._network = network
        self._limiter = FifoLimiter(max_connections)
        self._connections: dict[str, AiohttpConnection] = {}
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    @property
    def limiter(self) -> FifoLimiter:
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
        from anyio import CancelScope

        self._connections.clear()
        while self._sessions:
            _, session = self._sessions.popitem()
            with CancelScope(shield=True):
                await session.close()

    def _connect(self, origin: str) -> AiohttpConnection:
        proxy = self._network.proxy_for(origin)
        if proxy is not None and proxy.url.scheme not in ("http", "https"):
            raise ConfigurationError('http_backend="aiohttp" knows http:// and https:// proxies only')
        secure = origin[:6].lower() == "https:"
        session = self._sessions.get(secure)
        if session is None:
            session = self._sessions[secure] = self._new_session(origin)
        transport = self._httpx_aiohttp.AiohttpTransport(
            verify=self._network.tls_for(origin), trust_env=False, proxy=proxy, client=session
        )
        connection = AiohttpConnection(self._httpx, transport, session)
        if len(self._connections) >= MAX_CONNECTIONS:  # recordings may come from ever new hosts
            del self._connections[next(iter(self._connections))]
        self._connections[origin] = connection
        return connection

    def _new_session(self, origin: str) -> aiohttp.ClientSession:
        library = self._aiohttp
        session: aiohttp.ClientSession = library.ClientSession(
            connector=library.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE, ssl=self._network.tls_for(origin)),
            cookie_jar=library.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[_trace_config(library)],
        )
        return session


def _trace_config(aiohttp: Any) -> aiohttp.TraceConfig:
    config = aiohttp.TraceConfig(trace_config_ctx_factory=_current_attempt)

    async def on_request_start(session: object, attempt: Attempt | None, params: object) -> None:
        if attempt is not None:
            attempt.reported = True

    async def on_headers_sent(session: object, attempt: Attempt | None, params: object) -> None:
        if attempt is not None:
            if attempt.started:
                raise SecondTryError
            attempt.started = True

    config.on_request_start.append(on_request_start)
    config.on_request_headers_sent.append(on_headers_sent)
    return config  # type: ignore[no-any-return]


def _current_attempt(trace_request_ctx: object = None) -> Attempt | None:
    return _attempt.get()
