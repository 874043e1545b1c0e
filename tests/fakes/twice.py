"""A server or proxy that sends bytes nobody asked for, at the moment a test wants; plain, in a thread of its own."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from attrs import define, field

SURPLUS = b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"data": {"id": "x"}}'
"""A whole answer to nothing."""


def answer(body: bytes, *more: bytes) -> bytes:
    """An answer of known length."""
    head = b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *more))
    return head + b"\r\n\r\n" + body


@define(eq=False)
class Twice:
    """`with Twice() as server:`. Each request is answered with the bytes of its number; `send` sends more, later."""

    tls: ssl.SSLContext | None = None
    pieces: list[bytes] = field(factory=list[bytes], init=False)
    """What the next answers are, as they stand on the wire; without any, the request's number as JSON."""
    at_once: bytes = b""
    """What goes out with the next answer, in the same packet and, over TLS, in a record of its own."""
    close_after: bool = False
    requests: int = field(default=0, init=False)
    connections: list[socket.socket] = field(factory=list[socket.socket], init=False)
    url: str = field(default="", init=False)
    _listening: socket.socket = field(init=False)
    _threads: list[threading.Thread] = field(factory=list[threading.Thread], init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    """TLS stands no reading and writing at the same time."""

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if self.tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, tb: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join()
        for connection in self.connections:
            with suppress(OSError):  # the peer has closed it already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # TLS or not
        for thread in self._threads:
            thread.join()
        for connection in self.connections:
            connection.close()

    def send(self, data: bytes) -> None:
        """Send bytes over the newest connection; the peer's kernel has them when this returns."""
        with self._lock:
            self.connections[-1].sendall(data)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listening.accept()
            except OSError:  # shut down
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                connection = raw if self.tls is None else self.tls.wrap_socket(raw, server_side=True)
            except OSError:  # the peer went away during the handshake
                raw.close()
                continue
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        waiting = b""
        while True:
            try:
                select.select([connection], [], [])
                with self._lock:
                    data = connection.recv(65536)
            except (OSError, ValueError):  # closed meanwhile
                return
            if not data:
                connection.close()
                return
            waiting += data
            while b"\r\n\r\n" in waiting:
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0
                )
                while len(waiting) < length:
                    waiting += connection.recv(65536)
                waiting = waiting[length:]
                self.requests += 1
                piece = self.pieces.pop(0) if self.pieces else answer(b'{"data": {"n": %d}}' % self.requests)
                more, self.at_once = self.at_once, b""
                try:
                    with self._lock:
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                        connection.sendall(piece)
                        if more:
                            connection.sendall(more)
                        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                except OSError:
                    return
                if self.close_after:
                    connection.shutdown(socket.SHUT_WR)
