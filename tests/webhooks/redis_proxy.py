"""A proxy before Redis that loses one answer, as a network may: the command was carried out all the same."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class _Link(socketserver.BaseRequestHandler):
    """One connection, on its way to the server and back."""

    server: _Proxy

    def handle(self) -> None:
        client: socket.socket = self.request
        with socket.create_connection(self.server.behind) as upstream:
            self.is_claiming = False
            back = threading.Thread(target=self._bring_back, args=(upstream, client))
            back.start()
            with suppress(OSError):
                while asked := client.recv(65_536):
                    self.is_claiming = b"NX" in asked
                    upstream.sendall(asked)
            with suppress(OSError):
                upstream.shutdown(socket.SHUT_RDWR)
            back.join()

    def _bring_back(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := upstream.recv(65_536):
                if self.is_claiming and self.server.to_lose:
                    self.server.to_lose -= 1
                    break
                client.sendall(answer)
            client.shutdown(socket.SHUT_RDWR)


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Link)
        self.behind = behind
        self.to_lose = 1


@contextmanager
def losing_one_answer(url: str) -> Iterator[str]:
    """The URL of a proxy that loses the answer to the first claim."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    with _Proxy((parts.hostname, parts.port)) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"redis://127.0.0.1:{proxy.server_address[1]}{parts.path}"
            assert proxy.to_lose == 0
        finally:
            proxy.shutdown()
            thread.join()
