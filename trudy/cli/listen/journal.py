"""The local log: events that were made on this machine, how they were delivered, and how far the watch had come.

One SQLite file. The state of a watch is written in one transaction with the events that it led to, so that a process
that dies neither loses an event nor makes it twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from attrs import field, frozen

from trudy._masking import one_line
from trudy.cli.exit_codes import ExitCode
from trudy.cli.failures import CommandError
from trudy.cli.listen.changes import SimulatedEvent
from trudy.cli.listen.state_files import private_file, state_directory

KEPT_EVENTS: Final = 2000
"""Events that are kept, the newest: days of trying things out, in a few megabytes."""
KEPT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of their bodies that are kept: a server may send long summaries."""
KEPT_ATTEMPTS: Final = 5 * KEPT_EVENTS
"""Deliveries that are kept: those of an event that is tried five times, or sent to five receivers."""
Source: TypeAlias = Literal["listen", "trigger"]
"""The command that made an event."""
_PATIENCE: Final = 5.0
"""Seconds to wait while another process writes: far longer than a write takes."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, about TEXT NOT NULL, moment REAL NOT NULL,
    source TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY, event_id INTEGER NOT NULL, url TEXT NOT NULL, at REAL NOT NULL, status INTEGER,
    fault TEXT NOT NULL, seconds REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_of ON attempts (event_id);
CREATE TABLE IF NOT EXISTS waiting (
    account TEXT NOT NULL, event_id INTEGER NOT NULL, url TEXT NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (account, event_id, url)
);
CREATE TABLE IF NOT EXISTS watches (account TEXT PRIMARY KEY, state TEXT NOT NULL);
"""
_TRIM: Final = (
    "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - :events",
    """DELETE FROM events WHERE id IN (
        SELECT id FROM (SELECT id, sum(length(body)) OVER (ORDER BY id DESC) AS bytes FROM events) WHERE bytes > :bytes
    ) AND id < (SELECT max(id) FROM events)""",
    "DELETE FROM attempts WHERE id <= (SELECT max(id) FROM attempts) - :attempts",
    "DELETE FROM attempts WHERE event_id < (SELECT min(id) FROM events)",
    "DELETE FROM waiting WHERE event_id < (SELECT min(id) FROM events)",
)


