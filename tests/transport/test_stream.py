"""Answers read as streams, such as recordings."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.fakes.loopback import Answer, Loopback
from tests.fakes.ways import make_request
from trudy.errors import APIConnectionError
from trudy.options import Timeout
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import MAX_REDIRECTS, Transport

pytestmark = pytest.mark.anyio


async def test_a_stream_comes_in_pieces(server: Loopback, transport: Transport) -> None:
    audio = bytes(range(256)) * 4096
    server.script.append(Answer(audio, headers=[("Content-Type", "audio/wav")]))
    async with transport.stream(
        FileRequest(url=f"{server.url}/r.wav?sig=s", headers=(("Accept", "*/*"),), timeout=Timeout())
    ) as streamed:
        assert (streamed.status, streamed.headers["content-type"]) == (200, "audio/wav")
        pieces = [piece async for piece in streamed.chunks()]
    assert len(pieces) > 1
    assert b"".join(pieces) == audio
    assert {name.lower() for name, _ in server.seen[0].headers} == {"host", "accept"}
    await transport.send(make_request(server.url))
    assert server.accepted == 1


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_stream_is_decompressed(server: Loopback, transport: Transport, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    audio = bytes(range(256)) * 4096
    server.script.append(Answer(pack(audio), headers=[("Content-Encoding", encoding)]))
    async with transport.stream(FileRequest(url=f"{server.url}/r.wav", timeout=Timeout())) as streamed:
        assert b"".join([piece async for piece in streamed.chunks()]) == audio


async def test_a_stream_in_an_unknown_compression_is_an_error(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"zzz", headers=[("Content-Encoding", "zz")]))
    with pytest.raises(APIConnectionError):
        async with transport.stream(FileRequest(url=f"{server.url}/r.wav", timeout=Timeout())):
            pytest.fail("there is nothing to read")


async def test_a_compressed_stream_that_ends_too_soon_is_an_error(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(gzip.compress(bytes(1000))[:-1], headers=[("Content-Encoding", "gzip")]))
    async with transport.stream(FileRequest(url=f"{server.url}/r.wav", timeout=Timeout())) as streamed:
        with pytest.raises(APIConnectionError, match="compression breaks off"):
            _ = [piece async for piece in streamed.chunks()]


async def test_a_stream_left_early_costs_its_connection_only(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"x" * 10_000_000))
    async with transport.stream(FileRequest(url=f"{server.url}/r.wav", timeout=Timeout())) as streamed:
        async for _ in streamed.chunks():
            break
    assert (await transport.send(make_request(server.url))).status == 200
    server.wait(lambda: server.open_connections == 1)


async def test_a_stream_follows_redirects_to_other_hosts(server: Loopback, transport: Transport) -> None:
    with Loopback(default=Answer(b"audio")) as other:
        server.script.append(Answer(b"", 302, [("Location", f"{other.url}/file")]))
        other.script.append(Answer(b"", 307, [("Location", "/moved?x=1")]))
        async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
            assert b"".join([piece async for piece in streamed.chunks()]) == b"audio"
        assert [seen.target for seen in other.seen] == ["/file", "/moved?x=1"]


async def test_a_stream_gives_up_on_endless_redirects(server: Loopback, transport: Transport) -> None:
    server.default = Answer(b"", 302, [("Location", "/again")])
    with pytest.raises(APIConnectionError, match="too many redirects"):
        async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())):
            pytest.fail("there is nothing to read")
    assert len(server.seen) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y", "javascript:alert(1)"])
async def test_a_stream_goes_over_http_only(server: Loopback, transport: Transport, target: str) -> None:
    server.script.append(Answer(b"", 302, [("Location", target)]))
    for url in (target, f"{server.url}/r"):
        with pytest.raises(APIConnectionError, match="neither http"):
            async with transport.stream(FileRequest(url=url, timeout=Timeout())):
                pytest.fail("there is nothing to read")


async def test_a_stream_that_is_redirected_to_no_url_is_an_error(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"", 302, [("Location", "http://[bad")]))
    with pytest.raises(APIConnectionError, match="no URL"):
        async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())):
            pytest.fail("there is nothing to read")


async def test_a_stream_that_breaks_off_says_so(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"x" * 1000, cut_at=500))
    async with transport.stream(FileRequest(url=f"{server.url}/r.wav?sig=s3cret", timeout=Timeout())) as streamed:
        pieces = streamed.chunks()
        assert await anext(pieces) == b"x" * 500
        with pytest.raises(APIConnectionError) as caught:
            await anext(pieces)
    assert caught.value.path == "/r.wav"
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_stream_with_a_refused_connection_is_an_error(refusing: str, transport: Transport) -> None:
    with pytest.raises(APIConnectionError) as caught:
        async with transport.stream(FileRequest(url=f"{refusing}/r", timeout=Timeout())):
            pytest.fail("there is nothing to read")
    assert not caught.value.request_sent


async def test_a_fault_of_the_reader_passes_through(server: Loopback, transport: Transport) -> None:
    with pytest.raises(OSError, match="disk full"):
        async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())):
            raise OSError("disk full")
    assert (await transport.send(make_request(server.url))).status == 200
