"""Requests without a socket: an httpx transport around the application.

It is our own because httpx's ASGI transport ignores timeouts, lets the application's exceptions through to the client,
and can neither drop a connection nor deliver half a body.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, MutableMapping
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
from attrs import frozen

from trudy.sandbox.http.connection import EXTENSION
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.quirks.requests import App

if TYPE_CHECKING:
    from trudy.sandbox.world import World

API_HOST = "sandbox.localhost"
IDLE_SECONDS = 75.0
"""Seconds after which a proxy drops an idle connection, with the quirk `idle_drops` (seen on a real server)."""
MEDIA_HOST = "recordings.sandbox.localhost"

_logger = logging.getLogger("trudy.sandbox")


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to a sandbox's application, on whichever event loop they are made.

    Args:
        world: the world of the application.
        app: the application.
        real_time: the client's timeouts run in real seconds, and not on the sandbox's clock.
    """

    def __init__(self, world: World, app: App, *, real_time: bool) -> None:
        self._world = world
        self._app = app
        self._real_time = real_time
        self._used_at = world.clock.monotonic()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry out one request; raises httpx's own exceptions."""
        # Lets other tasks run, and a cancellation take effect, as a socket would.
        await anyio.lowlevel.checkpoint()
        host = request.url.host
        if host not in (API_HOST, MEDIA_HOST):
            raise httpx.ConnectError(f"the sandbox has no host {host}", request=request)
        with self._world.state.lock:
            fault = self._world.faults.take(request.method, request.url.path.removeprefix(BASE_PATH), connecting=True)
        is_dropped = self._is_dropped()
        if fault.reset == "connect" or is_dropped:
            # The client needs this event, to prove that nothing was sent.
            await _trace(request, "connection.connect_tcp.started")
        if fault.reset == "connect":
            raise httpx.ConnectError("All connection attempts failed", request=request)
        if is_dropped:
            raise httpx.ConnectError("the server closed the idle connection", request=request)
        body = await request.aread()
        await _trace(request, "http11.send_request_headers.started")
        await _trace(request, "http11.send_request_headers.complete")
        connection = _InProcessConnection(
            self._world, self._app, request, is_media=host == MEDIA_HOST, real_time=self._real_time
        )
        try:
            return await connection.run(_scope(request, connection), body)
        finally:
            self._used_at = self._world.clock.monotonic()

    def _is_dropped(self) -> bool:
        """Whether the server dropped the idle connection; True only once, as the next attempt makes a new one."""
        now = self._world.clock.monotonic()
        idle, self._used_at = now - self._used_at, now
        return "idle_drops" in self._world.wire.quirks and idle > IDLE_SECONDS


class InProcessClient(httpx.AsyncClient):
    """An httpx client of one sandbox.

    A request that asks httpx for nothing, neither authentication nor redirects nor hooks, goes straight to the sandbox:
    what httpx does beside, such as keeping cookies, which a sandbox sets none of, costs as much as a small answer.
    """

    def __init__(self, transport: InProcessTransport) -> None:
        super().__init__(transport=transport)
        self._sandbox = transport

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request as httpx does."""
        is_plain = stream and auth is None and follow_redirects is False
        if not is_plain or self.is_closed or any(self.event_hooks.values()):
            return await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        return await self._sandbox.handle_async_request(request)


class _InProcessConnection:
    """One request on its way through the application; also the `ClientConnection` of that request."""

    def __init__(self, world: World, app: App, request: httpx.Request, *, is_media: bool, real_time: bool) -> None:
        self.is_media = is_media
        self._app = app
        self._world = world
        self._request = request
        self._real_time = real_time
        self._read_timeout: float | None = request.extensions.get("timeout", {}).get("read")
        self._failure: httpx.TransportError | None = None
        self._start: MutableMapping[str, Any] | None = None
        self._pieces: list[bytes | float] = []

    @property
    def is_socket(self) -> bool:
        return False

    @property
    def api_origin(self) -> str:
        return f"http://{API_HOST}"

    @property
    def media_origin(self) -> str:
        return f"http://{MEDIA_HOST}"

    def seconds_for_caller(self, seconds: float) -> float:
        speed = self._world.clock.speed
        return seconds / speed if self._real_time and speed else seconds

    async def pause(self, seconds: float) -> bool:
        if self._start is not None:
            # A pause between two pieces of a body is kept for the reader of the body.
            self._pieces.append(seconds)
            return True
        self._failure = await self.wait(seconds)
        return self._failure is None

    async def drop(self) -> None:
        if self._start is None:
            self._failure = httpx.ReadError("Connection reset by peer", request=self._request)
        else:
            self._failure = httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body", request=self._request
            )

    async def wait(self, seconds: float) -> httpx.ReadTimeout | None:
        """Wait, but not longer than the client's read timeout."""
        clock, limit = self._world.clock, self._read_timeout
        if limit is None:
            await clock.sleep(seconds)
            return None
        if self._real_time:
            with anyio.move_on_after(limit):
                await clock.sleep(seconds)
                return None
        elif seconds <= limit:
            await clock.sleep(seconds)
            return None
        else:
            await clock.sleep(limit)
        return httpx.ReadTimeout("The read operation timed out", request=self._request)

    async def run(self, scope: dict[str, Any], body: bytes) -> httpx.Response:
        """Send the request through the application; returns its answer, or raises httpx's exception for its failure."""

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._start = message
            elif message["type"] == "http.response.body" and self._request.method != "HEAD":
                self._pieces.append(message.get("body", b""))

        try:
            await self._app(scope, receive, send)
        except Exception:
            _logger.exception("The sandbox's application failed")
            return httpx.Response(500, text="Internal Server Error", request=self._request)
        if self._start is None:
            if self._failure is None:
                return httpx.Response(500, text="Internal Server Error", request=self._request)
            raise self._failure
        return httpx.Response(
            self._start["status"],
            headers=self._start["headers"],
            stream=_BodyStream(self),
            extensions={"http_version": b"HTTP/1.1"},
            request=self._request,
        )

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the answer, with the pauses and the end of its fault."""
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield piece
            elif (failure := await self.wait(piece)) is not None:
                raise failure
        if self._failure is not None:
            raise self._failure


class _BodyStream(httpx.AsyncByteStream):
    def __init__(self, visit: _InProcessConnection) -> None:
        self._visit = visit

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._visit.body()


def _scope(request: httpx.Request, visit: _InProcessConnection) -> dict[str, Any]:
    raw_path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "server": (request.url.host, request.url.port or 80),
        "client": ("127.0.0.1", 0),
        "extensions": {EXTENSION: visit},
    }


@frozen
class _WireRequest:
    """The request in a trace event: as httpcore has it, with the method as bytes."""

    method: bytes


async def _trace(request: httpx.Request, event: str) -> None:
    """Send a trace event as httpcore does; the client uses them to prove that nothing was sent."""
    trace = request.extensions.get("trace")
    if trace is not None:
        await trace(event, {"request": _WireRequest(request.method.encode())})
