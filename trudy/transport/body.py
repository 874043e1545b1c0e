"""Reads the body of an answer: under a limit, decompressed, in pieces that are never large."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, Self

from trudy._hidden import Hidden
from trudy._parse import MAX_INT64
from trudy.transport.decompress import Decompressor
from trudy.transport.exceptions import ResponseTooLargeError, stranger

if TYPE_CHECKING:
    from trudy.transport.pool_by_loop import Reply

MAX_RESPONSE_BYTES: Final = 32 * 1024 * 1024
"""A page of 100 calls has some 200 KB, a long transcript 1 MB. A higher limit would let a broken server fill the memory
of a small machine."""
_STEPS_IN_A_ROW: Final = 16
"""Pieces decompressed before other tasks may run, about a millisecond: more delays them, less costs switches."""


def is_size(number: object) -> bool:
    """Whether it is a whole number of bytes that a machine can count."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MAX_INT64


class Body:
    """The pieces of one answer, each read when it is asked for. It can be read once.

    Args:
        reply: the answer.
        encoding: its compression; see `Decompressor`.
        most: bytes that it may have, compressed or not; None for any.
        limit: what the caller knows this limit as.

    Raises:
        ResponseTooLargeError: its headers say that there are more.
    """

    __slots__ = ("_arrived", "_decompressor", "_limit", "_most", "_pieces", "_reply", "_source", "_steps")

    def __init__(self, reply: Reply, encoding: str, *, most: int | None, limit: str) -> None:
        # An answer that is clean by now has no body, whatever length it tells of.
        if most is not None and not reply.is_clean and _length(reply) > most:
            raise ResponseTooLargeError(limit)
        self._reply = reply
        self._decompressor = Decompressor(encoding, most=most, limit=limit) if encoding else None
        self._most = most
        self._limit = limit
        self._arrived = 0
        self._steps = 0
        self._source: AsyncIterator[bytes] | None = None
        self._pieces: Iterator[bytes] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        # No piece stands in a variable while something is awaited, where a traceback would show it.
        while True:
            if self._steps >= _STEPS_IN_A_ROW:
                from anyio.lowlevel import checkpoint

                self._steps = 0
                await checkpoint()
            for piece in self._pieces:
                self._steps += 1
                if piece:
                    return piece
                if self._steps >= _STEPS_IN_A_ROW:
                    break
            else:
                await self._next_pieces()

    async def _next_pieces(self) -> None:
        if self._source is None:
            self._source = aiter(self._reply)
        arrived = await anext(self._source, None)
        if arrived is None:
            if self._decompressor is not None:
                self._decompressor.finish()
            raise StopAsyncIteration
        self._arrived += len(arrived)
        if self._most is not None and self._arrived > self._most:
            raise ResponseTooLargeError(self._limit)
        self._pieces = iter((arrived,)) if self._decompressor is None else self._decompressor.decompress(arrived)


def size_text(size: int) -> str:
    """A size in few digits: many in a row would be masked as a phone number."""
    return f"{size:,} bytes" if size < 2**20 else f"{size / 2**20:g} MiB"


def _length(reply: Reply) -> int:
    length = reply.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 1000 else 0


async def read_body(reply: Reply, most: int) -> Hidden[bytes]:
    """The whole body, decompressed; in a compression that is not known here it stays as it came."""
    limit = f"max_response_bytes is {size_text(most)}"
    encoding = reply.headers.get("content-encoding", "")
    try:
        body = Body(reply, encoding, most=most, limit=limit)
    except ValueError:
        body = Body(reply, "", most=most, limit=limit)
    whole = BytesIO()
    while await _copy_piece(body, whole):
        pass
    return Hidden(whole.getvalue())


async def _copy_piece(body: Body, to: BytesIO) -> bool:
    piece = await anext(body, None)
    return piece is not None and bool(to.write(piece))


async def close_reply(reply: Reply, *, keep: bool) -> bool:
    """Close an answer; whether that went well. A fault is only logged: it would hide the one that ended the attempt."""
    from anyio import move_on_after

    with move_on_after(1.0, shield=True):
        try:
            await reply.aclose(keep=keep)
        except Exception as fault:
            if stranger(fault) is not None:
                raise
            return _not_closed(fault)
        return True
    return False


def _not_closed(fault: Exception) -> Literal[False]:
    import logging

    logging.getLogger("trudy").debug("closing an answer failed: %s", type(fault).__name__)
    return False
