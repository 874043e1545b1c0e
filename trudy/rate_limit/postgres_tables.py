"""The tables of `PostgresRateLimiter`, and its one transaction: read a limit under a lock, change it, write it back."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from attrs import astuple

from trudy._concurrency.fork import import_before_forks
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.rate_limit.fleet import Fleet, SharedLimit, SharedWindow

if TYPE_CHECKING:
    import psycopg

    from trudy.options import RateLimit

T = TypeVar("T")
import_before_forks("psycopg")

SCHEMA: Final = 1
"""The version of the tables, which stands in the database."""
_STATEMENT: Final = 4
"""Seconds for one statement, the wait for the lock included; also how long a process that was stopped may keep it. More
than the five that a client gives would lose what was noted, less would fail on a busy database."""
NETWORK: Final = {
    "connect_timeout": 4,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "application_name": "trudy rate limiter",
}
_CREATE: Final = (
    """
CREATE TABLE trudy_rate_limits (
    name text PRIMARY KEY, length float8 NOT NULL, stated int, cap int, capped_at float8 NOT NULL,
    phase float8 NOT NULL, low float8 NOT NULL, high float8 NOT NULL, learned_at float8, closed_until float8 NOT NULL)
""",
    """
CREATE TABLE trudy_rate_windows (
    name text NOT NULL REFERENCES trudy_rate_limits ON DELETE CASCADE, start float8 NOT NULL, sent int NOT NULL,
    bulk int NOT NULL, answered int NOT NULL, refused int NOT NULL, last_sent float8 NOT NULL,
    PRIMARY KEY (name, start))
""",
    "CREATE TABLE trudy_rate_schema (version int NOT NULL)",
    "INSERT INTO trudy_rate_schema VALUES (1)",
)
# Not `to_regclass`, which remembers within a transaction what was missing.
_ARE_MISSING: Final = """
SELECT NOT EXISTS (
    SELECT FROM pg_tables WHERE tablename = 'trudy_rate_schema' AND schemaname = ANY (current_schemas(false)))
