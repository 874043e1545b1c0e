"""Answers that arrive compressed."""

from __future__ import annotations

import gzip
import zlib

import pytest

from trudy.transport.decompress import Decompressor, decompressed

TEXT = b'{"data": {}}' * 100
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
GZIP, ZLIB, DEFLATE = gzip.compress(TEXT), zlib.compress(TEXT), RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", GZIP, id="gzip"),
        pytest.param("GZIP", GZIP, id="in capitals"),
        pytest.param("deflate", ZLIB, id="zlib"),
        pytest.param("deflate", DEFLATE, id="deflate"),
        pytest.param("deflate, gzip", gzip.compress(ZLIB), id="twice"),
        pytest.param("identity", TEXT, id="not at all"),
        pytest.param("of-our-own", TEXT, id="unknown"),
    ],
)
def test_a_whole_body(encoding: str, body: bytes) -> None:
    assert decompressed(body, encoding) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", GZIP, id="gzip"),
        pytest.param(" X-Gzip ", GZIP, id="in capitals"),
        pytest.param("gzip", gzip.compress(TEXT[:70]) + gzip.compress(TEXT[70:]), id="two members"),
        pytest.param("gzip", GZIP + bytes(512), id="padded"),
        pytest.param("deflate", ZLIB, id="zlib"),
        pytest.param("identity", TEXT, id="not at all"),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_body_in_pieces(encoding: str, body: bytes, size: int) -> None:
    unpacker = Decompressor(encoding)
    assert b"".join(unpacker.decompress(body[at : at + size]) for at in range(0, len(body), size)) == TEXT
    unpacker.finish()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_no_body_at_all_is_an_empty_one(encoding: str) -> None:
    Decompressor(encoding).finish()


@pytest.mark.parametrize("length", [1, 5, len(GZIP) - 1])
def test_a_body_in_pieces_that_breaks_off(length: int) -> None:
    unpacker = Decompressor("gzip")
    unpacker.decompress(GZIP[:length])
    with pytest.raises(EOFError):
        unpacker.finish()


def test_a_body_in_pieces_that_nobody_can_unpack() -> None:
    with pytest.raises(ValueError, match="of-our-own"):
        Decompressor("of-our-own")
