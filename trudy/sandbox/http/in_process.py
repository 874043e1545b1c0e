"""The connection without a socket: an httpx transport around the application, which keeps time-outs and can break.

It is our own because httpx's ASGI transport ignores time-outs, lets the application's exceptions through to the
caller, and can neither drop a connection nor deliver half a body.
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
"""After which a proxy drops a connection, with the quirk `idle_drops`."""
MEDIA_HOST = "recordings.sandbox.localhost"

_logger = logging.getLogger("trudy.sandbox")


class InProcessTransport(httpx.AsyncBaseTransport):
    """Hands requests to a sandbox's application, on whichever event loop they are made.

    Args:
        world: what the application is about.
        app: the application.
        real_time: the caller's time-outs run in real seconds, as those of a client with its own clock do; otherwise on
            the sandbox's clock.
    """

    def __init__(self, world: World, app: App, *, real_time: bool) -> None:
        self._world = world
        self._app = app
        self._real_time = real_time
        self._used_at = world.clock.monotonic()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its answer; raises httpx's own exceptions."""
        # A socket would let other tasks run and a cancellation in; so does this.
        await anyio.lowlevel.checkpoint()
        host = request.url.host
        if host not in (API_HOST, MEDIA_HOST):
            raise httpx.ConnectError(f"the sandbox has no host {host}", request=request)
        with self._world.state.lock:
            fault = self._world.faults.take(request.method, request.url.path.removeprefix(BASE_PATH), connecting=True)
        is_dropped = self._is_dropped()
        if fault.reset == "connect" or is_dropped:
            # Without it nobody could prove that nothing was sent.
            await _trace(request, "connection.connect_tcp.started")
        if fault.reset == "connect":
            raise httpx.ConnectError("All connection attempts failed", request=request)
        if is_dropped:
            raise httpx.ConnectError("the server closed the idle connection", request=request)
        body = await request.aread()
        await _trace(request, "http11.send_request_headers.started")
        await _trace(request, "http11.send_request_headers.complete")
        visit = _InProcessConnection(
            self._world, self._app, request, is_media=host == MEDIA_HOST, real_time=self._real_time
        )
        try:
            return await visit.run(_scope(request, visit), body)
        finally:
            self._used_at = self._world.clock.monotonic()

    def _is_dropped(self) -> bool:
        """Whether the server dropped the connection for idleness, which is noticed once."""
        now = self._world.clock.monotonic()
        idle, self._used_at = now - self._used_at, now  # the next attempt makes a connection of its own
        return "idle_drops" in self._world.wire.quirks and idle > IDLE_SECONDS


class _InProcessConnection:
    """One request's way through the application; also the connection it came in by."""

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
            # Between two pieces of a body: kept for the one who reads it.
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
        """Let the time pass, or as much of it as the caller's read time-out allows."""
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
        """Send the request through the application and give its answer, or raise how it failed."""

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
        """The pieces of the answer, at the pace and with the end that its fault gives them."""
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
    """What a listener sees of a request on its way: httpcore, which really sends them, has the method in bytes."""

    method: bytes


async def _trace(request: httpx.Request, event: str) -> None:
    """Report what a socket would: whoever asks for proof that nothing was sent listens here."""
    trace = request.extensions.get("trace")
    if trace is not None:
        await trace(event, {"request": _WireRequest(request.method.encode())})