"""
_LOCK: Final = 0x7472756479
"""The advisory lock under which the tables are made: "trudy" in ASCII."""
_READ_LIMIT: Final = """
SELECT length, stated, cap, capped_at, phase, low, high, learned_at, closed_until
FROM trudy_rate_limits WHERE name = %s FOR UPDATE
"""
_ADD_LIMIT: Final = """
INSERT INTO trudy_rate_limits VALUES (%s, %s, NULL, NULL, 0, 0, 0, 0, NULL, 0) ON CONFLICT DO NOTHING
"""
_WRITE_LIMIT: Final = """
UPDATE trudy_rate_limits SET (stated, cap, capped_at, phase, low, high, learned_at, closed_until) =
(%s, %s, %s, %s, %s, %s, %s, %s) WHERE name = %s
"""
_READ_WINDOWS: Final = """
SELECT start, sent, bulk, answered, refused, last_sent FROM trudy_rate_windows WHERE name = %s
"""
_DROP_WINDOWS: Final = "DELETE FROM trudy_rate_windows WHERE name = %s AND NOT start = ANY(%s)"
_WRITE_WINDOW: Final = """
INSERT INTO trudy_rate_windows (name, start, sent, bulk, answered, refused, last_sent)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (name, start) DO UPDATE SET sent = excluded.sent, bulk = excluded.bulk,
answered = excluded.answered, refused = excluded.refused, last_sent = excluded.last_sent
"""
# With the lock goes what a process that was stopped in mid-transaction holds. A commit that a crash may undo would give
# places twice, so it is on, whatever the server's default.
_BEGIN: Final = """
SELECT set_config('statement_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true),
set_config('synchronous_commit', 'on', true)
"""


class RateTables:
    """One connection to the tables, used by one thread at a time; opened when needed, and again after a fault."""

    def __init__(self, conninfo: str, name: str, pace: RateLimit, *, is_given: bool) -> None:
        self._settings = _settings(conninfo)
        self._name = name
        self._pace = pace
        self._is_given = is_given
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._lock = threading.Lock()

    def change(self, change: Callable[[Fleet], T]) -> T:
        """Run `change` on the limit as it is now, in a transaction that no other process is in. Committed on return.

        Raises:
            psycopg.Error: nothing is known to be written.
            ConfigurationError: the tables are of another version, or the group has windows of another length.
        """
        connection = self._begun()
        try:
            with connection.cursor() as cursor:
                fleet = self._read(cursor)
                result = change(fleet)
                self._write(cursor, fleet)
            connection.commit()
        except BaseException:
            self.close()
            raise
        return result

    def close(self) -> None:
        """Close the connection; the next change opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def cut(self) -> None:
        """From any thread: end what hangs in `change`, which raises then."""
        with self._lock:
            if self._connection is not None:
                cut(self._connection)

    def forget(self) -> object:
        """In a forked child: leave the parent's connection alone. Keep the result, as its end would close it."""
        self._lock = threading.Lock()
        connection, self._connection = self._connection, None
        return connection

    def _begun(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection in a new transaction. One that was lost while nothing was under way is replaced."""
        import psycopg

        with self._lock:
            connection = self._connection
        if connection is not None:
            try:
                _begin(connection)
            except psycopg.OperationalError:
                self.close()
            else:
                return connection
        connection = psycopg.connect(**self._settings, prepare_threshold=None)
        with self._lock:
            self._connection = connection
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        try:
            _begin(connection)
            _make_tables(connection)
        except BaseException:
            self.close()
            raise
        return connection

    def _read(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> Fleet:
        length, name = self._pace.window, (self._name,)
        found = cursor.execute(_READ_LIMIT, name).fetchone()
        if found is None:
            cursor.execute(_ADD_LIMIT, (self._name, length))
            found = cursor.execute(_READ_LIMIT, name).fetchone()
            assert found is not None  # noqa: S101 - it has just been added
        if found[0] != length:
            raise ConfigurationError(
                f"the group {self._name!r} has windows of {found[0]:g} s in the database, not of {length:g} s"
            )
        rows = cursor.execute(_READ_WINDOWS, name).fetchall()
        # After the lock: the wait for it would make an earlier reading too old.
        [now] = cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()
        return Fleet(
            pace=self._pace,
            is_given=self._is_given,
            now=now[0],
            limit=SharedLimit(*found[1:]),
            windows={row[0]: SharedWindow(*row[1:]) for row in rows},
        )

    def _write(self, cursor: psycopg.Cursor[tuple[Any, ...]], fleet: Fleet) -> None:
        windows = fleet.kept
        cursor.execute(_WRITE_LIMIT, (*astuple(fleet.limit), self._name))
        cursor.execute(_DROP_WINDOWS, (self._name, [*windows]))
        cursor.executemany(_WRITE_WINDOW, [(self._name, start, *astuple(window)) for start, window in windows.items()])


def cut(connection: psycopg.Connection[Any]) -> None:
    """From any thread: end what hangs on a connection. It raises in the thread that waits for it."""
    import psycopg

    # The socket is libpq's, so that only a copy of its descriptor may be closed here. The other thread may be just
    # finding the connection lost: then it has no socket any more.
    with suppress(OSError, psycopg.OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _begin(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    milliseconds = str(_STATEMENT * 1000)
    connection.execute(_BEGIN, (milliseconds, milliseconds))


def _make_tables(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Make the tables if they are missing, by one process at a time, and check their version."""
    if connection.execute(_ARE_MISSING).fetchone() == (True,):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if connection.execute(_ARE_MISSING).fetchone() == (True,):
            for statement in _CREATE:
                connection.execute(statement)
    found = connection.execute("SELECT version FROM trudy_rate_schema").fetchone()
    if found != (SCHEMA,):
        there = "none" if found is None else found[0]
        raise ConfigurationError(f"the tables trudy_rate_* are of version {there}, and this library needs {SCHEMA}")


def _settings(conninfo: str) -> dict[str, Any]:
    """What the caller set, and for the rest: a network or a server that is gone is noticed within seconds."""
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ConfigurationError(
            "PostgresRateLimiter needs the extra: pip install 'trudy-python-sdk[dialer-postgres]'"
        ) from None
    if not isinstance(cast("object", conninfo), str) or not conninfo.strip():
        raise InvalidArgumentError("conninfo must be a URL, such as postgresql://host/database", argument="conninfo")
    try:
        given = conninfo_to_dict(conninfo)
    except ProgrammingError:  # its text may quote the password
        raise InvalidArgumentError("conninfo is no PostgreSQL URL or connection string", argument="conninfo") from None
    return {**NETWORK, **given}
