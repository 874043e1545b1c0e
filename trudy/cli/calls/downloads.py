"""Recordings and transcripts of many calls, saved into a folder: each once, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from attrs import Factory, define, frozen

from trudy.cli.calls.journal import DownloadJournal, Kind
from trudy.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    ResponseDecodeError,
    TrudyError,
)
from trudy.models import CallEnding

if TYPE_CHECKING:
    from trudy import TrudyClient
    from trudy.models import Call

_PART: Final = ".trudy-"
"""How the names of files begin that are not whole yet."""
NONE_AFTER: Final = timedelta(hours=1)
"""So long after its end, a call without a recording or transcript will get none: they are there within seconds, and
each look costs a request."""
_NEVER_ANSWERED: Final = frozenset((CallEnding.NO_ANSWER, CallEnding.BUSY, CallEnding.REFUSED, CallEnding.FAILED))
_MAGIC: Final = (
    (b"ID3", "mp3"),
    (b"\xff\xfb", "mp3"),
    (b"\xff\xf3", "mp3"),
    (b"\xff\xf2", "mp3"),
    (b"RIFF", "wav"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
)
_FORMATS: Final = ("mp3", "wav", "ogg", "flac", "m4a", "webm")
_OTHER: Final = "audio"


@frozen(kw_only=True)
class SavedFile:
    """A file that was saved."""

    call_id: str
    kind: Kind
    path: Path
    size: int


@frozen(kw_only=True)
class ListedCalls:
    """Calls of a page, and the server's time when it was read (aware, UTC)."""

    calls: Sequence[Call]
    at: datetime


@define(kw_only=True)
class DownloadTally:
    """What was done so far.

    Attributes:
        calls: calls that were looked at.
        known: recordings and transcripts that the folder had already.
        missing: those that are not there, or not yet.
        going: calls that are not over.
        size: bytes that were saved, and of the recording that is on its way.
        failed: the last error of each call that had one.
    """

    calls: int = 0
    recordings: int = 0
    transcripts: int = 0
    known: int = 0
    missing: int = 0
    going: int = 0
    size: int = 0
    failed: int = 0
    failure: TrudyError | None = None


