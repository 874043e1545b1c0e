"""Answers that arrive compressed."""

from __future__ import annotations

import gzip
import sys
import time
import tracemalloc
import zlib
from collections import deque

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trudy.transport.decompress import MOST_LAYERS, PIECE, Decompressor
from trudy.transport.exceptions import ResponseTooLargeError

TEXT = b'{"data": {}}' * 100
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
LONG = TEXT * 500
BROTLI, ZSTD = brotli.compress(LONG), zstandard.ZstdCompressor().compress(LONG)
GZIP, ZLIB, DEFLATE = gzip.compress(TEXT), zlib.compress(TEXT), RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", GZIP, id="gzip"),
        pytest.param(" X-Gzip ", GZIP, id="in capitals"),
        pytest.param("gzip", gzip.compress(TEXT[:70]) + gzip.compress(TEXT[70:]), id="two members"),
        pytest.param("gzip", GZIP + bytes(512), id="padded"),
        pytest.param("deflate", ZLIB, id="zlib"),
        pytest.param("deflate", DEFLATE, id="deflate"),
        pytest.param("deflate", GZIP, id="deflate that is gzip"),
        pytest.param("deflate, gzip", gzip.compress(ZLIB), id="twice"),
        pytest.param("gzip, identity,, gzip", gzip.compress(GZIP), id="twice the same"),
        pytest.param("identity", TEXT, id="not at all"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_body_in_pieces(encoding: str, body: bytes, size: int) -> None:
    decompressor = Decompressor(encoding)
    assert _all(decompressor, body, size) == TEXT
    decompressor.finish()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_no_body_at_all_is_an_empty_one(encoding: str) -> None:
    Decompressor(encoding).finish()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("length", [1, 5, len(GZIP) - 1])
def test_a_body_in_pieces_that_breaks_off(encoding: str, length: int) -> None:
    decompressor = Decompressor(encoding)
    _all(decompressor, GZIP[:length], 100)
    with pytest.raises(EOFError):
        decompressor.finish()


@pytest.mark.parametrize(
    "body", [GZIP + b"garbage", b"garbage", GZIP[:40] + b"garbage" * 10], ids=["behind it", "alone", "in it"]
)
def test_what_is_broken_is_an_error(body: bytes) -> None:
    with pytest.raises(zlib.error):
        _all(Decompressor("gzip"), body, 100)


@pytest.mark.parametrize("encoding", ["of-our-own", "gzip, of-our-own", ", ".join(["gzip"] * (MOST_LAYERS + 1)), "br"])
def test_an_unknown_compression_is_refused(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(ValueError, match=r"own|gzip|brotli"):
        Decompressor(encoding)


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        ("br", BROTLI, LONG),
        ("zstd", ZSTD, LONG),
        ("zstd", ZSTD * 2, LONG * 2),
        ("gzip, br", brotli.compress(GZIP), TEXT),
        ("zstd, gzip", gzip.compress(ZSTD), LONG),
        ("br", b"", b""),
        ("zstd", b"", b""),
    ],
    ids=["br", "zstd", "two frames", "gzip in br", "zstd in gzip", "no br", "no zstd"],
)
@pytest.mark.parametrize("size", [1, 7, 1000, 10**7])
def test_brotli_and_zstandard_where_they_are_installed(encoding: str, body: bytes, content: bytes, size: int) -> None:
    decompressor = Decompressor(encoding)
    assert _all(decompressor, body, size) == content
    decompressor.finish()


@pytest.mark.parametrize(("encoding", "body"), [("br", BROTLI), ("zstd", ZSTD)], ids=["br", "zstd"])
@pytest.mark.parametrize("length", [1, 20, -1])
def test_brotli_and_zstandard_that_break_off_are_noticed(encoding: str, body: bytes, length: int) -> None:
    decompressor = Decompressor(encoding)
    _all(decompressor, body[:length], 100)
    with pytest.raises(EOFError):
        decompressor.finish()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", brotli.compress(bytes(300_000_000), quality=5)),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(300_000_000))),
    ],
    ids=["br", "zstd"],
)
def test_a_bomb_in_brotli_or_zstandard_is_never_held_whole(encoding: str, body: bytes) -> None:
    decompressor = Decompressor(encoding, most=20_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError):
            deque(decompressor.decompress(body), maxlen=0)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_an_old_brotli_that_knows_no_limit_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brotli, "Decompressor", object)
    with pytest.raises(ValueError, match="br"):
        Decompressor("br")


def _bomb(layers: int, size: int = 300_000_000) -> bytes:
    stream = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    body = b"".join(stream.compress(zeros) for _ in range(size // len(zeros))) + stream.flush()
    for _ in range(layers - 1):
        body = gzip.compress(body)
    return body


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bomb_is_never_held_whole(layers: int) -> None:
    body = _bomb(layers)
    decompressor = Decompressor(", ".join(["gzip"] * layers), most=2_000_000, limit="most=2000000")
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLargeError, match="most=2000000"):
            deque(decompressor.decompress(body), maxlen=0)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_an_inner_layer_counts_too() -> None:
    """Its members are empty: nothing comes out at the end, whatever it costs to see that."""
    body = gzip.compress(gzip.compress(b"") * 1_000_000)
    for most in (1_000_000, 100_000_000):
        decompressor = Decompressor("gzip, gzip", most=most)
        with pytest.raises(ResponseTooLargeError):
            deque(decompressor.decompress(body), maxlen=0)


def test_many_members_cost_no_more_than_their_size() -> None:
    """Copying the rest for each of them would take minutes."""
    members = gzip.compress(b"x") * 200_000
    began = time.process_time()
    assert _all(Decompressor("gzip"), members, 1_000_000) == b"x" * 200_000
    assert time.process_time() - began < 20


@given(
    st.binary(max_size=3000),
    st.sampled_from(["gzip", "deflate", "gzip, deflate", "deflate, gzip"]),
    st.integers(1, 2000),
)
def test_what_was_compressed_comes_back(body: bytes, encoding: str, size: int) -> None:
    compressed = body
    for name in encoding.split(", "):
        compressed = gzip.compress(compressed) if name == "gzip" else zlib.compress(compressed)
    assert _all(Decompressor(encoding), compressed, size) == body


def _all(decompressor: Decompressor, body: bytes, size: int) -> bytes:
    parts = [part for at in range(0, len(body), size) for part in decompressor.decompress(body[at : at + size])]
    assert max(map(len, parts), default=0) <= max(PIECE, size)
    return b"".join(parts)