@frozen(kw_only=True)
class ForwardAttempt:
    """One POST of an event. `at` is in Unix seconds of this machine; without an answer `fault` says what went wrong."""

    url: str
    at: float
    status: int | None
    fault: str = ""
    seconds: float

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver answered 2xx, so that the event is not sent again."""
        return self.status is not None and 200 <= self.status < 300


@frozen(kw_only=True)
class LoggedEvent:
    """An event in the log, with its attempts, the oldest first."""

    id: int
    name: str
    about: str
    moment: float
    source: Source
    body: str = field(repr=False)
    attempts: tuple[ForwardAttempt, ...] = ()


@frozen(kw_only=True)
class WaitingEvent:
    """An event that a receiver has not accepted yet, after so many tries."""

    event: LoggedEvent
    url: str
    tries: int


class Journal:
    """The log of this user, open until `close`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = state_directory() / "events.db" if path is None else path
        private_file(self._path)
        with self._faults():
            self._database = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            # A process that dies loses nothing. A power cut may lose the last events: a sync for each would be slow.
            self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(
        self,
        events: Iterable[SimulatedEvent],
        *,
        source: Source,
        account: str = "",
        urls: Sequence[str] = (),
        state: str | None = None,
    ) -> list[LoggedEvent]:
        """Add events that are to be sent to these URLs, together with the state of the watch that they come from."""
        added = list[LoggedEvent]()
        with self._transaction():
            for event in events:
                body = json.dumps(event.body, separators=(",", ":"))
                # Half a surrogate pair, which JSON may escape by itself, cannot be stored.
                about = one_line(event.about)
                values = (event.name, about, event.moment, source, body)
                done = self._database.execute(
                    "INSERT INTO events (name, about, moment, source, body) VALUES (?, ?, ?, ?, ?)", values
                )
                event_id = int(done.lastrowid or 0)
                self._database.executemany(
                    "INSERT INTO waiting VALUES (?, ?, ?, 0)", [(account, event_id, url) for url in urls]
                )
                added.append(
                    LoggedEvent(
                        id=event_id, name=event.name, about=about, moment=event.moment, source=source, body=body
                    )
                )
            if state is not None:
                self._database.execute("INSERT OR REPLACE INTO watches VALUES (?, ?)", (account, state))
            if added:
                self._trim()
        return added

    def record(self, event_id: int, attempt: ForwardAttempt, *, account: str = "", is_last: bool = True) -> None:
        """Add an attempt; with the last one, the event no longer waits for its receiver."""
        values = (event_id, attempt.url, attempt.at, attempt.status, attempt.fault, attempt.seconds)
        with self._transaction():
            self._database.execute(
                "INSERT INTO attempts (event_id, url, at, status, fault, seconds) VALUES (?, ?, ?, ?, ?, ?)", values
            )
            place = (account, event_id, attempt.url)
            where = "WHERE account = ? AND event_id = ? AND url = ?"
            if is_last:
                self._database.execute(f"DELETE FROM waiting {where}", place)  # noqa: S608 - no value is in it
            else:
                self._database.execute(f"UPDATE waiting SET tries = tries + 1 {where}", place)  # noqa: S608

    def state_of(self, account: str) -> str | None:
        """The state of the account's watch as it was last written."""
        with self._faults():
            row = self._database.execute("SELECT state FROM watches WHERE account = ?", (account,)).fetchone()
        return None if row is None else str(row[0])

    def waiting(self, account: str) -> list[WaitingEvent]:
        """What no receiver has accepted yet, in order."""
        with self._faults():
            rows = self._database.execute(
                "SELECT event_id, url, tries FROM waiting WHERE account = ? ORDER BY event_id", (account,)
            ).fetchall()
            found = [(self.get(event_id), url, tries) for event_id, url, tries in rows]
        return [WaitingEvent(event=event, url=url, tries=tries) for event, url, tries in found if event is not None]

    def forget_waiting(self, account: str) -> None:
        """Send nothing of before any more."""
        with self._transaction():
            self._database.execute("DELETE FROM waiting WHERE account = ?", (account,))

    def get(self, event_id: int) -> LoggedEvent | None:
        """The event with this number."""
        return next(iter(self._select("WHERE id = ?", (event_id,))), None)

    def newest(self, limit: int, *, name: str | None = None) -> list[LoggedEvent]:
        """The newest events, the oldest of them first."""
        where, values = ("", (limit,)) if name is None else ("WHERE name = ?", (name, limit))
        return self._select(f"{where} ORDER BY id DESC LIMIT ?", values)[::-1]

    def _select(self, where: str, values: Sequence[object]) -> list[LoggedEvent]:
        with self._faults():
            rows = self._database.execute(
                f"SELECT id, name, about, moment, source, body FROM events {where}",  # noqa: S608 - no value is in it
                values,
            ).fetchall()
            return [
                LoggedEvent(
                    id=event_id,
                    name=name,
                    about=about,
                    moment=moment,
                    source=source,
                    body=body,
                    attempts=self._attempts(event_id),
                )
                for event_id, name, about, moment, source, body in rows
            ]

    def _attempts(self, event_id: int) -> tuple[ForwardAttempt, ...]:
        rows = self._database.execute(
            "SELECT url, at, status, fault, seconds FROM attempts WHERE event_id = ? ORDER BY id", (event_id,)
        ).fetchall()
        return tuple(
            ForwardAttempt(url=url, at=at, status=status, fault=fault, seconds=seconds)
            for url, at, status, fault, seconds in rows
        )

    def _trim(self) -> None:
        limits: Mapping[str, Any] = {"events": KEPT_EVENTS, "bytes": KEPT_BYTES, "attempts": KEPT_ATTEMPTS}
        for statement in _TRIM:
            self._database.execute(statement, {name: limits[name] for name in limits if f":{name}" in statement})

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._faults():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _faults(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CommandError(
                f"cannot use {self._path}: {error}",
                "Look whether the disk is full, or another trudy holds the file; then run it again.",
                code=ExitCode.STORE_BUSY,
            ) from None
        except sqlite3.DatabaseError as error:
            raise CommandError(
                f"{self._path} is no log of events: {error}", "Delete it: it holds nothing but that log."
            ) from None
