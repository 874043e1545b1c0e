"""What a folder of downloads has already: a line for each file, appended once the file is whole."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Literal, TypeAlias, cast

from attrs import define

from trudy.cli.failures import CommandError

Kind: TypeAlias = Literal["recording", "transcript"]
NAME: Final = ".trudy-downloads.jsonl"


@define
class DownloadJournal:
    """Which recordings and transcripts were saved, also if their files were moved elsewhere since."""

    _file: IO[str]
    _done: set[tuple[str, str]]

    def has(self, call_id: str, kind: Kind) -> bool:
        """Whether this was saved, or there is none."""
        return (call_id, kind) in self._done

    def add(self, call_id: str, kind: Kind, file: str | None) -> None:
        """It is saved in this file of the folder; None where the call has none, and will get none."""
        self._file.write(json.dumps({"call": call_id, "kind": kind, "file": file}) + "\n")
        self._file.flush()
        self._done.add((call_id, kind))


@contextmanager
def journal_of(folder: Path) -> Generator[DownloadJournal]:
    """The journal of a folder, for one process at a time.

    Raises:
        CommandError: another process downloads into this folder.
        OSError: the folder cannot be written to.
    """
    with (folder / NAME).open("a+", encoding="utf-8") as file:
        _lock(file, folder)
        file.seek(0)
        text = file.read()
        if text and not text.endswith("\n"):  # the process was killed while it wrote
            file.write("\n")
        yield DownloadJournal(file, {found for line in text.splitlines() if (found := _read(line)) is not None})


def _read(line: str) -> tuple[str, str] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    members = cast("dict[str, object]", entry)
    return str(members.get("call")), str(members.get("kind"))


def _lock(file: IO[str], folder: Path) -> None:
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows, where two processes may save a file twice
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"another process downloads to {folder}", "Wait until it is done.") from None
