"""Where an answer ends among the bytes of its connection, and whether more came after it.

HTTP libraries keep bytes that came after an answer and take them for the answer to the next request. So after a proxy
answers twice, each later request on that connection gets the answer of the one before. The libraries do not tell that
such bytes are there, so the bytes of each connection are followed here on their way to the library. Nothing is decoded
and nothing kept. What is not understood counts as unclean, which only costs a new connection.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

MOST_HEAD_BYTES: Final = 256 * 1024
"""Bytes of the headers of one answer, those of interim answers and trailers included. Servers and proxies commonly send
at most 8 to 64 KiB; a higher limit would only let a hostile server take more memory."""

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)(?: |$)")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_CHUNK_START: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
_LENGTH: Final = re.compile(rb"\d{1,18}")
_BODILESS: Final = (204, 304)


class _Part(Enum):
    """What the next byte belongs to."""

    HEAD = "the status line and the headers"
    BODY = "a body of known length"
    CHUNK_SIZE = "the line before a chunk"
    CHUNK = "a chunk"
    CHUNK_END = "the end of line behind a chunk"
    TRAILERS = "the headers behind the last chunk"
    NOTHING = "nothing: the last answer is whole, and no other request was sent"
    SURPLUS = "nothing, but more bytes came"
    UNKNOWN = "not known, until the connection closes"


class Framing:
    """Follows the answers of one connection."""

    __slots__ = ("_head", "_head_bytes", "_is_head_request", "_left", "_line", "_part")

    def __init__(self) -> None:
        self._part = _Part.NOTHING
        self._is_head_request = False
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._line = bytearray()
        self._left = 0

    @property
    def is_clean(self) -> bool:
        """Whether every answer that was asked for is whole, and no other byte came."""
        return self._part is _Part.NOTHING

    @property
    def is_head_too_large(self) -> bool:
        """Whether the headers are larger than `MOST_HEAD_BYTES`."""
        return self._head_bytes > MOST_HEAD_BYTES

    def spoil(self) -> None:
        """Make it unclean for good."""
        self._part = _Part.UNKNOWN

    def sent(self, data: bytes) -> None:
        """Note bytes of a request. The first ones after a whole answer begin the next request."""
        if self._part is _Part.NOTHING:
            self._part = _Part.HEAD
            self._head_bytes = 0
            self._is_head_request = data[:5] == b"HEAD "

    def received(self, data: bytes) -> int:
        """Note bytes that arrived; how many of them belong to the answer that was asked for, as far as is known."""
        at = 0
        while at < len(data):
            if self._part is _Part.UNKNOWN:
                return len(data)
            if self._part in (_Part.NOTHING, _Part.SURPLUS):
                self._part = _Part.SURPLUS
                return at
            if self._part in (_Part.BODY, _Part.CHUNK):
                taken = min(self._left, len(data) - at)
                at += taken
                self._left -= taken
                if not self._left:
                    self._part = _Part.NOTHING if self._part is _Part.BODY else _Part.CHUNK_END
                continue
            if self._part is _Part.CHUNK_SIZE and not self._line and (after := _after_whole_chunks(data, at)) > at:
                at = after
                continue
            end = data.find(b"\n", at)
            self._head_bytes += (len(data) if end == -1 else end) - at
            if self.is_head_too_large:
                self._part = _Part.UNKNOWN
            elif end == -1:
                self._line += data[at:]
                return len(data)
            else:
                line = bytes(self._line + data[at:end]).removesuffix(b"\r")
                self._line.clear()
                self._part = self._after_line(line)
                at = end + 1
        return at

    def _after_line(self, line: bytes) -> _Part:
        if self._part is _Part.CHUNK_SIZE:
            self._head_bytes = 0  # the line before a chunk is no header
            size = _CHUNK_SIZE.fullmatch(line)
            if size is None:
                return _Part.UNKNOWN
            self._left = int(size[1], 16)
            return _Part.CHUNK if self._left else _Part.TRAILERS
        if self._part is _Part.CHUNK_END:
            return _Part.UNKNOWN if line else _Part.CHUNK_SIZE
        if self._part is _Part.TRAILERS:
            return _Part.TRAILERS if line else _Part.NOTHING
        if line:
            self._head.append(line)
            return _Part.HEAD
        head, self._head = self._head, []
        return self._after_head(head)

    def _after_head(self, head: list[bytes]) -> _Part:
        status_line = _STATUS_LINE.match(head[0]) if head else None
        if status_line is None:
            return _Part.UNKNOWN
        status = int(status_line[1])
        if status < 200:
            return _Part.UNKNOWN if status == 101 else _Part.HEAD
        if self._is_head_request or status in _BODILESS:
            return _Part.NOTHING
        lengths: set[bytes] = set()
        codings: list[bytes] = []
        for line in head[1:]:
            name, _, value = line.partition(b":")
            name = name.lower()
            if name == b"content-length":
                lengths.add(value.strip())
            elif name == b"transfer-encoding":
                codings.append(value.strip().lower())
        if codings:
            return _Part.CHUNK_SIZE if codings == [b"chunked"] and not lengths else _Part.UNKNOWN
        length = lengths.pop() if len(lengths) == 1 else b""
        if not _LENGTH.fullmatch(length):
            return _Part.UNKNOWN
        self._left = int(length)
        return _Part.BODY if self._left else _Part.NOTHING


def _after_whole_chunks(data: bytes, at: int) -> int:
    """Where the chunks end that are whole in `data`. An answer may have one for each byte, so this must be quick."""
    while start := _CHUNK_START.match(data, at):
        size = int(start[1], 16)
        end = start.end() + size
        if not size or data[end : end + 2] != b"\r\n":
            break
        at = end + 2
    return at
