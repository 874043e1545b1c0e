"""Undoes the compression of an answer, of a whole one or piece by piece."""

from __future__ import annotations

from collections.abc import Callable


def unpacked(body: bytes, packing: str) -> bytes:
    """The whole body without its `Content-Encoding`; one that httpx does not know is left on it."""
    import httpx

    return httpx.Response(200, headers={"content-encoding": packing}, content=body).content


def unpacker(packing: str) -> Callable[[bytes], bytes] | None:
    """What undoes a compression that nobody asked for; files are asked for as they are.

    Raises:
        ValueError: a compression that is not known.
    """
    packing = packing.strip().lower()
    if packing == "identity":
        return None
    if packing in ("gzip", "x-gzip", "deflate"):
        import zlib

        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress  # finds out itself which of the two it is
    raise ValueError(packing)
