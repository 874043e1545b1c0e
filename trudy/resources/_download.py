"""Saves a recording from its signed link: no key leaves, nothing half-written stays, memory stays constant."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from trudy.errors import ErrorResponse, InvalidArgumentError, ResponseDecodeError, error_class
from trudy.options import Timeout

if TYPE_CHECKING:
    from collections.abc import Generator

    from trudy.models import Recording
    from trudy.pipeline.transport import Streamed, Transport

Target: TypeAlias = str | os.PathLike[str] | IO[bytes]
Progress: TypeAlias = Callable[[int, int | None], None]


async def download(
    transport: Transport,
    link: Callable[[], Awaitable[Recording]],
    to: Target,
    progress: Progress | None,
    timeout: Timeout | None,
) -> Recording:
    """Ask for the link and follow it; ask once more where it has expired meanwhile."""
    check_target(to)
    may_ask_again = True
    while True:
        recording = await link()
        url = recording.recording_url
        if not url or urlsplit(url).scheme not in ("http", "https"):
            raise ResponseDecodeError("the recording has no link that could be followed")
        async with transport.stream(url, headers={"Accept": "*/*"}, timeout=timeout or Timeout()) as answer:
            if answer.status in (403, 404) and may_ask_again:
                may_ask_again = False
                continue
            _refuse(answer)
            with _open(to) as file:
                await _copy(answer, file, progress)
            return recording


def check_target(to: object) -> None:
    """A path, or a file that takes bytes."""
    if isinstance(to, str | os.PathLike):
        if not os.fspath(to):  # pyright: ignore[reportUnknownArgumentType]
            raise InvalidArgumentError("to must not be an empty path", argument="to")
    elif not hasattr(to, "write"):
        raise InvalidArgumentError("to must be a path or a file open for writing bytes", argument="to")


async def _copy(answer: Streamed, file: IO[bytes], progress: Progress | None) -> None:
    # Written in place, not in a worker thread: pieces are small, and the sync client must start no thread.
    length = answer.headers.get("content-length", "")
    total = int(length) if length.isascii() and length.isdigit() and "content-encoding" not in answer.headers else None
    done = 0
    async for piece in answer.chunks():
        file.write(piece)
        done += len(piece)
        if progress is not None:
            progress(done, total)


@contextmanager
def _open(to: Target) -> Generator[IO[bytes]]:
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


def _refuse(answer: Streamed) -> None:
    if 200 <= answer.status < 300:
        return
    raise error_class(answer.status, None)(
        "the link of the recording was refused",
        status_code=answer.status,
        response=ErrorResponse(status_code=answer.status, headers={}),
    )
