"""Answers that arrive compressed."""

from __future__ import annotations

import gzip
import zlib

import pytest

from trudy.pipeline.unpack import unpacked, unpacker

TEXT = b'{"data": {}}' * 100
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
GZIP, ZLIB, DEFLATE = gzip.compress(TEXT), zlib.compress(TEXT), RAW.compress(TEXT) + RAW.flush()


@pytest.mark.parametrize(
    ("packing", "body"),
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
def test_a_whole_body(packing: str, body: bytes) -> None:
    assert unpacked(body, packing) == TEXT


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        pytest.param("gzip", GZIP, id="gzip"),
        pytest.param(" X-Gzip ", GZIP, id="in capitals"),
        pytest.param("deflate", ZLIB, id="zlib"),
    ],
)
def test_a_body_in_pieces(packing: str, body: bytes) -> None:
    unpack = unpacker(packing)
    assert unpack is not None
    assert b"".join(unpack(body[at : at + 5]) for at in range(0, len(body), 5)) == TEXT


def test_a_body_in_pieces_that_is_not_packed() -> None:
    assert unpacker("identity") is None


def test_a_body_in_pieces_that_nobody_can_unpack() -> None:
    with pytest.raises(ValueError, match="of-our-own"):
        unpacker("of-our-own")