@define(kw_only=True, eq=False)
class Downloads:
    """Saves what calls since a moment have.

    Attributes:
        kinds: recordings, transcripts, or both.
        as_text: whether transcripts are lines of text, and not JSON.
        on_saved: told of each file; `on_change` of each change of the tally.
    """

    client: TrudyClient
    folder: Path
    journal: DownloadJournal
    kinds: Collection[Kind]
    as_text: bool
    on_saved: Callable[[SavedFile], None]
    on_failed: Callable[[str, TrudyError], None]
    on_change: Callable[[DownloadTally], None]
    tally: DownloadTally = Factory(DownloadTally)

    def save_all(self, pages: Iterable[ListedCalls]) -> DownloadTally:
        """Save what these calls have and the folder has not.

        Raises:
            AuthenticationError, PermissionDeniedError: none can be saved.
            OSError: the folder cannot be written to.
        """
        _remove_parts(self.folder)
        for page in pages:
            for call in page.calls:
                self.tally.calls += 1
                self.on_change(self.tally)
                if not call.status.is_final:
                    self.tally.going += 1
                elif call.outcome not in _NEVER_ANSWERED:
                    is_old = call.ended_at is not None and call.ended_at < page.at - NONE_AFTER
                    for kind in self.kinds:
                        self._save(call.id, kind, may_come=not is_old)
        self.on_change(self.tally)
        return self.tally

    def _save(self, call_id: str, kind: Kind, *, may_come: bool) -> None:
        if self.journal.has(call_id, kind):
            self.tally.known += 1
            return
        if (file := self._found(call_id, kind)) is not None:
            self.journal.add(call_id, kind, file.name)  # the process was killed between the file and its line
            self.tally.known += 1
            return
        try:
            path = self._recording(call_id) if kind == "recording" else self._transcript(call_id)
        except TrudyError as error:
            if _is_of_the_api(error) and isinstance(error, AuthenticationError | PermissionDeniedError):
                raise
            if not self._is_missing(call_id, kind, error):
                self.tally.failed += 1
                self.tally.failure = error
                self.on_failed(call_id, error)
                return
            path = None
        if path is None:
            self.tally.missing += 1
            if not may_come:
                self.journal.add(call_id, kind, None)
            return
        self.journal.add(call_id, kind, path.name)
        self.on_saved(SavedFile(call_id=call_id, kind=kind, path=path, size=path.stat().st_size))

    def _is_missing(self, call_id: str, kind: Kind, error: TrudyError) -> bool:
        """Whether an error says that there is nothing to save, or not yet: some servers give a recording no link."""
        if isinstance(error, ResponseDecodeError) and kind == "recording":
            try:
                return self.client.calls.get_recording(call_id).recording_url is None
            except TrudyError:
                return False
        return _is_of_the_api(error) and isinstance(error, NotFoundError | ConflictError)

    def _found(self, call_id: str, kind: Kind) -> Path | None:
        names = (*_FORMATS, _OTHER) if kind == "recording" else ("json", "txt")
        paths = (self.folder / f"{_stem(call_id)}.{name}" for name in names)
        return next((path for path in paths if path.exists()), None)

    def _recording(self, call_id: str) -> Path:
        part = self.folder / f"{_PART}{_stem(call_id)}.part"
        before = self.tally.size

        def progress(done: int, total: int | None) -> None:
            self.tally.size = before + done
            self.on_change(self.tally)

        try:
            recording = self.client.calls.download_recording(call_id, to=part, progress=progress)
            path = self.folder / f"{_stem(call_id)}.{_format(part, recording.format)}"
            part.replace(path)
        except BaseException:
            self.tally.size = before
            part.unlink(missing_ok=True)
            raise
        self.tally.recordings += 1
        return path

    def _transcript(self, call_id: str) -> Path | None:
        transcript = self.client.calls.get_transcript(call_id)
        if not transcript.text:
            return None
        text = transcript.text if self.as_text else json.dumps(transcript.to_dict(), ensure_ascii=False, indent=2)
        path = self.folder / f"{_stem(call_id)}.{'txt' if self.as_text else 'json'}"
        part = self.folder / f"{_PART}{_stem(call_id)}.part"
        try:
            part.write_text(f"{text}\n", encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self.tally.transcripts += 1
        self.tally.size += path.stat().st_size
        return path


def calls_since(client: TrudyClient, since: datetime, *, agent_id: str | None) -> Iterator[ListedCalls]:
    """The calls made since a moment, page by page.

    A server that ignores it is asked no further than the first page of older ones, if it lists the newest first.
    """
    previous = float("inf")
    newest_first = True
    for page in client.calls.list(agent_id=agent_id, created_after=since).pages():
        found: list[Call] = []
        for call in page.data:
            made = None if call.created_at is None else call.created_at.timestamp()
            if made is not None:
                newest_first &= made <= previous
                previous = made
            if made is None or made >= since.timestamp():
                found.append(call)
        yield ListedCalls(calls=found, at=page.meta.server_time or datetime.fromtimestamp(client.clock.time(), UTC))
        if newest_first and previous < since.timestamp():
            return


def _is_of_the_api(error: TrudyError) -> bool:
    """Whether the API has said it, and not the host of a recording's link."""
    return (error.path or "").startswith("/calls/")


def _stem(call_id: str) -> str:
    """An id as the name of a file."""
    return quote(call_id, safe="")


def _format(path: Path, told: str | None) -> str:
    """The ending of an audio file: by its first bytes, else what the server says, if that is known to be one."""
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return "m4a"
    found = next((name for magic, name in _MAGIC if start.startswith(magic)), (told or "").lower())
    return found if found in _FORMATS else _OTHER


def _remove_parts(folder: Path) -> None:
    """What a process that was killed has left: nobody else downloads into the folder now."""
    for path in folder.glob(f"{_PART}*.part"):
        path.unlink(missing_ok=True)
