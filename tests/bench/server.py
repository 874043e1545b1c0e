"""The server of the benchmarks, in a process of its own: fixed answers, and creates counted in fixed windows.

GET  /calls/{id}                     one call, the same bytes but for the time
GET  /list/{rows}/calls              a page of a list that has so many rows
POST /limiter/{limit}/{window}/calls    a create: at most `limit` in each stretch of `window` seconds of the clock
GET  /tally                          what became of the creates since the last tally
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

from tests.bench import answers

_CREATE = re.compile(r"/limiter/(\d+)/([\d.]+)/calls")
_LIST = re.compile(r"/list/(\d+)/calls")
_KEY = re.compile(rb"\r\nx-idempotency-key: *([^\r]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@contextmanager
def serve() -> Iterator[str]:
    """The base URL of a new server process, which ends with the block."""
    command = [sys.executable, "-m", "tests.bench.server"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()  # its end is what the server waits for
            process.wait(10)


class Counts:
    """Creates by number called and by window."""

    def __init__(self) -> None:
        self._placed: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._admitted: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()

    def create(self, number: str, key: str | None, limit: int, window: float) -> tuple[int, object]:
        """Status and body for one create. A key that was seen already places nothing again."""
        now = time.time()
        index = int(now // window)
        meta = {"request_id": "r", "ts": _time(now)}
        if self._admitted[index] >= limit:
            self._refused[index] += 1
            details = {"limit": limit, "reset_at": _time((index + 1) * window)}
            error = {"code": "rate_limit_exceeded", "message": "Too many requests", "details": details}
            return 429, {"error": error, "meta": meta}
        self._admitted[index] += 1
        if key is None or key not in self._keys:
            self._placed[number] += 1
        if key is not None:
            self._keys.add(key)
        data = {"id": f"call-{number}", "status": "queued", "direction": "outbound", "to": number}
        return 201, {"data": data, "meta": meta}

    def facts(self) -> dict[str, int]:
        """How many were placed, placed twice, refused in all and in the worst window, in how many windows."""
        return {
            "placed": len(self._placed),
            "twice": sum(count > 1 for count in self._placed.values()),
            "refused": sum(self._refused.values()),
            "most_refused": max(self._refused.values(), default=0),
            "windows": len(self._admitted),
        }


class Desk:
    """What all connections share."""

    def __init__(self) -> None:
        self._call = answers.one_call()
        self._counts = Counts()

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Status line, headers and body for one request."""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        url = urlsplit(target)
        if method == "POST":
            return self._create(url.path, head, body)
        if url.path == "/tally":
            counts, self._counts = self._counts, Counts()
            return response(200, json.dumps(counts.facts()).encode())
        if found := _LIST.fullmatch(url.path):
            query = parse_qs(url.query)
            body = answers.page(int(query["offset"][0]), int(query["limit"][0]), int(found[1]))
            return response(200, answers.stamped(body, time.time()))
        return response(200, answers.stamped(self._call, time.time()))

    def _create(self, path: str, head: bytes, body: bytes) -> bytes:
        found = _CREATE.fullmatch(path)
        assert found is not None
        key = _KEY.search(head)
        number: str = json.loads(body)["phone_number"]
        status, answer = self._counts.create(number, key and key[1].decode(), int(found[1]), float(found[2]))
        return response(status, json.dumps(answer).encode())


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n") + 4) > 3:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(self._buffer) < end + length:
                return
            body, self._buffer = self._buffer[end : end + length], self._buffer[end + length :]
            self._transport.write(self._desk.answer(head, body))


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def response(status: int, body: bytes) -> bytes:
    """Head and body as a server behind a proxy would send them."""
    head = (
        f"HTTP/1.1 {status} Fixed\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: {answers.META['request_id']}\r\nServer: bench\r\n\r\n"
    )
    return head.encode() + body


async def main() -> None:
    loop = asyncio.get_running_loop()
    desk = Desk()
    server = await loop.create_server(lambda: Connection(desk), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
