"""Lines of standard input for an event loop, such that Ctrl-C ends the process while nothing comes in.

The `mcp` package reads in a thread that its loop waits for, until the next line comes; here the thread is left behind.
"""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from contextlib import suppress
from typing import Final, Self

_PIECE: Final = 65_536
"""Bytes read at once: what a pipe holds."""


class StandardInput:
    """An async iterator of lines, to the end of the input.

    Args:
        descriptor: what is read, without Python's buffer, whose lock a thread that is left behind would hold for ever.
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._descriptor = descriptor
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="trudy-mcp-input", daemon=True).start()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if line is None:
            raise StopAsyncIteration
        return line

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        rest = ""
        try:
            while piece := os.read(self._descriptor, _PIECE):
                *lines, rest = (rest + decoder.decode(piece)).split("\n")
                for line in lines:
                    self._hand_over(line)
            if rest:
                self._hand_over(rest)
        except OSError:
            # The other side went away as a terminal does: the input has ended.
            rest = ""
        finally:
            self._hand_over(None)

    def _hand_over(self, line: str | None) -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits for the line
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
