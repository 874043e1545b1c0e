"""Saves a recording from its signed link: no key leaves, nothing half-written stays, memory stays constant."""

from __future__ import annotations

import io
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias, TypeGuard
from urllib.parse import urlsplit

from trudy._concurrency.timeout import bounded
from trudy._hidden import forgetful
from trudy.errors import (
    APIConnectionError,
    APITimeoutError,
    ErrorResponse,
    InvalidArgumentError,
    ResponseDecodeError,
    ServerError,
    TrudyError,
    error_class,
)
from trudy.options import Timeout
from trudy.pipeline.redirect import address_of
from trudy.pipeline.retry import full_jitter
from trudy.transport.backend import FileRequest

if TYPE_CHECKING:
    from trudy._settings import Settings
    from trudy.models import Recording
    from trudy.pipeline.core import Core
    from trudy.transport.streamed import Streamed

Target: TypeAlias = str | os.PathLike[str] | IO[bytes]
OnProgress: TypeAlias = Callable[[int, int | None], None]
Link: TypeAlias = Callable[[], Awaitable["Recording"]]

_AS_IT_IS: Final = (("Accept", "*/*"), ("Accept-Encoding", "identity"))
_NO_WHOLE_FILE: Final = (204, 205, 206)


async def download(core: Core, link: Link, to: Target, progress: OnProgress | None, settings: Settings) -> Recording:
    """Ask for the link and follow it, within the deadline. Ask once more where it has expired meanwhile.

    A fault before the first piece was written is tried again, like that of any other GET.
    """
    check_target(to)

    async def save() -> Recording:
        return await _save(core, link, to, progress, settings)

    if settings.deadline is None:
        return await save()
    recording = await bounded(core.clock, settings.deadline, save)
    if recording is None:
        raise APITimeoutError(f"the recording was not saved within the deadline of {settings.deadline:g} s")
    return recording


def check_target(to: object) -> None:
    """A path in a folder that is there, or a file that takes bytes."""
    if isinstance(to, str | os.PathLike):
        path = Path(os.fspath(to))  # pyright: ignore[reportUnknownArgumentType]
        if not path.name or path.is_dir() or not path.parent.is_dir():
            raise InvalidArgumentError("to must be the path of a file, in a folder that exists", argument="to")
        return
    write: object = getattr(to, "write", None)
    if not callable(write) or iscoroutinefunction(write) or isinstance(to, io.TextIOBase):
        raise InvalidArgumentError("to must be a path or a file open for writing bytes", argument="to")


@forgetful
async def _save(core: Core, link: Link, to: Target, progress: OnProgress | None, settings: Settings) -> Recording:
    may_ask_again = True
    failures = 0
    while True:
        recording = await link()
        copy = _Copy(to, progress)
        try:
            await _follow(core, recording.recording_url, copy, settings.timeout or Timeout())
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
async def _follow(core: Core, url: str | None, copy: _Copy, timeout: Timeout) -> None:
    if not _can_be_followed(url):
        raise ResponseDecodeError("the recording has no link that could be followed")
    async with core.transport.stream(FileRequest(url=url, headers=_AS_IT_IS, timeout=timeout)) as answer:
        if answer.status in _NO_WHOLE_FILE:
            raise ResponseDecodeError(f"the link of the recording answered {answer.status}, which is no whole file")
        if not 200 <= answer.status < 300:
            raise error_class(answer.status, None)(
                "the link of the recording was refused",
                status_code=answer.status,
                attempts=1,
                response=ErrorResponse(status_code=answer.status, headers={}),
                method="GET",
                path=urlsplit(url).path,
            )
        await copy.all_of(answer)


def _can_be_followed(url: str | None) -> TypeGuard[str]:
    try:
        return bool(url) and urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


class _Copy:
    """Writes the pieces of an answer to their place, and tells how far it has come."""

    def __init__(self, to: Target, progress: OnProgress | None) -> None:
        self._to = to
        self._progress = progress
        self.has_begun = False

    async def all_of(self, answer: Streamed) -> None:
        # Written in place, not in a worker thread: pieces are small, and the sync client must start no thread.
        length = answer.headers.get("content-length", "")
        is_known = length.isascii() and length.isdigit() and "content-encoding" not in answer.headers
        total = int(length) if is_known else None
        done = 0
        with _open(self._to) as file:
            async for piece in answer.chunks():
                # A file of the caller's own keeps what was written to it; one of ours is thrown away.
                self.has_begun = not isinstance(self._to, str | os.PathLike)
                file.write(piece)
                done += len(piece)
                if self._progress is not None:
                    self._progress(done, total)


@contextmanager
def _open(to: Target) -> Generator[IO[bytes]]:
    if isinstance(to, io.RawIOBase):  # which may take less than it is given
        buffered = io.BufferedWriter(to)
        try:
            yield buffered
        finally:
            buffered.detach()
        return
    if not isinstance(to, str | os.PathLike):
        yield to
        return
    path = Path(to)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
