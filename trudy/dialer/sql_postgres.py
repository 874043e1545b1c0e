"""PostgreSQL under a store: durable commits, one writer at a time as in SQLite, and the lock of who dials."""

from __future__ import annotations

from typing import Any, Final, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from trudy.dialer.store import StoreBusyError, StoreError
from trudy.errors import ConfigurationError
from trudy.rate_limit.postgres_tables import NETWORK

_DIALS: Final = 0x7472
_WRITES: Final = 0x7473
"""First keys of the advisory locks; the second is the schema, which may hold a store of its own."""
_LOCK_WAIT: Final = 5_000
"""Milliseconds that a transaction waits for another one, as in SQLite. More would hold up calls behind a process
that hangs; less would fail under load."""
_STOPPED: Final = 15_000
"""Milliseconds after which PostgreSQL ends the transaction of a process that does not go on, as one that was stopped.
More keeps the others waiting; less ends one whose machine is merely busy."""
# The intent must be durable whatever the server's default is: a call follows it.
_BEGIN: Final = f"""
SELECT set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '{_LOCK_WAIT}', true),
set_config('idle_in_transaction_session_timeout', '{_STOPPED}', true)
"""
_ONE_WRITER: Final = f"SELECT pg_advisory_xact_lock({_WRITES}, hashtext(current_schema()))"
_TAKE: Final = f"SELECT pg_try_advisory_lock({_DIALS}, hashtext(current_schema()))"
_HOLDER: Final = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = %s
AND objid = (hashtext(current_schema())::bigint & 4294967295)
"""
_LONGEST_NAME: Final = 63
"""Bytes that PostgreSQL keeps of an application's name."""


def said_by(error: DBAPIError) -> str:
    """What a database says about a fault, without the values of the statement."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return str(primary or error.orig)


class PostgresLock:
    """An advisory lock of the store's one connection: who loses the connection loses the lock.

    A new connection takes it again before anything is written, and fails if another process was quicker.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._who: str | None = None
        event.listen(engine, "connect", self._connected)

    def take(self, who: str) -> None:
        if self._who is not None:
            return
        with self._engine.begin() as connection:
            holder = _take(cast(Any, connection.connection.dbapi_connection), who)
        if holder is not None:
            raise StoreBusyError(f"{self._engine.url.render_as_string()} is dialed from by {holder}")
        self._who = who

    def release(self) -> None:
        self._who = None  # the connection is closed

    def _connected(self, connection: Any, _: object) -> None:
        if self._who is None:
            return
        holder = _take(connection, self._who)
        connection.commit()
        if holder is not None:
            connection.close()
            raise StoreError(f"the connection was lost, and {holder} dials from {self._engine.url.render_as_string()}")


def _take(connection: Any, who: str) -> str | None:
    """Take the lock; else the name of its holder."""
    if connection.execute(_TAKE).fetchone()[0]:
        name = who.encode()[:_LONGEST_NAME].decode(errors="ignore")
        connection.execute("SELECT set_config('application_name', %s, false)", (name,))
        return None
    holder = connection.execute(_HOLDER, (_DIALS,)).fetchone()
    return (holder and holder[0]) or "another process"


def postgres_engine(url: URL) -> Engine:
    """One connection, checked before each transaction.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        import psycopg  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise ConfigurationError(
            "a store in PostgreSQL needs the extra: pip install 'trudy-python-sdk[dialer-postgres]'"
        ) from None
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            # Prepared statements do not live through a pooler of connections.
            "prepare_threshold": None,
            **{name: value for name, value in NETWORK.items() if name not in url.query},
            "application_name": "trudy dialer",
        },
    )
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _begin_postgres(connection: Connection) -> None:
    connection.exec_driver_sql(_BEGIN)
    connection.exec_driver_sql(_ONE_WRITER)
