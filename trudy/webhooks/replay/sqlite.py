"""A replay guard in an SQLite file: for any number of threads and processes of one machine, and across restarts."""

from __future__ import annotations

import itertools
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from trudy._concurrency.fork import reset_in_child
from trudy.clock import Clock, SystemClock, monotonic
from trudy.webhooks.replay.guard import Verdict

R = TypeVar("R")

_BUSY_WAIT: Final = 4.0
"""Seconds to wait for a write of another process, which takes microseconds.

A file stays locked while it is copied, or if another process hangs. A delivery then waits twice, for its claim and to
drop it, and both waits must end before the sender hangs up (after 10 s, the early server). A much shorter wait would
fail deliveries on a slow disk.
"""
_BUSY_PAUSE: Final = 0.002
"""Seconds between two tries: some ten times a usual write, so that waiting costs little CPU and little delay."""
_SWEEP_EVERY: Final = 1_000
"""Claims between two deletions of expired keys: rarer ones let the file grow, and each costs a write."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS trudy_webhook_keys (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, owner TEXT NOT NULL, until REAL NOT NULL
) WITHOUT ROWID
"""
_INDEX: Final = "CREATE INDEX IF NOT EXISTS trudy_webhook_keys_until ON trudy_webhook_keys (until)"
_BEGIN: Final = """
INSERT INTO trudy_webhook_keys (key, state, owner, until) VALUES (:key, 'busy', :owner, :until)
ON CONFLICT (key) DO UPDATE SET state = 'busy', owner = excluded.owner, until = excluded.until WHERE until <= :now
"""
_STATE: Final = "SELECT state FROM trudy_webhook_keys WHERE key = ?"
_COMMIT: Final = """
INSERT INTO trudy_webhook_keys (key, state, owner, until) VALUES (:key, 'done', :owner, :until)
ON CONFLICT (key) DO UPDATE SET state = 'done', until = excluded.until
"""
_ABANDON: Final = "DELETE FROM trudy_webhook_keys WHERE key = ? AND owner = ? AND state = 'busy'"
_SWEEP: Final = "DELETE FROM trudy_webhook_keys WHERE until <= ?"

_of_parents: Final[list[sqlite3.Connection]] = []
"""Connections made before a fork. The child must neither use nor close them, so they are kept here for ever."""

_lock: Final = threading.RLock()
"""Held while SQLite is used, and while the process forks: a lock inside SQLite would stay locked in the child for ever.

Not held while waiting for another process. Reentrant, as a signal handler may fork while this thread uses SQLite.
"""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class SQLiteReplayGuard:
    """Keeps keys in a file, which is created if it is missing.

    A commit survives the end of the process, however it ends. A power cut may lose the last commits; their events are
    then handled again if the sender retries.

    Args:
        path: the file, on a local disk: SQLite's WAL mode does not work over a network.
        clock: tells the time; the machine's clock if left out. All processes that share the file need the same time.
    """

    blocking = True
    """Its methods wait for the disk."""

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock | None = None) -> None:
        self._path = Path(path)
        self._clock = clock or SystemClock()
        self._begun = itertools.count(1)
        self._name = secrets.token_hex(8)
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        reset_in_child(self)

    def after_fork(self) -> None:
        """Leave the parent's connection: the child opens its own."""
        self._pid = os.getpid()
        if self._connection is not None:
            _of_parents.append(self._connection)
        self._connection = None

    @property
    def _owner(self) -> str:
        # With the process id, as a forked child has the same name, but must not drop the parent's claims.
        return f"{self._name}:{os.getpid()}"

    def begin(self, key: str, ttl: float) -> Verdict:
        """Claim a key for `ttl` seconds."""
        now = self._clock.time()
        values = {"key": key, "owner": self._owner, "until": now + ttl, "now": now}
        if next(self._begun) % _SWEEP_EVERY == 0:
            self._run(lambda database: database.execute(_SWEEP, (now,)).rowcount)
        if self._run(lambda database: database.execute(_BEGIN, values).rowcount) == 1:
            return "new"
        row = self._run(lambda database: database.execute(_STATE, (key,)).fetchone())
        # No row: the claim has just been dropped. Busy makes the sender try again, and the key is then free.
        return "done" if row is not None and row[0] == "done" else "busy"

    def commit(self, key: str, ttl: float) -> None:
        """Mark a key as done for `ttl` seconds."""
        values = {"key": key, "owner": self._owner, "until": self._clock.time() + ttl}
        self._run(lambda database: database.execute(_COMMIT, values).rowcount)

    def abandon(self, key: str) -> None:
        """Drop a claim of this guard."""
        values = (key, self._owner)
        self._run(lambda database: database.execute(_ABANDON, values).rowcount)

    def close(self) -> None:
        """Close the file. Using the guard opens it again."""
        with _lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
                self._connection = None

    def _run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        # SQLite's own busy timeout would wait with the lock held, and so stop forks and the guards of other files.
        # `work` must not return a cursor: freeing one uses SQLite without the lock.
        end = monotonic() + _BUSY_WAIT
        while True:
            try:
                with _lock:
                    return work(self._open())
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > end:
                    raise
            time.sleep(_BUSY_PAUSE)

    def _open(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            # A server written in C, such as uWSGI, may fork without running Python's fork hooks.
            self.after_fork()
        if self._connection is None:
            # No isolation level: each statement commits by itself. The lock makes sharing between threads safe.
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_TABLE)
                connection.execute(_INDEX)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection
