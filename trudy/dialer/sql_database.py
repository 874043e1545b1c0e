"""The database under a store: SQLite in a file, or PostgreSQL.

Everything runs in one thread at a time, a short transaction each. SQLite is set to `synchronous=FULL`: with less, a
power cut could roll a committed intent back, and a second call would follow.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Collection, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import StaticPool

from trudy.clock import Clock, monotonic
from trudy.dialer.schema import SCHEMA, metadata
from trudy.dialer.schema import store as store_table
from trudy.dialer.sql_postgres import PostgresLock, postgres_engine, said_by, settings_of, takes_connections, that
from trudy.dialer.states import ImpossibleError
from trudy.dialer.store import StoreBusyError, StoreError
from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from anyio import CapacityLimiter

P = ParamSpec("P")
T = TypeVar("T")
_MIGRATED: Final = "alembic_version"
"""The table in which alembic keeps the version of the others."""


class Database:
    """A database behind an SQLAlchemy URL; a plain path is a SQLite file, None the memory of this process."""

    def __init__(self, url: str | os.PathLike[str] | None, *, clock: Clock) -> None:
        self._is_memory = url is None
        text = "sqlite://" if url is None else os.fspath(url)
        if not text.strip():
            raise InvalidArgumentError("store must not be empty: it is the path of a file", argument="store")
        parsed = _url(text)
        is_postgres = parsed.get_backend_name() == "postgresql"
        self._engine = postgres_engine(parsed) if is_postgres else _sqlite_engine(parsed, in_memory=self._is_memory)
        self.is_postgres = is_postgres
        """Whether several processes may dial from it."""
        self._reading = that(self._engine, "reads") if is_postgres else self._engine
        self._planning = that(self._engine, "plans") if is_postgres else self._engine
        self._path: Path | None = None
        if parsed.get_backend_name() == "sqlite" and not self._is_memory:
            database = parsed.database or ""
            if database in ("", ":memory:") or "mode=memory" in text:
                raise InvalidArgumentError(
                    "store must be a file: what is only in memory is lost with the process, and with it who was called",
                    argument="store",
                )
            self._path = Path(urlsplit(database).path if database.startswith("file:") else database)
        self._name = str(self._path or parsed.render_as_string(hide_password=True))
        self._driver_errors: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        self._clock = clock
        self._writing = threading.Lock()
        """Held by the one thread that is in a transaction, whichever event loop it serves."""
        self._kept: Connection | None = None
        """The connection to SQLite: to take it from the pool each time costs as much as a small transaction."""
        self._limiters: dict[object, CapacityLimiter] = {}
        self._lock_file: int | None = None
        self._advisory = PostgresLock(self._engine) if is_postgres else None
        self._began_at: float | None = None
        """When the transaction that is under way began; None where there is none."""
        self._seen_log = (0, 0)
        self.id = ""
        """The store's own; empty until it is open."""

    async def open(self) -> None:
        """Bring the tables up to date; make them where there are none."""
        from anyio import CancelScope

        try:
            await self._run(self._open)
        except BaseException:
            with CancelScope(shield=True):
                await self.close()  # nobody else does: a dialer that could not be entered is not left either
            raise

    async def close(self) -> None:
        """Let go of connections and of the lock."""
        await self._run(self._close)

    @property
    def is_shared(self) -> bool:
        """Whether this process dials with others."""
        return self._advisory is not None and self._advisory.is_shared

    @property
    def name(self) -> str:
        """For people: a path, or a URL without its password."""
        return self._name

    @property
    def settings(self) -> dict[str, Any]:
        """For more connections of psycopg to the same PostgreSQL; the password is in them."""
        return settings_of(self._engine.url)

    async def is_there(self) -> bool:
        """Whether PostgreSQL takes connections; whether this process may have one is not asked."""
        from anyio import to_thread

        return await to_thread.run_sync(takes_connections, self.settings, abandon_on_cancel=True)

    async def lock(self, who: str) -> None:
        """Keep other processes from dialing. Raises `StoreBusyError`, which names who does."""
        await self._run(self._lock, who)

    async def share(self, who: str) -> bool:
        """Dial with others that share it, in PostgreSQL; whether there are none. Raises `StoreBusyError` where a
        process dials alone."""
        assert self._advisory is not None  # noqa: S101
        return await self._run(lambda: cast(PostgresLock, self._advisory).take(who, shared=True))

    async def unlock(self) -> None:
        """Let others dial; the store stays open."""
        if self._advisory is not None:
            await self._run(self._advisory.give_back)

    async def in_transaction(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **values: P.kwargs
    ) -> T:
        """Work that is committed when this returns, and left undone where it raises."""
        return await self._in_transaction(self._engine, work, *args, **values)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **values: P.kwargs) -> T:
        """Work that writes nothing, and waits for no other process. Each of its statements sees what is committed."""
        return await self._in_transaction(self._reading, work, *args, **values)

    async def plan(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **values: P.kwargs) -> T:
        """Work on a campaign that nobody dials yet: it keeps no claim waiting."""
        return await self._in_transaction(self._planning, work, *args, **values)

    async def _in_transaction(
        self, engine: Engine, work: Callable[Concatenate[Connection, P], T], *args: P.args, **values: P.kwargs
    ) -> T:
        if not self.id:
            raise StoreError(f"{self._name} is not open: use the dialer in `async with`, or SyncDialer in `with`")

        def run() -> T:
            with self._transaction(engine) as connection:
                return work(connection, *args, **values)

        return await self._run(run)

    async def compact(self) -> None:
        """Write SQLite's log back, which holds old pages until then."""
        await self._run(self._truncate_log)

    def may_have_changed(self) -> bool:
        """Whether anything was written since this was asked last, told at no cost; True where that cannot be told."""
        if self._path is None:
            return True
        try:
            log = Path(f"{self._path}-wal").stat()
        except OSError:
            return True
        seen, self._seen_log = self._seen_log, (log.st_mtime_ns, log.st_size)
        return seen != self._seen_log

    def cut(self, after: float) -> None:
        """From any thread: end a transaction that has gone on for so many seconds, as PostgreSQL does not answer. It
        raises `StoreError` then."""
        if self._advisory is not None and (began := self._began_at) is not None and monotonic() - began >= after:
            self._advisory.cut()

    def hash_of(self, number: str) -> str:
        """What stands for a number where the number itself must not stand."""
        return hmac.new(self.id.encode(), number.encode(), hashlib.sha256).hexdigest()

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        """Work in a thread; a clock that jumps while nothing happens is held meanwhile."""
        from anyio import lowlevel, to_thread

        hold: Callable[[], AbstractContextManager[object]] = getattr(self._clock, "hold", nullcontext)
        try:
            if self._is_memory:  # a transaction takes less than the way to a thread and back
                await lowlevel.checkpoint()
                return work(*args)
            with hold():
                return await to_thread.run_sync(work, *args, limiter=self._limiter())
        except IntegrityError as error:
            raise ImpossibleError(f"somebody else was there first: {said_by(error)}") from None
        except DBAPIError as error:
            # Not its own text, which holds the statement and its values.
            raise StoreError(f"{self._name}: {said_by(error)}") from None
        except self._driver_errors as error:  # of what is asked of the driver itself
            raise StoreError(f"{self._name}: {said_by(error)}") from None

    @contextmanager
    def _transaction(self, engine: Engine) -> Generator[Connection]:
        """The only one of this process, committed at the end of its block."""
        with self._writing:
            if engine.dialect.name != "sqlite":
                self._began_at = monotonic()
                try:
                    with engine.begin() as connection:
                        yield connection
                finally:
                    self._began_at = None
                return
            self._kept = kept = self._kept or engine.connect()
            try:
                with kept.begin():
                    # One that would only become a writer half-way could fail there; each takes the lock at once.
                    cast(Any, kept.connection.dbapi_connection).execute("BEGIN IMMEDIATE")
                    yield kept
            except BaseException:
                self._let_go()  # the pool sees to it that nothing is left of the transaction
                raise

    def _limiter(self) -> CapacityLimiter:
        """One thread at a time, for each event loop that uses the store."""
        from anyio import CapacityLimiter
        from anyio.lowlevel import current_token

        token = current_token()
        limiter = self._limiters.get(token)
        if limiter is None:
            limiter = self._limiters[token] = CapacityLimiter(1)
        return limiter

    def _open(self) -> None:
        from alembic.util import CommandError

        from trudy.dialer.migrations import upgrade

        if self._path is not None and not self._path.absolute().parent.is_dir():
            raise StoreError(f"{self._name}: its folder is not there")
        with self._transaction(self._engine) as connection:
            self._check_ours(inspect(connection).get_table_names())
            try:
                upgrade(connection)
            except CommandError:
                raise StoreError(f"{self._name} is of a newer version of trudy, or of another program") from None
            found = connection.execute(select(store_table)).first()
            if found is None:
                new = {"id": str(uuid4()), "schema": SCHEMA, "last_activity_at": 0.0}
                found = connection.execute(insert(store_table).values(new).returning(store_table)).one()
            if found.schema > SCHEMA:
                raise StoreError(f"{self._name} is of a newer version of trudy: schema {found.schema}, not {SCHEMA}")
        self.id = found.id

    def _check_ours(self, tables: Collection[str]) -> None:
        """Raises where the database is another program's, before anything of it is changed."""
        is_ours = _MIGRATED in tables and store_table.name in tables
        is_taken = tables if self._path is not None else metadata.tables.keys() & {*tables}
        if is_taken and not is_ours:
            raise StoreError(f"{self._name} is a database of another program, and not a store of the dialer")

    def _truncate_log(self) -> None:
        with self._writing:
            if self._kept is not None:
                cast(Any, self._kept.connection.dbapi_connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _close(self) -> None:
        self._let_go()
        self._engine.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None
        if self._advisory is not None:
            self._advisory.release()

    def _lock(self, who: str) -> None:
        if self._advisory is not None:
            self._advisory.take(who)
        if self._path is None or self._lock_file is not None:
            return
        import fcntl

        # Where the file really is, lest two names of one file have two locks.
        file = os.open(f"{self._path.resolve()}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(file, 200, 0).decode(errors="replace").strip()
            os.close(file)
            raise StoreBusyError(f"{self._path} is dialed from by {holder or 'another process'}") from None
        os.ftruncate(file, 0)
        os.pwrite(file, who.encode(), 0)
        self._lock_file = file


def _url(text: str) -> URL:
    try:
        url = make_url(text if "://" in text else f"sqlite:///{text}")
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InvalidArgumentError(
            "store is neither the path of a file nor a URL of SQLite or PostgreSQL", argument="store"
        )
    return url


def _sqlite_engine(url: URL, *, in_memory: bool) -> Engine:
    url = url.set(drivername="sqlite")  # with Python's own driver, whichever is named
    engine = create_engine(url, poolclass=StaticPool) if in_memory else create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the transactions are ours
    for setting in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {setting}")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables or store_table.name in tables:  # the log stays with a file, and another program's is left as it is
        connection.execute("PRAGMA journal_mode=WAL")
