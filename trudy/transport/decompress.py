"""Decompresses an answer piece by piece, up to a limit: a few kilobytes can decompress to gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

from trudy.transport.exceptions import ResponseTooLargeError

PIECE: Final = 64 * 1024
"""The most bytes given at once: larger pieces take more memory, smaller ones more steps."""
MOST_LAYERS: Final = 4
"""Compressions inside each other. Nobody uses more than two, and each one more lets a small answer cost more CPU."""

_STEP: Final = 16 * 1024
"""Bytes decompressed at once. The rest of them is copied for each member of a gzip file: larger steps would make many
small members slow, smaller ones ordinary files."""
_MEMBER: Final = 1024
"""Bytes that each member of a gzip file counts towards the limit, beside its content: a million empty members take
seconds. Tools that write several put some 64 KiB into each, to which this adds little."""
_ZSTD_STEP: Final = 64
"""The same for zstandard, whose output cannot be limited: each 4 bytes may decompress to 128 KiB."""
_ZSTD_WINDOW: Final = 8 * 1024 * 1024
"""Bytes of earlier output that zstandard may keep; RFC 9659 allows no more over HTTP."""
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32  # zlib recognises which of the two it is


class _Layer(Protocol):
    """One compression. A step may give an empty piece, so that the caller can let other tasks run in between."""

    extra_members: int
    """How many separately compressed members have followed the first."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None:
        """Note the end of the input. Raises EOFError if the compressed data is incomplete."""
        ...


class Decompressor:
    """Decompresses by a `Content-Encoding`.

    Args:
        encoding: the header, empty for none.
        most: bytes that each layer may give; None for any.
        limit: the name and value of this limit, for the error.

    Raises:
        ValueError: a compression that is not known here, or too many.
    """

    __slots__ = ("_layers", "_limit", "_most", "_produced")

    def __init__(self, encoding: str, *, most: int | None = None, limit: str = "") -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        self._layers: Sequence[_Layer] = [_layer(name) for name in reversed(names) if name not in ("", "identity")]
        if len(self._layers) > MOST_LAYERS:
            raise ValueError(encoding)
        self._most = most
        self._limit = limit
        self._produced = [0] * len(self._layers)

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """The content of the next piece of input, in pieces, some of them empty.

        Raises:
            ResponseTooLargeError: there is more of it than allowed.
        """
        return self._through(0, data)

    def finish(self) -> None:
        """Note the end of the input.

        Raises:
            EOFError: the compressed data is incomplete.
        """
        for layer in self._layers:
            layer.finish()

    def _through(self, depth: int, data: bytes) -> Iterator[bytes]:
        if depth == len(self._layers):
            yield data
            return
        layer = self._layers[depth]
        for piece in layer.feed(data):
            self._produced[depth] += len(piece)
            if self._most is not None and self._produced[depth] + layer.extra_members * _MEMBER > self._most:
                raise ResponseTooLargeError(self._limit)
            yield from self._through(depth + 1, piece) if piece else (b"",)


class _Zlib:
    """gzip of any number of members, and what servers send as `deflate`: zlib, or the bare stream inside it."""

    __slots__ = ("_head", "_is_deflate", "_stream", "extra_members")

    def __init__(self, *, is_deflate: bool) -> None:
        self.extra_members = 0
        self._is_deflate = is_deflate
        self._head = b""
        self._stream: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._stream is None:
            data = self._head + data
            self._head = data[:2]
            if len(data) < 2:
                return
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if self._is_bare() else _ZLIB_OR_GZIP)
        for at in range(0, len(data), _STEP):
            rest = data[at : at + _STEP]
            while True:
                if self._stream.eof:
                    rest = rest.lstrip(b"\0")  # padding, as for gzip itself
                    if not rest:
                        break
                    self._stream = zlib.decompressobj(_ZLIB_OR_GZIP)
                    self.extra_members += 1
                content: bytes = self._stream.decompress(rest, PIECE)
                rest = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
                yield content
                if not rest and len(content) < PIECE:
                    break

    def finish(self) -> None:
        if self._head and (self._stream is None or not self._stream.eof):
            raise EOFError("the compressed file breaks off")

    def _is_bare(self) -> bool:
        first, second = self._head[:2]
        is_zlib = first & 0x0F == 8 and (first << 8 | second) % 31 == 0
        return self._is_deflate and not is_zlib and self._head[:2] != b"\x1f\x8b"


class _Brotli:
    __slots__ = ("_has_begun", "_stream", "extra_members")

    def __init__(self) -> None:
        self.extra_members = 0
        self._has_begun = False
        self._stream: Any = _package("brotli").Decompressor()
        if not hasattr(self._stream, "can_accept_more_data"):  # an old version, whose output cannot be limited
            raise ValueError("br")

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._has_begun = self._has_begun or bool(data)
        content = data
        while content:  # more may follow a full buffer, which brotli does not tell
            content = self._stream.process(data, output_buffer_limit=PIECE)
            yield from _cut(content)
            data = b""

    def finish(self) -> None:
        if self._has_begun and not self._stream.is_finished():
            raise EOFError("the compressed file breaks off")


class _Zstandard:
    __slots__ = ("_decompressor", "_has_begun", "_stream", "extra_members")

    def __init__(self) -> None:
        self.extra_members = 0
        self._decompressor = _package("zstandard").ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream: Any = self._decompressor.decompressobj()
        self._has_begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._has_begun = self._has_begun or bool(data)
        for at in range(0, len(data), _ZSTD_STEP):
            rest = data[at : at + _ZSTD_STEP]
            while rest:
                if self._stream.eof:
                    self._stream = self._decompressor.decompressobj()
                    self.extra_members += 1
                content: bytes = self._stream.decompress(rest)
                rest = self._stream.unused_data if self._stream.eof else b""
                yield from _cut(content)

    def finish(self) -> None:
        if self._has_begun and not self._stream.eof:
            raise EOFError("the compressed file breaks off")


def _cut(content: bytes) -> Iterator[bytes]:
    return (content[start : start + PIECE] for start in range(0, len(content) or 1, PIECE))


def _package(name: str) -> Any:
    """The package that httpx uses for this too, if it is installed."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise ValueError(name) from None


_LAYERS: Final[dict[str, Callable[[], _Layer]]] = {
    "gzip": lambda: _Zlib(is_deflate=False),
    "x-gzip": lambda: _Zlib(is_deflate=False),
    "deflate": lambda: _Zlib(is_deflate=True),
    "br": _Brotli,
    "zstd": _Zstandard,
}


def _layer(name: str) -> _Layer:
    make = _LAYERS.get(name)
    if make is None:
        raise ValueError(name)
    return make()
