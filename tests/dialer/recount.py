"""What a store's tables say, read without the store: its rows, and whether its counters are what they count."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import dict_row

Entry: TypeAlias = dict[str, Any]
Tables: TypeAlias = dict[str, list[Entry]]
RINGING = ("intent", "unknown", "placed")


Read: TypeAlias = Callable[[str], list[Entry]]
"""Asks a database, and gives the rows that it answers."""


def tables_of(store: Path | str) -> Tables:
    """Every table whole; campaigns whose plan was not finished, and their rows, are left out."""
    with reader(store) as read:
        found: Tables = {
            "campaigns": read("SELECT * FROM campaigns WHERE plan_hash != id ORDER BY created_at"),
            "rows": read(
                "SELECT * FROM rows WHERE campaign IN (SELECT id FROM campaigns WHERE plan_hash != id) ORDER BY id"
            ),
            "attempts": read("SELECT * FROM attempts ORDER BY n"),
            "caller_days": read("SELECT * FROM caller_days"),
            "dnc": read("SELECT * FROM dnc"),
            "events": read("SELECT * FROM events ORDER BY id"),
        }
    for event in found["events"]:
        if isinstance(event["data"], str):
            event["data"] = json.loads(event["data"])
    return found


@contextmanager
def reader(store: Path | str, *, autocommit: bool = False) -> Iterator[Read]:
    """Of a SQLite file, or of a PostgreSQL by its URL; there all that is read is of one moment, unless `autocommit`."""
    if "://" in str(store):
        with psycopg.connect(str(store), row_factory=dict_row, autocommit=autocommit) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            yield lambda query: connection.execute(query).fetchall()  # type: ignore[call-overload]
        return
    with closing(sqlite3.connect(store)) as file:
        file.row_factory = sqlite3.Row
        yield lambda query: [dict(each) for each in file.execute(query)]


def last_call_of(tables: Tables, row: Entry) -> str | None:
    """The call of a row's last attempt that may have rung."""
    calls = [each["call_id"] for each in tables["attempts"] if each["row"] == row["id"] and _was_dialed(each)]
    return calls[-1] if calls else None


def check_counters(tables: Tables) -> None:
    """Counters of campaigns, rows and caller ids equal what the attempts say."""
    attempts = tables["attempts"]
    for campaign in tables["campaigns"]:
        mine = [each for each in attempts if each["campaign"] == campaign["id"]]
        ringing = [each for each in mine if each["state"] in RINGING]
        held = [each for each in mine if each["state"] == "unresolved"]
        over = [each for each in mine if each["state"] in ("ended", "lost")]
        paid = [each["price"] if each["cost"] is None else each["cost"] for each in over]
        counted = {
            "live": len(ringing),
            "dialed": sum(map(_was_dialed, mine)),
            "reserved": sum(each["price"] for each in [*ringing, *held]),
            "spent": sum(paid),
        }
        said = {name: campaign[name] for name in counted}
        assert all(abs(said[name] - counted[name]) < 1e-6 for name in counted), (said, counted)
    for row in tables["rows"]:
        mine = [each for each in attempts if each["row"] == row["id"]]
        assert row["attempts"] == _count(mine, ("placed", "ended", "lost", "unresolved")), row
        assert _count(mine, RINGING) == (row["state"] in ("claimed", "live")), row
    for day in tables["caller_days"]:
        made = [each for each in attempts if (each["from_number"], each["day"]) == (day["caller_id"], day["day"])]
        assert day["calls"] == sum(map(_was_dialed, made)), day


def _count(attempts: Iterable[Entry], states: tuple[str, ...]) -> int:
    return sum(each["state"] in states for each in attempts)


def _was_dialed(attempt: Entry) -> bool:
    return attempt["state"] not in ("refused", "not_sent")
