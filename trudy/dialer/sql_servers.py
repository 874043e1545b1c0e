"""Which server a store in PostgreSQL is on: one that was restored, or promoted too early, has forgotten calls.

Whoever dials compares the store with the API's own record first; no claim is made on a server on which that was not
done. Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError

from trudy.dialer.records import ServerChange
from trudy.dialer.schema import store

_FACTS: Final[Mapping[str, str]] = {
    "system": "SELECT system_identifier::text FROM pg_control_system()",
    # Read from the name of the log file in use, as the control file shows a new timeline only after a checkpoint.
    "timeline": "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
    "started": "SELECT extract(epoch FROM pg_postmaster_start_time())::text",
    # The number of the table's file, which is another one after the table was filled from a dump.
    "files": "SELECT pg_relation_filenode('attempts'::regclass)::text",
}
_DOUBT: Final = "doubted"
_ALLOWED: Final = "trudy_server_facts"
"""Where a connection keeps what this server tells to this user."""


def current(connection: Connection) -> dict[str, str] | None:
    """What identifies the server and its data, as far as it tells; None for SQLite."""
    if connection.dialect.name != "postgresql":
        return None
    allowed = connection.info.get(_ALLOWED)
    if allowed is None:
        allowed = connection.info[_ALLOWED] = [name for name in _FACTS if _tells(connection, name)]
    together = ", ".join(f"({_FACTS[name]})" for name in allowed)
    found = connection.exec_driver_sql(f"SELECT {together}").one()
    return dict(zip(allowed, found, strict=True))


def change(connection: Connection) -> ServerChange | None:
    """How the server differs from the one that the store was compared on last; None where it does not."""
    now = current(connection)
    if now is None:
        return None
    before: dict[str, str] | None = connection.execute(select(store.c.guarded_for)).scalar_one()
    if before is None:
        return ServerChange(server=now, keeps_data=True)
    differs = {name for name in before.keys() & now.keys() if before[name] != now[name]}
    if not differs and _DOUBT not in before:
        return None
    # A server that was only started again lost nothing that was committed.
    was_restarted = differs == {"started"} and "timeline" in before.keys() & now.keys()
    return ServerChange(server=now, keeps_data=not differs or was_restarted)


def guarded(connection: Connection, server: Mapping[str, str]) -> None:
    """The store was compared on this server."""
    connection.execute(update(store).values(guarded_for=dict(server)))


def doubt(connection: Connection) -> None:
    """The store is to be compared again, also on the same server."""
    before: dict[str, str] | None = connection.execute(select(store.c.guarded_for)).scalar_one()
    if before is not None:
        guarded(connection, {**before, _DOUBT: "yes"})


def _tells(connection: Connection, name: str) -> bool:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(_FACTS[name])
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return False
    return True
