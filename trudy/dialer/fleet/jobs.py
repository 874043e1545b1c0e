"""The jobs of a store in Procrastinate's tables: one a shard that has something to do, and one for the sweep.

Each function runs inside one transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from sqlalchemy import Connection, text

from trudy.dialer.schema import SHARDS
from trudy.dialer.store import StoreError
from trudy.errors import ConfigurationError

DIAL: Final = "trudy.dialer.dial"
SWEEP: Final = "trudy.dialer.sweep"
"""Names of the tasks."""
_NEEDED: Final = ("procrastinate_fetch_job_v2", "procrastinate_finish_job_v1", "procrastinate_register_worker_v1")
_ARE_THERE: Final = text("SELECT to_regclass('procrastinate_jobs') IS NOT NULL")
_HAS_INDEX: Final = text("SELECT to_regclass('rows_turn') IS NOT NULL")
# Each worker asks every second which shards have rows that are due, also of a million rows that wait for the morning.
_MAKE_INDEX: Final = text("CREATE INDEX rows_turn ON rows (campaign, shard, due_at) WHERE state = 'waiting'")
_HAS_FUNCTION: Final = text("SELECT count(DISTINCT proname) FROM pg_proc WHERE proname = ANY(:names)")
_PUT: Final = """
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
SELECT :queue, :task, job.key, job.key, job.args FROM ({}) AS job ON CONFLICT DO NOTHING
"""
_SHARD: Final = """
SELECT campaign || '/' || nr AS key, jsonb_build_object('campaign', campaign, 'shard', nr) AS args
"""
_PUT_SHARDS: Final = text(
    _PUT.format(
        f"{_SHARD} FROM (SELECT CAST(:campaign AS text) AS campaign) AS c, unnest(CAST(:shards AS int[])) AS nr"
    )
)
_ONE_SWEEP: Final = "SELECT :queue AS key, CAST('{}' AS jsonb) AS args"
_PUT_NEXT_SWEEP: Final = text(_PUT.format(_ONE_SWEEP))
_PUT_SWEEP: Final = text(
    _PUT.format(
        f"{_ONE_SWEEP} WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = :queue AND status = 'doing')"
    )
)
# A shard is unfinished while a row of it is due. One whose rows are due later gets its job then, and one of a campaign
# that is paused when it goes on.
_UNFINISHED: Final = """
FROM (SELECT id AS campaign FROM campaigns WHERE state = 'running') AS c, generate_series(0, :last) AS nr
WHERE (
    EXISTS (SELECT FROM rows WHERE campaign = c.campaign AND shard = nr AND state = 'waiting' AND due_at IS NULL)
    OR EXISTS (SELECT FROM rows WHERE campaign = c.campaign AND shard = nr AND state = 'waiting' AND due_at <= :now))
AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = c.campaign || '/' || nr AND status = 'todo')
AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = c.campaign || '/' || nr AND status = 'doing')
"""
_PUT_MISSING: Final = text(_PUT.format(_SHARD + _UNFINISHED))
_COUNT: Final = text(
    "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = :queue AND status IN ('todo', 'doing')"
)


def queue_of(store_id: str) -> str:
    """The queue of a store's shards. Several stores may share Procrastinate's tables."""
    return f"trudy_{store_id.replace('-', '')}"


def sweep_queue_of(store_id: str) -> str:
    """The queue of its sweep, which must not wait for a shard's turn to end."""
    return f"{queue_of(store_id)}s"


def make_tables(connection: Connection) -> None:
    """Make Procrastinate's tables where there are none, and an index; later versions of the tables do as well.

    Raises:
        ConfigurationError: the extra is not installed.
        StoreError: they are of a version that is too old.
    """
    try:
        from procrastinate.schema import SchemaManager
    except ImportError:
        raise ConfigurationError(
            "several workers need the extra: pip install 'trudy-python-sdk[dialer-postgres]'"
        ) from None
    if not connection.execute(_ARE_THERE).scalar_one():
        # Many statements, which only the driver runs as one.
        cast(Any, connection.connection.dbapi_connection).execute(SchemaManager.get_schema())
    elif connection.execute(_HAS_FUNCTION, {"names": list(_NEEDED)}).scalar_one() < len(_NEEDED):
        raise StoreError("the tables of Procrastinate are too old: bring them to those of version 3 by its migrations")
    if not connection.execute(_HAS_INDEX).scalar_one():
        connection.execute(_MAKE_INDEX)


def put_shards(connection: Connection, store_id: str, campaign: str, shards: Iterable[int] = range(SHARDS)) -> None:
    """A job for each of these shards that has none to come."""
    values = {"queue": queue_of(store_id), "task": DIAL, "campaign": campaign, "shards": list(shards)}
    connection.execute(_PUT_SHARDS, values)


def put_missing(connection: Connection, store_id: str, now: float) -> None:
    """A job for each unfinished shard of the campaigns that run."""
    connection.execute(_PUT_MISSING, {"queue": queue_of(store_id), "task": DIAL, "last": SHARDS - 1, "now": now})


def count_turns(connection: Connection, store_id: str) -> int:
    """How many jobs of shards wait or run."""
    count: int = connection.execute(_COUNT, {"queue": queue_of(store_id)}).scalar_one()
    return count


def put_sweep(connection: Connection, store_id: str, *, is_next: bool = False) -> None:
    """The job of the sweep, if there is none. `is_next`: the one that follows the caller's own."""
    queue = sweep_queue_of(store_id)
    statement = _PUT_NEXT_SWEEP if is_next else _PUT_SWEEP
    connection.execute(statement, {"queue": queue, "task": SWEEP})
