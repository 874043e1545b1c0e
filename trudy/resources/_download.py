"""Saves a recording from its signed link, without sending the key, leaving no partial file, in constant memory."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from trudy import _checks
from trudy._concurrency.loops import bounded
from trudy._hidden import Hidden, forgetful
from trudy.errors import (
    APIConnectionError,
    APITimeoutError,
    ErrorResponse,
    ResponseDecodeError,
    ServerError,
    TrudyError,
)
from trudy.options import Timeout
from trudy.pipeline.decode import error_class
from trudy.pipeline.redirect import address_of
from trudy.pipeline.retry import full_jitter
from trudy.resources._destination import Destination, Target, destination
from trudy.transport.body import size_text
from trudy.transport.pool_by_loop import FileRequest, path_of

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.models import Recording
    from trudy.pipeline.core import Core
    from trudy.transport.streamed import Streamed

OnProgress: TypeAlias = Callable[[int, int | None], object]
Link: TypeAlias = Callable[[], Awaitable["Recording"]]

_AS_IT_IS: Final = (("Accept", "*/*"), ("Accept-Encoding", "identity"))
MAX_RECORDING_BYTES: Final = 1024**3
"""Nine hours of uncompressed telephone audio in stereo: a lower limit could refuse a real recording, none would let a
broken host fill the disk."""
_NO_WHOLE_FILE: Final = (204, 205, 206)


async def download(
    core: Core, link: Link, to: Target, *, max_bytes: int | None, progress: OnProgress | None, settings: Settings
) -> Recording:
    """Ask for the link and download from it, within the deadline. Ask once more if it has expired.

    A fault before the first piece was written is retried, like that of any other GET.
    """
    if max_bytes is not None:
        _checks.whole(max_bytes, 1, None, "max_bytes")
    copy = _Copy(destination(to), max_bytes, progress)

    async def save() -> Recording:
        return await _save(core, link, copy, settings)

    if settings.deadline is None:
        return await save()
    recording = await bounded(core.clock, settings.deadline, save)
    if recording is None:
        raise APITimeoutError(f"the recording was not saved within the deadline of {settings.deadline:g} s")
    return recording


@forgetful
async def _save(core: Core, link: Link, copy: _Copy, settings: Settings) -> Recording:
    may_ask_again = True
    failures = 0
    while True:
        recording = await link()
        try:
            await _follow(core, _file_of(recording, settings.timeout or Timeout()), copy)
        except (APIConnectionError, ServerError) as error:
            failures += 1
            error.attempts = failures
            if isinstance(error, APIConnectionError) and recording.recording_url is not None:
                error.address = address_of(recording.recording_url)
            if copy.has_begun or failures > settings.max_retries:
                raise
            await core.clock.sleep(full_jitter(failures, random.random()))  # noqa: S311
        except TrudyError as error:
            if getattr(error, "status_code", None) not in (403, 404) or not may_ask_again:
                raise
            may_ask_again = False
        else:
            return recording


@forgetful
def _file_of(recording: Recording, timeout: Timeout) -> FileRequest:
    try:
        if urlsplit(recording.recording_url or "").scheme in ("http", "https"):
            return FileRequest(url=recording.recording_url or "", headers=_AS_IT_IS, timeout=timeout)
    except ValueError:
        pass
    raise ResponseDecodeError("the recording has no link that could be followed")


async def _follow(core: Core, request: FileRequest, copy: _Copy) -> None:
    async with core.transport.stream(request) as answer:
        if answer.status in _NO_WHOLE_FILE:
            raise ResponseDecodeError(f"the link of the recording answered {answer.status}, which is no whole file")
        if not 200 <= answer.status < 300:
            raise error_class(answer.status, None)(
                "the link of the recording was refused",
                status_code=answer.status,
                attempts=1,
                response=ErrorResponse(status_code=answer.status, headers={}),
                method="GET",
                path=path_of(request),
            )
        await copy.all_of(answer)


class _Copy:
    """Writes the pieces of an answer to the destination, and calls `progress`."""

    def __init__(self, to: Destination, max_bytes: int | None, progress: OnProgress | None) -> None:
        self._to = to
        self._max_bytes = max_bytes
        self._progress = progress
        self.has_begun = False
        """Whether something was written that cannot be undone."""

    async def all_of(self, answer: Streamed) -> None:
        total = _length(answer)
        done = 0
        self._check(total or 0)
        pieces = answer.chunks()
        piece = await _next(pieces)  # before the file is opened, so that a fault up to here changes nothing
        async with self._to.opened() as write:
            while piece is not None:
                done += len(piece.reveal())
                self._check(done)
                self.has_begun = self._to.keeps_what_was_written
                await write(piece)
                if self._progress is not None and isawaitable(told := self._progress(done, total)):
                    await told
                piece = await _next(pieces)

    def _check(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise ResponseDecodeError(f"the recording is larger than max_bytes, {size_text(self._max_bytes)}")


async def _next(pieces: AsyncIterator[bytes]) -> Hidden[bytes] | None:
    """The next piece, hidden: it is what people said."""
    piece = await anext(pieces, None)
    return None if piece is None else Hidden(piece)


def _length(answer: Streamed) -> int | None:
    """The bytes to come; None where the answer does not tell, or tells the compressed length."""
    length = answer.headers.get("content-length", "")
    is_known = length.isascii() and length.isdigit() and len(length) < 20 and "content-encoding" not in answer.headers
    return int(length) if is_known else None
