"""Where a download goes: a file that appears when it is complete, one that is written in place, or an open file."""

from __future__ import annotations

import errno
import io
import os
import secrets
import select
import stat
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import IO, Final, TypeAlias

from attrs import frozen

from trudy._hidden import Hidden
from trudy.clock import SystemClock
from trudy.errors import InvalidArgumentError

Target: TypeAlias = str | os.PathLike[str] | IO[bytes]
Write: TypeAlias = Callable[[Hidden[bytes]], Awaitable[object]]

_MOST_LINKS: Final = 40  # as Linux follows
_PIPE_TAKES: Final[int] = getattr(select, "PIPE_BUF", 512)
"""Bytes that a pipe takes without blocking once it can be written to."""
_READER_PAUSE: Final = 0.05
"""Seconds between two looks for a reader of a pipe: more would keep one waiting, less costs CPU."""


@frozen(kw_only=True)
class Destination:
    """A target that was checked and can be written to."""

    target: Target
    keeps_what_was_written: bool
    """Whether a download that breaks off leaves a part behind, so that it cannot be started again."""

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Write]:
        """Open it for one download; gives an async function to call with each piece."""
        if not isinstance(self.target, str | os.PathLike):
            with _unbuffered_writes_all(self.target) as file:
                pipe = _pipe_of(file)
                yield partial(_write, file) if pipe is None else partial(_write_to_pipe, file, pipe)
        elif self.keeps_what_was_written:
            descriptor = await _open_in_place(self.target)
            try:
                yield partial(_write_to_descriptor, descriptor)
            finally:
                os.close(descriptor)
        else:
            with _replacement(self.target) as file:
                yield partial(_write, file)


def destination(to: object) -> Destination:
    """Check a target before anything is sent: a path in a folder that exists, or a file that takes bytes."""
    if isinstance(to, str | os.PathLike):
        path = Path(os.fspath(to))  # pyright: ignore[reportUnknownArgumentType]
        if not path.name or "\0" in path.name or path.is_dir() or not _place_of(path).parent.is_dir():
            raise InvalidArgumentError("to must be the path of a file, in a folder that exists", argument="to")
        return Destination(target=path, keeps_what_was_written=_is_written_in_place(path))
    write: object = getattr(to, "write", None)
    if not callable(write) or iscoroutinefunction(write) or isinstance(to, io.TextIOBase) or not _is_writable(to):
        raise InvalidArgumentError("to must be a path or a file open for writing bytes", argument="to")
    return Destination(target=to, keeps_what_was_written=True)  # type: ignore[arg-type]


def _is_writable(file: object) -> bool:
    """What an open file says of itself; one that says nothing will show."""
    says: object = getattr(file, "writable", None)
    try:
        return not callable(says) or bool(says())
    except ValueError:  # it is closed
        return False


def _place_of(path: Path) -> Path:
    """Where the file itself is, with all links followed."""
    return Path(os.path.realpath(path))


def _is_written_in_place(path: Path) -> bool:
    """Whether another file in its place would not do: for a pipe, a device, a name for what is open already
    (`/dev/stdout`), a file that has other names too, or one in a folder that takes no new file."""
    for _ in range(_MOST_LINKS):
        path = _place_of(path.parent) / path.name
        if path.parts[1:2] == ("proc",):  # a file in its place would not be the one that is open
            return True
        if not path.is_symlink():
            break
        path = path.parent / path.readlink()
    try:
        status = path.stat()
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not os.access(path.parent, os.W_OK | os.X_OK)


@contextmanager
def _replacement(to: str | os.PathLike[str]) -> Generator[IO[bytes]]:
    """A file that replaces the target at the end, with its mode and owner; after a failure nothing is replaced."""
    path = _place_of(Path(to))
    try:
        old = path.stat()
    except FileNotFoundError:
        old = None
    if old is not None and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # not made of the target's name, which may be too long
    try:
        # Readable by its owner alone until it has the old file's mode; a new file gets the mode of the umask.
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if old is None else 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if old is not None:
                _be_like(file.fileno(), old)
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _be_like(descriptor: int, old: os.stat_result) -> None:
    if not hasattr(os, "fchmod"):  # Windows
        return
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # Without permission for that, another user's file becomes the writer's, as with any program that saves so.
        with suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


@contextmanager
def _unbuffered_writes_all(file: IO[bytes]) -> Generator[IO[bytes]]:
    """Make an unbuffered file, which may take less than it is given, take all of it."""
    if not isinstance(file, io.RawIOBase):
        yield file
        return
    buffered = io.BufferedWriter(file)
    try:
        yield buffered
    finally:
        buffered.detach()


async def _write(file: IO[bytes], piece: Hidden[bytes]) -> None:
    """Write in the loop's thread: pieces are small, and the sync client must start no thread."""
    file.write(piece.reveal())


# A pipe takes no more than its reader reads, which may need the event loop to go on, and the reader may never come. So
# nothing below blocks: what waits can be cancelled, by a deadline too.


async def _open_in_place(path: str | os.PathLike[str]) -> int:
    """Open for writing; a pipe as soon as it has a reader."""
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0))
        except OSError as fault:
            if fault.errno != errno.ENXIO or not _is_pipe(path):
                raise
        await SystemClock().sleep(_READER_PAUSE)


def _is_pipe(path: str | os.PathLike[str]) -> bool:
    return Path(path).is_fifo()


async def _write_to_descriptor(descriptor: int, piece: Hidden[bytes]) -> None:
    from anyio import wait_writable  # loads ssl, which a client that sends nothing does without

    written = 0
    while written < len(piece.reveal()):
        try:
            written += os.write(descriptor, memoryview(piece.reveal())[written:])
        except BlockingIOError:
            await wait_writable(descriptor)


async def _write_to_pipe(file: IO[bytes], pipe: int, piece: Hidden[bytes]) -> None:
    """Write so much at a time as a pipe takes without blocking once it takes anything."""
    from anyio import wait_writable

    for start in range(0, len(piece.reveal()), _PIPE_TAKES):
        await wait_writable(pipe)
        file.write(piece.reveal()[start : start + _PIPE_TAKES])
        file.flush()


def _pipe_of(file: IO[bytes]) -> int | None:
    """The descriptor of an open pipe; None for any other file."""
    if sys.platform == "win32":  # where pipes cannot be waited for
        return None
    try:
        descriptor = file.fileno()
        return descriptor if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
    except (AttributeError, OSError, TypeError, ValueError):  # it is none of the system's
        return None
