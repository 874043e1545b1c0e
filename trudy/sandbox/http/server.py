"""Requests over HTTP: uvicorn in a thread or in the main one, with a second port for the recordings."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import threading
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from trudy.clock import FOLLOWS_SANDBOX_CLOCK, SANDBOX_CLOCK
from trudy.sandbox.http.api_endpoint import Receive, Scope, Send
from trudy.sandbox.http.connection import EXTENSION
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.http.control import PREFIX
from trudy.sandbox.http.in_process import IDLE_SECONDS

if TYPE_CHECKING:
    from trudy import AsyncTrudyClient, TrudyClient
    from trudy.sandbox.sandbox import Sandbox
    from trudy.sandbox.world import World

_KEEP_ALIVE_SECONDS = 600
"""Longer than the pause between two requests of a person who tries things out; an open connection costs little."""
_Address = tuple[str, int]
_FOLLOWS = FOLLOWS_SANDBOX_CLOCK.lower().encode()


class SandboxServer:
    """Serves a sandbox over HTTP: in a thread for a `with` block, or in the calling thread with `run`.

    The ports are bound when it is made: `base_url` is valid at once, and a request waits until the server runs.
    """

    def __init__(self, sandbox: Sandbox, *, host: str, port: int, media_port: int) -> None:
        self.sandbox = sandbox
        self._world = sandbox.world
        self._host = host
        self._api = _listen(host, port)
        try:
            self._media = _listen(host, media_port)
        except (OSError, OverflowError):
            self._api.close()
            raise
        self.port: int = self._api.getsockname()[1]
        self._media_port: int = self._media.getsockname()[1]
        self._connections: dict[_Address, asyncio.Transport] = {}
        self._held: dict[asyncio.Transport, asyncio.AbstractEventLoop] = {}
        config = uvicorn.Config(
            self._serve,
            http=self._protocol(),
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=self._keep_alive(),
        )
        self._server = _PumpingServer(config, self._world)
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def api_origin(self) -> str:
        """Scheme, host and port of the API."""
        return self._origin(self.port)

    @property
    def media_origin(self) -> str:
        """Scheme, host and port of the recordings."""
        return self._origin(self._media_port)

    @property
    def base_url(self) -> str:
        """The `base_url` for clients."""
        return self.api_origin + BASE_PATH

    @property
    def control_url(self) -> str:
        """The URL of `/_sandbox/`, for tests in other languages; each request needs `sandbox.control_token`."""
        return self.api_origin + PREFIX

    @property
    def inspector_url(self) -> str:
        """The URL of the inspector page. The token is behind the `#`, a part that browsers do not send."""
        return f"{self.control_url}/#{self.sandbox.control_token}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which clients of another process use this sandbox.

        `TRUDY_SANDBOX_CLOCK` is among them if the sandbox's clock has a speed other than 1. Clients of processes on
        this machine then follow it. Set it anew after the clock was moved or its speed changed.
        """
        clock = self.sandbox.clock
        followed = {} if clock.speed in (0.0, 1.0) else {SANDBOX_CLOCK: str(clock.shared())}
        return {
            "TRUDY_BASE_URL": self.base_url,
            "TRUDY_API_KEY": self.sandbox.api_key,
            "TRUDY_WEBHOOK_SECRET": self.sandbox.webhook_secret,
            "TRUDY_SANDBOX_CONTROL_URL": self.control_url,
            "TRUDY_SANDBOX_CONTROL_TOKEN": self.sandbox.control_token,
        } | followed

    def async_client(self, **options: Any) -> AsyncTrudyClient:
        """An `AsyncTrudyClient` that uses this server; options as for `client`."""
        from trudy import AsyncTrudyClient

        return AsyncTrudyClient(**self._client_options(options))

    def client(self, **options: Any) -> TrudyClient:
        """A `TrudyClient` that uses this server; options are the client's own arguments.

        It follows the sandbox's clock if that has a speed other than 1, unless `clock=` is given. Its connection
        timeouts are in real seconds.
        """
        from trudy import TrudyClient

        return TrudyClient(**self._client_options(options))

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run_in_thread, name="trudy-sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and free the ports."""
        if self._thread is not None:
            # uvicorn stopped before its main loop runs would leave accepted connections open.
            self._server.is_running.wait()
        self._server.should_exit = True
        for connection, loop in tuple(self._held.items()):
            loop.call_soon_threadsafe(connection.abort)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._api.close()
        self._media.close()
        if self._failure is not None:
            raise RuntimeError("the sandbox's server failed") from self._failure

    def run(self) -> None:
        """Serve until interrupted."""
        self._server.run(sockets=[self._api, self._media])

    def _run_in_thread(self) -> None:
        try:
            self.run()
        except BaseException as error:
            # `close` raises it again.
            self._failure = error
        finally:
            self._server.is_running.set()

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        defaults: dict[str, Any] = {"api_key": self.sandbox.api_key, "base_url": self.base_url}
        if options.keys() & {"api_key", "jwt_token"}:
            del defaults["api_key"]
        if self.sandbox.clock.speed not in (0.0, 1.0):
            defaults["clock"] = self.sandbox.clock
        merged = defaults | options
        if merged.get("clock") is self.sandbox.clock:
            merged["default_headers"] = {FOLLOWS_SANDBOX_CLOCK: "1", **(merged.get("default_headers") or {})}
            # A rate limiter has one clock: clients with the same key in real time must use another limiter.
            merged.setdefault("rate_limit_group", f"{self.base_url} sandbox time")
        return merged

    def _keep_alive(self) -> int:
        if "idle_drops" not in self._world.wire.quirks:
            return _KEEP_ALIVE_SECONDS
        return max(1, round(IDLE_SECONDS / max(1.0, self._world.clock.speed)))

    def _origin(self, port: int) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{port}"

    def _protocol(self) -> type[asyncio.Protocol]:
        connections = self._connections

        class Protocol(H11Protocol):
            """uvicorn's protocol; it records the connection of each peer, so that one can be reset."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                self._peer: _Address = transport.get_extra_info("peername")[:2]
                connections[self._peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self._peer, None)
                super().connection_lost(exc)

        return Protocol

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = _SocketConnection(self, scope, receive, send)
        scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: connection}
        await self.sandbox.app(scope, receive, connection.send)
        await connection.leave()

    @contextmanager
    def held(self, scope: Scope) -> Generator[None, None, None]:
        """Mark a request whose answer waits for the sandbox's clock; `close` drops it and does not wait."""
        connection = self.connection_of(scope)
        if connection is None:
            yield
            return
        self._held[connection] = asyncio.get_running_loop()
        try:
            yield
        finally:
            del self._held[connection]

    def connection_of(self, scope: Scope) -> asyncio.Transport | None:
        """The connection of a request, while it is open."""
        return self._connections.get(tuple(scope["client"]))

    def is_media_port(self, port: int) -> bool:
        """Whether this is the port of the recordings."""
        return port == self._media_port


