"""A TLS server in its own thread, which ends its connections as a test asks."""

from __future__ import annotations

import queue
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from attrs import define, field

CERTIFICATE: Final = Path(__file__).with_name("localhost.pem")
"""A key of no worth, and its own certificate for localhost and 127.0.0.1, until the year 2126."""

End = Literal["close", "cut", "reset"]
"""An orderly end of TLS, an end of TCP alone, a reset."""


def trusting() -> ssl.SSLContext:
    """A client's context that trusts the server."""
    return ssl.create_default_context(cafile=CERTIFICATE)


def serving() -> ssl.SSLContext:
    """A server's context with the kept certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@define(eq=False)
class TLSServer:
    """Answers each request with `{}`, one connection after the other."""

    ends: bool
    """Whether it ends each connection after one answer, when told how."""
    url: str = field(default="", init=False)
    seen: list[bytes] = field(factory=list, init=False)
    """The first line of each request."""
    accepted: int = field(default=0, init=False)
    _orders: queue.SimpleQueue[End] = field(factory=lambda: queue.SimpleQueue[End](), init=False)
    _ended: threading.Semaphore = field(factory=lambda: threading.Semaphore(0), init=False)

    def end(self, how: End) -> None:
        """End the connection that has just answered; the peer's kernel knows when this returns."""
        self._orders.put(how)
        assert self._ended.acquire(timeout=60)

    def serve(self, listening: socket.socket) -> None:
        context = serving()
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:  # shut down
                return
            with suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
                self.accepted += 1
                self._talk(connection)

    def _talk(self, connection: ssl.SSLSocket) -> None:
        received = b""
        while piece := connection.recv(65_536):
            received += piece
            if not received.endswith(b"\r\n\r\n"):
                continue
            self.seen.append(received.partition(b"\r\n")[0])
            received = b""
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            if self.ends:
                _end(connection, self._orders.get(timeout=60))
                self._ended.release()
                return


def _end(connection: ssl.SSLSocket, how: End) -> None:
    if how == "close":
        connection.settimeout(0)  # it says so and does not wait for the peer, whose loop stands still
        with suppress(ssl.SSLWantReadError):
            connection.unwrap()
    elif how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def tls_server(*, ends: bool = False) -> Iterator[TLSServer]:
    """A server on the loopback interface for as long as the block lasts."""
    server = TLSServer(ends)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.serve, args=(listening,), name="tls", daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(60)
        assert not thread.is_alive()
