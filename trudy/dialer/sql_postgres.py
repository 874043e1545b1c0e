"""PostgreSQL under a store: durable commits, one writer at a time as in SQLite, and the lock of who dials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError

from trudy.dialer.store import StoreBusyError, StoreError
from trudy.errors import ConfigurationError
from trudy.rate_limit.postgres_tables import NETWORK, cut

_DIALS: Final = 0x7472
_WRITES: Final = 0x7473
_PLANS: Final = 0x7474
"""First keys of the advisory locks; the second is the schema, which may hold a store of its own."""
_LOCK_WAIT: Final = 5_000
"""Milliseconds that a transaction waits for another one, as in SQLite. More would hold up calls behind a process
that hangs; less would fail under load."""
_STOPPED: Final = 15_000
"""Milliseconds after which PostgreSQL ends the transaction of a process that does not go on, as one that was stopped.
More keeps the others waiting; less ends one whose machine is merely busy."""
_PATIENCE: Final = f"""
SELECT set_config('lock_timeout', '{_LOCK_WAIT}', true),
set_config('idle_in_transaction_session_timeout', '{_STOPPED}', true)
"""
# The intent must be durable whatever the server's default is: a call follows it.
_BEGIN: Final = f"{_PATIENCE}, set_config('synchronous_commit', 'on', true), pg_advisory_xact_lock"
_ONE_WRITER: Final = f"{_BEGIN}({_WRITES}, hashtext(current_schema()))"
_ONE_PLANNER: Final = f"{_BEGIN}({_PLANS}, hashtext(current_schema()))"
_DIALS_HERE: Final = f"({_DIALS}, hashtext(current_schema()))"
_TAKE: Final = f"SELECT pg_try_advisory_lock{_DIALS_HERE}"
_TAKE_SHARED: Final = f"SELECT pg_try_advisory_lock_shared{_DIALS_HERE}"
_GIVE: Final = f"SELECT pg_advisory_unlock{_DIALS_HERE}"
_GIVE_SHARED: Final = f"SELECT pg_advisory_unlock_shared{_DIALS_HERE}"
_HOLDERS: Final = """
FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND classid = %s
AND objid = (hashtext(current_schema())::bigint & 4294967295)
"""
_HOLDER: Final = f"SELECT application_name {_HOLDERS}"
_OTHERS: Final = f"SELECT count(*) {_HOLDERS}"
CHANNEL: Final = "trudy_dialer"
"""Where those that dial from stores of the database hear of changes: the store's id, and `hint`, `end` or `move`."""
_KIND: Final = "trudy_kind"
"""Execution option: what a transaction does. One that `reads` waits for nobody. One that `plans` changes only what
nobody dials yet, and may take long: it waits for others that plan, and no claim waits for it."""
_LONGEST_NAME: Final = 63
"""Bytes that PostgreSQL keeps of an application's name."""


def said_by(error: Exception) -> str:
    """What a database says about a fault, without the values of the statement."""
    fault = error.orig if isinstance(error, DBAPIError) else error
    primary = getattr(getattr(fault, "diag", None), "message_primary", None)
    return str(primary or fault)


class PostgresLock:
    """An advisory lock of the store's one connection: who loses the connection loses the lock.

    One process alone has it, or workers share it. A new connection takes it again before anything is written, and fails
    if another process was quicker.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._who: str | None = None
        self.is_shared = False
        """Whether it was taken to be shared last."""
        event.listen(engine, "connect", self._connected)

    def take(self, who: str, *, shared: bool = False) -> bool:
        """Whether nobody else has it too.

        Raises:
            StoreBusyError: others have it, and do not share it.
        """
        if self._who is not None and self.is_shared == shared:
            return False
        with self._engine.begin() as connection:  # one process at a time: of workers that start together one is alone
            raw = cast(Any, connection.connection.dbapi_connection)
            holder = _take(raw, who, shared=shared)
            if holder is None and self._who is not None:
                raw.execute(_give(shared=self.is_shared))
            others = raw.execute(_OTHERS, (_DIALS,)).fetchone()[0]
        if holder is not None:
            raise StoreBusyError(f"{self._engine.url.render_as_string()} is dialed from by {holder}")
        self._who, self.is_shared = who, shared
        return bool(others == 0)

    def give_back(self) -> None:
        """Let others have it; the store stays open."""
        if self._who is None:
            return
        self._who = None
        with self._engine.begin() as connection:
            cast(Any, connection.connection.dbapi_connection).execute(_give(shared=self.is_shared))

    def release(self) -> None:
        self._who = None  # the connection is closed

    def cut(self) -> None:
        """From any thread: end what hangs on the connection."""
        if self._connection is not None:
            cut(self._connection)

    def _connected(self, connection: Any, _: object) -> None:
        self._connection = connection
        if self._who is None:
            return
        holder = _take(connection, self._who, shared=self.is_shared)
        connection.commit()
        if holder is not None:
            connection.close()
            raise StoreError(f"the connection was lost, and {holder} dials from {self._engine.url.render_as_string()}")


def _take(connection: Any, who: str, *, shared: bool) -> str | None:
    """Take the lock; else the name of its holder."""
    if connection.execute(_TAKE_SHARED if shared else _TAKE).fetchone()[0]:
        name = who.encode()[:_LONGEST_NAME].decode(errors="ignore")
        connection.execute("SELECT set_config('application_name', %s, false)", (name,))
        return None
    holder = connection.execute(_HOLDER, (_DIALS,)).fetchone()
    return (holder and holder[0]) or "another process"


def _give(*, shared: bool) -> str:
    return _GIVE_SHARED if shared else _GIVE


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


def that(engine: Engine, kind: Literal["reads", "plans"]) -> Engine:
    """The same connections, for transactions of a kind."""
    return engine.execution_options(**{_KIND: kind})


def notify(connection: Connection, store_id: str, what: Literal["hint", "end", "move"]) -> None:
    """Wake all that dial from this store, once the transaction is committed: something was heard of a call, a call is
    over, or a campaign has moved."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, f"{store_id} {what}")))


def settings_of(url: URL) -> dict[str, Any]:
    """For psycopg: a connection to the same database, on which a network that is gone is noticed within seconds."""
    patience = f"-c statement_timeout={_STOPPED} -c idle_in_transaction_session_timeout={_STOPPED}"
    given = str(url.query.get("options", ""))
    return {
        **{name: value for name, value in NETWORK.items() if name not in url.query},
        "application_name": "trudy dialer",
        "conninfo": url.set(drivername="postgresql")
        .difference_update_query(["options"])
        .render_as_string(hide_password=False),
        "options": f"{given} {patience}".strip(),
    }


def takes_connections(settings: Mapping[str, Any]) -> bool:
    """Whether a server is there that takes them, from whomever: it is neither away nor just starting."""
    from psycopg import pq
    from psycopg.conninfo import make_conninfo

    answer = pq.PGconn.ping(make_conninfo(**settings).encode())
    return answer not in (pq.Ping.NO_RESPONSE, pq.Ping.REJECT)


def _begin_postgres(connection: Connection) -> None:
    kind = connection.get_execution_options().get(_KIND)
    if kind == "reads":
        # Several statements see one moment, though others write meanwhile.
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.exec_driver_sql(_PATIENCE)
        return
    connection.exec_driver_sql(_ONE_PLANNER if kind == "plans" else _ONE_WRITER)
