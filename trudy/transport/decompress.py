"""Undoes the compression of an answer, of a whole one or piece by piece."""

from __future__ import annotations

import zlib
from typing import Final

_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32  # zlib finds out itself which of the two it is


def decompressed(body: bytes, encoding: str) -> bytes:
    """The whole body without its `Content-Encoding`; one that httpx does not know is left on it."""
    import httpx

    return httpx.Response(200, headers={"content-encoding": encoding}, content=body).content


class Decompressor:
    """Undoes piece by piece a compression that nobody asked for; files are asked for as they are.

    Raises:
        ValueError: a compression that is not known.
    """

    __slots__ = ("_has_begun", "_stream")

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
            raise ValueError(encoding)
        self._stream = None if encoding == "identity" else zlib.decompressobj(_ZLIB_OR_GZIP)
        self._has_begun = False

    def decompress(self, piece: bytes) -> bytes:
        """What the next piece holds."""
        if self._stream is None:
            return piece
        self._has_begun = self._has_begun or bool(piece)
        content = b""
        while piece:
            if self._stream.eof:
                piece = piece.lstrip(b"\0")  # padding, as gzip itself sees it
                if not piece:
                    break
                self._stream = zlib.decompressobj(_ZLIB_OR_GZIP)  # a file of several members
            content += self._stream.decompress(piece)
            piece = self._stream.unused_data
        return content

    def finish(self) -> None:
        """There are no more pieces.

        Raises:
            EOFError: there should be.
        """
        if self._stream is not None and self._has_begun and not self._stream.eof:
            raise EOFError("the compressed file breaks off")
