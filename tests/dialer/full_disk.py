"""A disk that is full under PostgreSQL: by a limit of the system on the size of its files, which needs no rights."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from trudy.dialer.throwaway_postgres import PostgresServer, not_as_root

_MOST = 16 * 1024 * 1024
"""Bytes of a file: PostgreSQL's log has files of this size, and goes on."""
_FILLER = """
INSERT INTO events (at, kind, data) SELECT 0, 'filler', json_build_object('x', repeat('x', {size}))
FROM generate_series(1, {rows})
"""
_SIZES = {1500: 500, 1: 10}
"""Bytes and rows at a time: large ones, and small ones for the room that these leave."""


@contextmanager
def full_disk(server: PostgresServer, url: str) -> Iterator[None]:
    """The audit, of which each transaction of a call writes a line, cannot grow until the end of the block."""
    fill(server, url)
    try:
        yield
    finally:
        make_room(server)


def fill(server: PostgresServer, url: str) -> None:
    """Nothing can be written down any more."""
    with psycopg.connect(url, autocommit=True) as connection:
        _limit(server, _MOST)
        for size, rows in _SIZES.items():
            _write_until_full(connection, _FILLER.format(size=size, rows=rows))


def _write_until_full(connection: psycopg.Connection, statement: str) -> None:
    for _ in range(1_000):
        try:
            connection.execute(statement)  # type: ignore[call-overload]
        except psycopg.Error as error:
            if "could not extend file" not in str(error):
                raise
            return
    raise AssertionError("the disk is never full")


def make_room(server: PostgresServer) -> None:
    """It can again."""
    _limit(server, "unlimited")


def _limit(server: PostgresServer, most: int | str) -> None:
    """Of the process that starts the others, which have its limits then, and of those that it has started."""
    with psycopg.connect(server.url()) as connection:
        _limit_process(server.pid, most).check_returncode()
        for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity"):
            _limit_process(pid, most)  # unless it has ended


def _limit_process(pid: int | None, most: int | str) -> subprocess.CompletedProcess[bytes]:
    """The soft limit; by its own user, who may raise it again."""
    command = not_as_root("prlimit", f"--pid={pid}", f"--fsize={most}:unlimited")
    return subprocess.run(command, check=False, capture_output=True)
