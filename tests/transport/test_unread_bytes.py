"""A connection with bytes that nobody asked for carries no other request: they are the answer to another one."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from contextlib import suppress

import anyio
import httpx
import httpx2
import pytest

from tests.fakes.tls import serving, trusting
from tests.fakes.twice import SURPLUS, Twice, answer
from tests.fakes.ways import Way, make_request
from trudy import AsyncTrudyClient, CallOutcomeUnknownError, TrudyError
from trudy.options import Timeout
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio

FIRST = b'{"data": {"n": 1}}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\n1\r\n]\r\n0\r\n\r\n"
LARGE = json.dumps({"data": "x" * 70_000}).encode()
HUGE = json.dumps({"data": "x" * 300_000}).encode()


AT_ONCE = [
    ("a whole answer", answer(FIRST) + SURPLUS),
    ("a whole answer after one in chunks", CHUNKED + SURPLUS),
    ("an answer in chunks after one in chunks", CHUNKED + CHUNKED),
    ("half a head", answer(FIRST) + SURPLUS[:20]),
    ("a line", answer(FIRST) + b"\r\n"),
    ("one byte", answer(FIRST) + b"H"),
    ("no HTTP", answer(FIRST) + b"\x00\x01\x02 garbage"),
    ("more than the length says", answer(FIRST).replace(b"18", b"17") + b"\n"),
    ("a body where there is none", b"HTTP/1.1 204 No Content\r\n\r\n" + b'{"data": 7}'),
    ("an answer after one without a body", b"HTTP/1.1 304 Not Modified\r\n\r\n" + SURPLUS),
    ("an interim answer", answer(FIRST) + b"HTTP/1.1 100 Continue\r\n\r\n"),
    ("behind a body larger than what is read at once", answer(LARGE) + SURPLUS),
    ("behind a body larger than what the loop reads", answer(HUGE) + SURPLUS),
    ("an answer that ends with the connection, and another", b"HTTP/1.1 200 OK\r\n\r\n{}" + SURPLUS),
]


@pytest.mark.parametrize("piece", [row[1] for row in AT_ONCE], ids=[row[0] for row in AT_ONCE])
@pytest.mark.parametrize("tls", [None, serving()], ids=["plain", "tls"])
async def test_bytes_that_come_with_the_answer(way: Way, piece: bytes, tls: ssl.SSLContext | None) -> None:
    with Twice(tls) as server:
        server.close_after = piece.startswith(b"HTTP/1.1 200 OK\r\n\r\n")
        transport = Transport(backend=way.backend, ssl_context=tls and trusting())
        server.pieces.append(piece)
        assert (await transport.send(make_request(server.url, method="POST", body=b"{}"))).status in (200, 204, 304)
        server.close_after = False
        await _fits(transport, server)
        assert len(server.connections) == 2
        await _fits(transport, server)
        assert len(server.connections) == 2
        await transport.aclose()


@pytest.mark.parametrize("tls", [None, serving()], ids=["plain", "tls"])
@pytest.mark.parametrize("piece", [SURPLUS, SURPLUS[:20], b"\n", b"H"], ids=["an answer", "half", "a line", "a byte"])
async def test_bytes_that_come_while_the_connection_is_idle(way: Way, piece: bytes, tls: ssl.SSLContext | None) -> None:
    with Twice(tls) as server:
        transport = Transport(backend=way.backend, ssl_context=tls and trusting())
        for number in range(1, 4):
            await _fits(transport, server)
            assert len(server.connections) == number
            server.send(piece)  # the loop stands still meanwhile
        await transport.aclose()


async def test_bytes_that_come_while_the_loop_has_time_to_read_them(way: Way) -> None:
    with Twice() as server:
        transport = Transport(backend=way.backend)
        for number in range(1, 4):
            await _fits(transport, server)
            assert len(server.connections) == number
            server.send(SURPLUS[:20])
            await anyio.sleep(0.01)
            server.send(SURPLUS[20:])
            await anyio.sleep(0.01)
        await transport.aclose()


async def test_a_second_record_of_tls_is_seen(way: Way) -> None:
    """It lies in a buffer of TLS, where no look at the socket finds it."""

    with Twice(serving()) as server:
        transport = Transport(backend=way.backend, ssl_context=trusting())
        server.at_once = SURPLUS
        await _fits(transport, server)
        await _fits(transport, server)
        assert len(server.connections) == 2
        await transport.aclose()


FINE = [
    ("of known length", answer(FIRST)),
    ("in chunks", CHUNKED),
    ("in chunks with trailers", CHUNKED[:-2] + b"X-Sum: 1\r\n\r\n"),
    ("in chunks with an extension", CHUNKED.replace(b"5\r\n", b"5;a=b\r\n")),
    ("without a body", b"HTTP/1.1 204 No Content\r\n\r\n"),
    ("of no length", answer(b"")),
    (
        "after an interim one",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(FIRST),
    ),
    ("large", answer(HUGE)),
]


@pytest.mark.parametrize("piece", [row[1] for row in FINE], ids=[row[0] for row in FINE])
@pytest.mark.parametrize("tls", [None, serving()], ids=["plain", "tls"])
async def test_a_connection_whose_answer_ends_as_it_should_is_kept(
    way: Way, piece: bytes, tls: ssl.SSLContext | None
) -> None:
    with Twice(tls) as server:
        transport = Transport(backend=way.backend, ssl_context=tls and trusting())
        server.pieces.append(piece)
        await transport.send(make_request(server.url))
        await _fits(transport, server)
        assert len(server.connections) == 1
        await transport.aclose()


async def test_a_download_leaves_no_unread_bytes_behind(way: Way) -> None:
    with Twice() as server:
        transport = Transport(backend=way.backend)
        server.pieces.append(answer(LARGE) + SURPLUS)
        async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
            assert b"".join([piece async for piece in streamed.chunks()]) == LARGE
        await _fits(transport, server)
        assert len(server.connections) == 2
        await transport.aclose()


@pytest.mark.parametrize("make", [httpx.AsyncClient, httpx2.AsyncClient], ids=["httpx", "httpx2"])
async def test_a_client_of_the_callers_is_guarded_too(way: Way, make: Callable[[], httpx.AsyncClient]) -> None:
    with Twice() as server:
        transport = Transport(http_client=make)
        for number in range(1, 4):
            server.pieces.append(answer(b'{"data": {"n": %d}}' % (2 * number - 1)) + SURPLUS)
            await transport.send(make_request(server.url))
            await _fits(transport, server)
            assert len(server.connections) == number + 1
        server.send(SURPLUS)
        await _fits(transport, server)
        await transport.aclose()


async def test_connections_can_be_dropped_when_an_answer_does_not_fit(way: Way) -> None:
    for transport in (Transport(backend=way.backend), Transport(http_client=httpx.AsyncClient)):
        with Twice() as server:
            await _fits(transport, server)
            await transport.drop_connections()
            await _fits(transport, server)
            assert len(server.connections) == 2
            await _fits(transport, server)
            assert len(server.connections) == 2
            await transport.aclose()


async def test_a_connection_in_use_is_dropped_after_its_answer(way: Way) -> None:
    for transport in (Transport(backend=way.backend), Transport(http_client=httpx.AsyncClient)):
        with Twice() as server:
            server.pieces.append(answer(b"xy" * 100)[:-100])
            async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
                pieces = streamed.chunks()
                got = await anext(pieces)
                await transport.drop_connections()
                server.send((b"xy" * 100)[-100:])
                got += b"".join([piece async for piece in pieces])
            assert got == b"xy" * 100
            await _fits(transport, server)
            assert len(server.connections) == 2
            await transport.aclose()


async def test_after_the_answer_to_another_call_the_connections_are_dropped(way: Way) -> None:
    """A proxy that is one answer behind: what it says of a call is about somebody else's."""
    foreign = b'{"data": {"id": "c", "phone_number": "+14155552222", "agent_id": "a", "status": "queued"}}'
    with Twice() as server:
        server.pieces.append(answer(foreign))
        async with AsyncTrudyClient("k", base_url=server.url, http_backend=way.backend) as client:
            with pytest.raises(CallOutcomeUnknownError):
                await client.calls.create(agent_id="a", phone_number="+14155551111", on_unknown="raise")
            with suppress(TrudyError):
                await client.calls.get("c")
        assert len(server.connections) == 2


async def _fits(transport: Transport, server: Twice) -> None:
    """The next answer is the one to the next request."""
    response = await transport.send(make_request(server.url))
    assert response.json() == {"data": {"n": server.requests}}
