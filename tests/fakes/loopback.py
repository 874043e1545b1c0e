"""A small HTTP server on the loopback interface that does what a test tells it to, in a thread of its own.

A real socket, because a mocked transport pools, resets and closes nothing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from attrs import define, field, frozen


@frozen
class Answer:
    """A whole answer, or one that stops after `cut_at` bytes of its body; `delay` is in seconds."""

    body: bytes = b'{"data": {}}'
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    cut_at: int | None = None
    delay: float = 0.0
    then_close: bool = False
    """Close after the answer without having said so."""


@frozen
class Reset:
    """A TCP reset once the request was read."""


@frozen
class Close:
    """An orderly end of the connection once the request was read, without an answer."""


@frozen
class Silence:
    """No answer, ever."""


@frozen
class Raw:
    """Bytes that need not be HTTP, then the end of the connection."""

    data: bytes


@frozen
class Held:
    """Bytes that need not be HTTP, and then nothing."""

    data: bytes


Step = Answer | Reset | Close | Silence | Raw | Held


@frozen
class Seen:
    """One request as it arrived; `connection` counts from 1."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int


@define(eq=False)
class Loopback:
    """`with Loopback() as server:`; `server.url` is its base. `script` holds what to do with the next requests."""

    default: Step = field(factory=Answer)
    script: deque[Step] = field(factory=deque, init=False)
    seen: list[Seen] = field(factory=list, init=False)
    accepted: int = field(default=0, init=False)
    reset_on_accept: int = field(default=0, init=False)
    """How many of the next connections to reset before their request is read."""
    url: str = field(default="", init=False)
    _open: set[_Connection] = field(factory=set, init=False)
    _changed: threading.Condition = field(factory=threading.Condition, init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stopped: asyncio.Event = field(init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), name="loopback", daemon=True)
        self._thread.start()
        assert ready.wait(60)
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, tb: TracebackType | None) -> None:
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        listening = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await self._stopped.wait()
        # A connection accepted a moment ago is one only when the task that asyncio started for it is done.
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(accepting)
        listening.close()
        while self._open:
            for connection in list(self._open):
                connection.abort()
            await asyncio.sleep(0)

    @property
    def open_connections(self) -> int:
        return len(self._open)

    def wait(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Return as soon as `condition` holds; it is looked at whenever a connection or a request comes or goes."""
        with self._changed:
            assert self._changed.wait_for(condition, seconds), "the server never saw it"

    def close_connections(self) -> None:
        """End every connection in an orderly way; the peer's kernel has it when this returns."""
        done = threading.Event()

        def close() -> None:
            for connection in list(self._open):
                connection.end()
            done.set()

        self._loop.call_soon_threadsafe(close)
        assert done.wait(60)

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


@define(eq=False, slots=False)
class _Connection(asyncio.Protocol):
    server: Loopback
    number: int = 0
    _buffer: bytes = b""
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.server.accepted += 1
        self.number = self.server.accepted
        self.server._open.add(self)
        if self.server.reset_on_accept:
            self.server.reset_on_accept -= 1
            self.abort()
        self.server.notify()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server._open.discard(self)
        self.server.notify()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
            length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, target, _ = first.split(" ")
            self.server.seen.append(Seen(method, target, headers, rest[:length], self.number))
            step = self.server.script.popleft() if self.server.script else self.server.default
            self._do(step)
            self.server.notify()

    def finish(self) -> None:
        assert self._transport is not None
        self._transport.close()

    def end(self) -> None:
        """Finish, and tell the peer's kernel at once: asyncio closes the socket a little later."""
        assert self._transport is not None
        raw: socket.socket = self._transport.get_extra_info("socket")
        if raw.fileno() != -1:
            raw.shutdown(socket.SHUT_WR)
        self.finish()

    def abort(self) -> None:
        assert self._transport is not None
        raw: socket.socket = self._transport.get_extra_info("socket")
        if raw.fileno() != -1:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _do(self, step: Step) -> None:
        assert self._transport is not None
        match step:
            case Answer(delay=delay) if delay:
                self.server._loop.call_later(delay, self._answer, step)
            case Answer():
                self._answer(step)
            case Reset():
                self.abort()
            case Close():
                self.finish()
            case Silence():
                pass
            case Held(data=data):
                self._transport.write(data)
            case Raw(data=data):
                self._transport.write(data)
                self.finish()

    def _answer(self, answer: Answer) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        lines = [f"HTTP/1.1 {answer.status} Word", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + answer.body[: answer.cut_at])
        if answer.cut_at is not None or answer.then_close:
            self.finish()