class _PumpingServer(uvicorn.Server):
    """uvicorn's server; it delivers the sandbox's events as long as it serves."""

    def __init__(self, config: uvicorn.Config, world: World) -> None:
        super().__init__(config)
        self.is_running = threading.Event()
        self._world = world

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until Ctrl-C. The loop is made first: Ctrl-C meanwhile would leave a coroutine that nobody awaits."""
        with asyncio.Runner() as runner:
            runner.get_loop()
            runner.run(self.serve(sockets))

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        pump = asyncio.create_task(self._world.webhooks.pump())
        try:
            await super().serve(sockets)
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump

    async def main_loop(self) -> None:
        self.is_running.set()
        await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in sockets or ():
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_reader(listener)
        # A connection accepted just now is known to uvicorn after three turns of the loop, and then closed by it.
        for _ in range(3):
            await asyncio.sleep(0)
        await super().shutdown(sockets)


class _SocketConnection:
    """One request on its way through the application; also the `ClientConnection` of that request."""

    def __init__(self, server: SandboxServer, scope: Scope, receive: Receive, send: Send) -> None:
        self._server = server
        self._scope = scope
        self._receive = receive
        self._send = send
        self._dropped = False
        self._answering = False
        self._follows_the_clock = any(name == _FOLLOWS for name, _ in scope["headers"])

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message of the application on to uvicorn."""
        self._answering = True
        await self._send(message)

    @property
    def api_origin(self) -> str:
        return self._server.api_origin

    @property
    def media_origin(self) -> str:
        return self._server.media_origin

    @property
    def is_socket(self) -> bool:
        return True

    @property
    def is_media(self) -> bool:
        return self._server.is_media_port(self._scope["server"][1])

    def seconds_for_caller(self, seconds: float) -> float:
        speed = self._server.sandbox.clock.speed
        return seconds if self._follows_the_clock or not speed else seconds / speed

    async def pause(self, seconds: float) -> bool:
        with self._server.held(self._scope):
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch_caller, group.cancel_scope)
                await self._server.sandbox.clock.sleep(seconds, patient=True)
                group.cancel_scope.cancel()
        return not self._dropped

    async def _watch_caller(self, pausing: anyio.CancelScope) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._dropped = True
        pausing.cancel()

    async def drop(self) -> None:
        self._dropped = True
        transport = self._server.connection_of(self._scope)
        if transport is None:
            return
        if self._answering:
            # Not a reset: that would discard the part of the body that was sent.
            transport.close()
            return
        connection: socket.socket = transport.get_extra_info("socket")
        # A linger time of 0 turns closing into a reset, as of a server that died.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def leave(self) -> None:
        """Wait until uvicorn knows that a dropped connection is closed; it would try to send a 500 otherwise."""
        while self._dropped and (await self._receive())["type"] != "http.disconnect":
            pass


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only if the protocol is named here; with it each answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener
