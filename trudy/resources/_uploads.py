"""Files to be sent: read, named, and checked for their size before anything is sent; and multipart forms."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from attrs import evolve, field, frozen

from trudy._concurrency.loops import current_loop, is_private
from trudy._hidden import Hidden
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.pipeline.core import Content

T = TypeVar("T")

FileSource: TypeAlias = str | os.PathLike[str] | IO[bytes] | bytes | tuple[str | os.PathLike[str], bytes | IO[bytes]]
"""A path, a file open for reading bytes, bytes, or a pair of file name and either of the last two."""

MEGABYTE: Final = 1024 * 1024
_WORTH_A_THREAD: Final = 256 * 1024


def _hide(data: bytes | Hidden[bytes]) -> Hidden[bytes]:
    return data if isinstance(data, Hidden) else Hidden(data)


@frozen(kw_only=True)
class Upload:
    """A file read into memory; its name is empty where it has none."""

    filename: str
    _data: Hidden[bytes] = field(alias="data", converter=_hide)

    @property
    def data(self) -> bytes:
        """Its bytes, which may hold people's numbers."""
        return self._data.reveal()


async def off_loop(sources: tuple[FileSource, ...], work: Callable[[], T]) -> T:
    """Run work on files in a worker thread, so that the event loop goes on; in this thread where that gains nothing.

    That is so in the sync client: its loop serves only this operation, and `atexit` allows no new thread.
    """
    is_quick = is_private(current_loop()) or sum(map(_size, sources)) < _WORTH_A_THREAD
    del sources  # which a traceback would show
    if is_quick:
        return work()
    from anyio import to_thread

    return await to_thread.run_sync(work)


def read_upload(
    source: FileSource, argument: str, *, most: int, filename: str | os.PathLike[str] | None = None
) -> Upload:
    """Read a file of 1 to `most` bytes. An `OSError` goes to the caller as it is."""
    if isinstance(source, tuple):
        if len(source) != 2:
            raise InvalidArgumentError(f"{argument} must be a pair of file name and bytes", argument=argument)
        own_name, source = source
        filename = filename or own_name
    upload = _read(source, most, argument)
    del source  # tracebacks may show local variables, and files hold numbers
    _check_size(len(upload.data), most, argument)
    return evolve(upload, filename=_checked_name(filename or upload.filename, argument))


def _read(source: object, most: int, argument: str) -> Upload:
    if isinstance(source, bytes | bytearray | memoryview):
        return Upload(filename="", data=bytes(cast("bytes", source)))
    if not isinstance(source, str | os.PathLike):
        file = _blocking(source, argument)
        return Upload(filename=_name_of(source) or _name_of(file), data=_read_open(file, most, argument))
    path = Path(cast("str | os.PathLike[str]", source))
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        # Only regular files have a size, and those of /proc say 0 though they have content.
        if stat.S_ISREG(status.st_mode) and status.st_size > 0:
            _check_size(status.st_size, most, argument)
        return Upload(filename=path.name, data=_read_open(file, most, argument))


def _blocking(source: object, argument: str) -> object:
    """The plain file inside an upload of Starlette or FastAPI, whose own methods must be awaited."""
    if not iscoroutinefunction(getattr(source, "read", None)):
        return source
    inner = getattr(source, "file", None)
    if inner is None or not callable(getattr(inner, "read", None)):
        raise InvalidArgumentError(
            f"{argument} is read by await, which cannot be done here; give (name, await file.read())", argument=argument
        )
    return cast("object", inner)


def _read_open(source: object, most: int, argument: str) -> bytes:
    read = getattr(source, "read", None)
    if not callable(read):
        raise InvalidArgumentError(
            f"{argument} must be a path, a file open for reading bytes, or bytes", argument=argument
        )
    parts: list[bytes] = []
    left = most + 1
    while left > 0:
        # Pipes, sockets and unbuffered files may give less than asked for: only an empty read is the end.
        part = read(min(left, MEGABYTE))
        if not isinstance(part, bytes):
            what = "text" if isinstance(part, str) else "without waiting"
            del part, parts
            raise InvalidArgumentError(f"{argument} must be open for reading bytes, not {what}", argument=argument)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _name_of(source: object) -> str:
    names = (getattr(source, attribute, None) for attribute in ("filename", "name"))
    return next((name for name in names if isinstance(name, str)), "")


def _checked_name(name: object, argument: str) -> str:
    if isinstance(name, os.PathLike):
        name = os.fspath(cast("os.PathLike[str]", name))
    if isinstance(name, str):
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InvalidArgumentError(
                f"{argument} has a name that is no text; call it otherwise, by a pair of file name and file",
                argument=argument,
            ) from None
        return PurePath(name).name
    raise InvalidArgumentError(f"the name of {argument} must be a string", argument=argument)


def _check_size(size: int, most: int, argument: str) -> None:
    if size == 0:
        raise InvalidArgumentError(f"{argument} is empty", argument=argument)
    if size > most:
        raise InvalidArgumentError(f"{argument} is larger than {most // MEGABYTE} MB", argument=argument)


def _size(source: FileSource) -> int:
    """The bytes to be read, as far as it can be known without reading."""
    if isinstance(source, tuple):
        source = source[-1] if source else b""
    if isinstance(source, bytes):
        return len(source)
    if isinstance(source, str | os.PathLike):
        try:
            status = Path(source).stat()
        except OSError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) and status.st_size else _WORTH_A_THREAD
    return _WORTH_A_THREAD


def multipart(fields: Mapping[str, str], name: str, upload: Upload, content_type: str) -> Content:
    """A form (RFC 7578) with some fields and one file, made in memory, so that a retry sends the same bytes."""
    boundary = f"trudy-{secrets.token_hex(16)}"
    while boundary.encode() in upload.data:
        boundary = f"trudy-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    for member, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(member)}"\r\n\r\n'
        parts += [head.encode(), value.encode(), b"\r\n"]
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(upload.filename)}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    parts += [head.encode(), upload.data, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _quoted(text: str) -> str:
    """A name as browsers write it: characters that would end it are percent-encoded, the rest is UTF-8."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
