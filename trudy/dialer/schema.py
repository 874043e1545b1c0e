"""The tables, one schema for SQLite and PostgreSQL. Times are Unix seconds of the server's clock.

The safety stands in two of them: an `attempts` row in state `intent` is committed before its request is sent, and the
partial unique index on `attempts.number` lets no two attempts ring one number at a time, over all campaigns. `events`
is the audit: triggers let nobody change or delete an entry.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from trudy.dialer.states import RINGING, AttemptState

metadata: Final = MetaData()
SCHEMA: Final = 2
"""The version of these tables, which stands in each store."""
SHARDS: Final = 16
"""Parts of a campaign in PostgreSQL, each dialed by one worker at a time: more take more jobs, fewer leave workers of
a large fleet without work."""

store = Table(
    "store",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("schema", Integer, nullable=False),
    Column("last_activity_at", Float, nullable=False),
    Column("guarded_for", JSON(none_as_null=True)),
)
"""One row: whose attempts these are, when the last one was committed, and which server they were compared with the
API's own record on."""

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("plan_hash", String(64), nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("policy", JSON, nullable=False),
    Column("consent", JSON, nullable=False),
    Column("region", String(2)),
    Column("longest_call", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("confirmed_by", Text),
    Column("created_at", Float, nullable=False),
    Column("live", Integer, nullable=False, server_default="0"),
    Column("dialed", Integer, nullable=False, server_default="0"),
    Column("reserved", Float, nullable=False, server_default="0"),
    Column("spent", Float, nullable=False, server_default="0"),
    Column("canary", Integer),
    Column("running_since", Float),
    Column("claimed_at", Float),
)

only_to = Table(
    "only_to",
    metadata,
    Column("campaign", String(36), ForeignKey("campaigns.id"), primary_key=True),
    Column("number_hash", String(64), primary_key=True),
)
"""The only numbers that a campaign calls for now; none stand here where it calls all."""

rows = Table(
    "rows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign", String(36), ForeignKey("campaigns.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("number", String(16)),
    Column("key", String(64)),
    Column("vars", JSON, nullable=False),
    Column("columns", JSON, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("country", String(2)),
    Column("region", String(8)),
    Column("consent", Text),
    Column("shard", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("due_at", Float),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("outcome", String(16)),
    Column("caller_id", String(16)),
)
Index(
    "rows_order", rows.c.campaign, rows.c.state, rows.c.priority.desc(), rows.c.due_at, rows.c.id, rows.c.shard
)  # in the order of the calls, so that the next rows are found without reading all that wait
Index("rows_key", rows.c.key)
"""`key` is the hash of the number: it stays when the person is forgotten."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("campaign", String(36), ForeignKey("campaigns.id"), nullable=False),
    Column("row", Integer, ForeignKey("rows.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("number", String(16), nullable=False),
    Column("number_hash", String(64), nullable=False),
    Column("from_number", String(16)),
    Column("state", String(16), nullable=False),
    Column("worker", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("intent_at", Float, nullable=False),
    Column("send_by", Float, nullable=False),
    Column("window", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("day", String(10), nullable=False),
    Column("consent", Text),
    Column("price", Float, nullable=False, server_default="0"),
    Column("call_id", Text, unique=True),
    Column("outcome", String(16)),
    Column("error", Text),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("duration", Float),
    Column("cost", Float),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("next_look_at", Float),
    UniqueConstraint("campaign", "row", "n", name="attempts_once"),
)
_ringing = text("state IN ({})".format(", ".join(f"'{state.value}'" for state in sorted(RINGING))))
Index("attempts_ringing", attempts.c.number, unique=True, sqlite_where=_ringing, postgresql_where=_ringing)
Index("attempts_number", attempts.c.number_hash, attempts.c.intent_at)
Index("attempts_state", attempts.c.campaign, attempts.c.state)
Index("attempts_ends", attempts.c.campaign, attempts.c.ended_at)

do_not_call = Table(
    "dnc",
    metadata,
    Column("number_hash", String(64), primary_key=True),
    Column("source", Text, nullable=False),
    Column("added_at", Float, nullable=False),
)
"""Numbers that are never called again, as hashes, so that a person can be forgotten and still not be called."""

caller_days = Table(
    "caller_days",
    metadata,
    Column("caller_id", String(16), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("calls", Integer, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("campaign", String(36), ForeignKey("campaigns.id"), primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("fence", Integer, nullable=False),
)
"""Who dials a shard. The fence rises with each slice; a claim with an older one is refused."""

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("campaign", String(36)),
    Column("row", Integer),
    Column("attempt", String(36)),
    Column("kind", String(32), nullable=False),
    Column("data", JSON, nullable=False),
)
"""The audit: what happened, in order, never changed."""
Index("events_row", events.c.row)

workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("seen_at", Float, nullable=False),
)
"""Who dials with others, and when they said so last, by the clock of the database."""

hints = Table(
    "hints",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("call_id", Text),
    Column("kind", Text, nullable=False),
)
"""What webhooks told, until the process that dials has looked. The ids in them may be the voice provider's."""


def attempt_is(states: Collection[AttemptState], table: FromClause = attempts) -> ColumnElement[bool]:
    """Whether an attempt is in one of these states, for statements that are made once: they are written out, since a
    list of values is put into the text each time."""
    return table.c.state.in_([literal_column(f"'{state.value}'") for state in states])
