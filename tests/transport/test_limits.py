"""No server can take more memory, or stop the loop for longer, than a limit allows; each way of trying is cut off."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import anyio
import anyio.lowlevel
import httpx
import pytest

from tests.fakes.loopback import Answer, Loopback
from tests.fakes.ways import WAYS, Way, make_request
from trudy.errors import APIConnectionError
from trudy.options import Timeout
from trudy.transport.body import MAX_RESPONSE_BYTES
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio

LIMIT = 1_000_000


@pytest.fixture(params=[*WAYS, "custom"], ids=str)
def way(request: pytest.FixtureRequest) -> Way | str:
    return request.param


@pytest.fixture
def anyio_backend(way: Way | str) -> str:
    return way.loop if isinstance(way, Way) else "asyncio"


def _transport(way: Way | str, **more: int) -> Transport:
    if isinstance(way, Way):
        return Transport(backend=way.backend, **more)  # type: ignore[arg-type]
    return Transport(http_client=httpx.AsyncClient, **more)  # type: ignore[arg-type]


@contextmanager
def endless(head: bytes, piece: bytes) -> Iterator[str]:
    """A server that answers with a head, and then sends the same bytes until the peer has had enough."""
    hung_up = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(head)
                while True:
                    connection.sendall(piece)
            hung_up.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            assert hung_up.wait(20), "the connection stands"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def _deflated(size: int, layers: int = 1) -> bytes:
    stream = zlib.compressobj(9, wbits=31)
    body = b"".join(stream.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)) + stream.flush()
    for _ in range(layers - 1):
        body = gzip.compress(body)
    return body


ENDLESS = [
    ("a body without end", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    (
        "chunks without end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1000\r\n" + b"x" * 4096 + b"\r\n",
    ),
    ("a huge length", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65536),
    (
        "compressed without end",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + _deflated(1_000_000)[:900],
        b"\0" * 4096,
    ),
    ("empty members", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 3000),
    ("headers without end", b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 1000),
    ("a header without end", b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    ("a status line without end", b"HTTP/1.1 200 ", b"x" * 65536),
    ("interim answers without end", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    (
        "a chunk's line without end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 65536,
    ),
    (
        "trailers without end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"X-More: and more\r\n" * 1000,
    ),
]


@pytest.mark.parametrize(("head", "piece"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
async def test_what_has_no_end_is_cut_off(way: Way | str, head: bytes, piece: bytes) -> None:
    transport = _transport(way, max_response_bytes=LIMIT)
    with endless(head, piece) as url:
        tracemalloc.start()
        try:
            with pytest.raises(APIConnectionError) as caught:
                with anyio.fail_after(20):
                    await transport.send(
                        make_request(
                            url, method="POST", body=b"{}", timeout=Timeout(connect=9, read=9, write=9, pool=9)
                        )
                    )
            assert tracemalloc.get_traced_memory()[1] < 12 * LIMIT
        finally:
            tracemalloc.stop()
        assert caught.value.request_sent
        assert caught.value.__context__ is None
        await transport.aclose()


BOMBS = [
    ("gzip", _deflated(300_000_000)),
    ("gzip, gzip", _deflated(300_000_000, 2)),
    ("gzip,gzip,gzip", _deflated(300_000_000, 3)),
    ("gzip, gzip", gzip.compress(gzip.compress(b"") * 500_000)),
    ("gzip", gzip.compress(bytes(20_000)) * 1000),
]


@pytest.mark.parametrize(("encoding", "body"), BOMBS, ids=["one", "two", "three", "empty members", "members"])
async def test_a_bomb_is_cut_off_and_the_loop_goes_on(way: Way | str, encoding: str, body: bytes) -> None:
    transport = _transport(way, max_response_bytes=8 * LIMIT)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await anyio.lowlevel.checkpoint()
            longest = max(longest, time.thread_time() - before)

    with Loopback(default=Answer(body, headers=[("Content-Encoding", encoding)])) as server:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            with pytest.raises(
                APIConnectionError, match=r"the answer is too large: max_response_bytes is 7\.62939 MiB"
            ) as caught:
                await transport.send(make_request(server.url, method="POST", body=b"{}"))
            group.cancel_scope.cancel()
        assert caught.value.code == "response_too_large"
        assert caught.value.request_sent
        assert longest < 0.5  # seconds of CPU between two turns of the loop
        server.wait(lambda: server.open_connections == 0, 10)
        server.default = Answer()
        assert (await transport.send(make_request(server.url))).status == 200
        await transport.aclose()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_what_is_as_large_as_allowed_is_read(way: Way | str, pack: Callable[[bytes], bytes]) -> None:
    headers = [] if pack is bytes else [("Content-Encoding", "gzip")]
    with Loopback() as server:
        transport = _transport(way, max_response_bytes=LIMIT)
        for size in (LIMIT, LIMIT + 1):
            server.script.append(Answer(pack(bytes(size)), headers=headers))
        assert (await transport.send(make_request(server.url))).body == bytes(LIMIT)
        with pytest.raises(APIConnectionError, match="too large"):
            await transport.send(make_request(server.url))
        await transport.aclose()


async def test_the_default_is_32_mebibytes(way: Way | str) -> None:
    assert MAX_RESPONSE_BYTES == 32 * 2**20
    transport = _transport(way)
    with endless(b"HTTP/1.1 200 OK\r\nContent-Length: 33554433\r\n\r\n", b"x") as url:
        with pytest.raises(APIConnectionError, match="max_response_bytes is 32 MiB"):
            await transport.send(make_request(url))
        await transport.aclose()


@pytest.mark.parametrize("status", [307, 429, 500])
async def test_a_refusal_with_a_large_body_keeps_its_status(way: Way | str, status: int) -> None:
    transport = _transport(way, max_response_bytes=LIMIT)
    with endless(b"HTTP/1.1 %d Word\r\nX-Request-ID: r\r\n\r\n" % status, b"x" * 65536) as url:
        response = await transport.send(make_request(url))
        assert (response.status, response.body, response.headers["x-request-id"]) == (status, b"", "r")
        assert response.facts.message.endswith("with a body that is too large or breaks off")
        await transport.aclose()


async def test_a_file_takes_constant_memory_compressed_or_not(way: Way | str) -> None:
    transport = _transport(way, max_response_bytes=1)
    for encoding, body in (("gzip", _deflated(100_000_000)), ("identity", bytes(20_000_000))):
        with Loopback(default=Answer(body, headers=[("Content-Encoding", encoding)])) as server:
            tracemalloc.start()
            base = tracemalloc.get_traced_memory()[0]
            async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
                size = 0
                async for piece in streamed.chunks():
                    size += len(piece)
                    assert len(piece) <= 2**18
            peak = tracemalloc.get_traced_memory()[1] - base
            tracemalloc.stop()
            assert size == (100_000_000 if encoding == "gzip" else 20_000_000)
            assert peak < 45_000_000  # of which the server, in the same process, takes two copies of its body
    await transport.aclose()
