"""The tables that are exported: one row a contact, or one row an attempt."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

if TYPE_CHECKING:
    from trudy.dialer.store import Store

Table: TypeAlias = Literal["contacts", "attempts"]
"""Of what a table has one row each."""
Kind: TypeAlias = type[str] | type[int] | type[float] | type[datetime]
Kinds: TypeAlias = Mapping[str, Kind]
"""Columns that each row of a table has, and of what type they are where a format has types."""
Rows: TypeAlias = Callable[[], AsyncIterator[Mapping[str, object]]]
"""Reads the rows of a table, from the first one each time."""

RESULTS: Final[Kinds] = {
    "state": str,
    "outcome": str,
    "reason": str,
    "attempts": int,
    "call_id": str,
    "started_at": datetime,
    "ended_at": datetime,
    "duration_seconds": float,
    "cost": float,
}
"""What became of a contact, in the columns after its own."""
ATTEMPTS: Final[Kinds] = {
    "line": int,
    "phone_number": str,
    "attempt": str,
    "n": int,
    "state": str,
    "outcome": str,
    "error": str,
    "zones": str,
    "from_number": str,
    "call_id": str,
    "intent_at": datetime,
    "started_at": datetime,
    "ended_at": datetime,
    "duration_seconds": float,
    "cost": float,
    "price": float,
}
"""The attributes of `AttemptRow`."""
_TAKEN: Final = re.compile(rf"(input_)*({'|'.join(RESULTS)})")


def own_name(name: str) -> str:
    """The name of a source's column in an export. One that is an export's own gets `input_` before it, each time."""
    return f"input_{name}" if _TAKEN.fullmatch(name) else name


def taken_names(names: Collection[str]) -> Mapping[str, str | None]:
    """Where an export is a source again: each name that the export took, and how the source's column of it is called,
    if there was one."""
    if not RESULTS.keys() <= set(names):
        return {}
    longest = sorted((name for name in names if own_name(name) != name), key=len)
    return dict.fromkeys(RESULTS) | {name.rpartition("input_")[2]: name for name in longest if name not in RESULTS}


def table_of(store: Store, campaign: str, rows: Table) -> tuple[Rows, Kinds]:
    """How one of the two tables of a campaign is read, and the columns that it has whatever the source."""
    if rows == "contacts":
        return lambda: store.export(campaign), RESULTS

    async def attempts() -> AsyncIterator[Mapping[str, object]]:
        async for attempt in store.export_attempts(campaign):
            yield {name: getattr(attempt, name) for name in ATTEMPTS}

    return attempts, ATTEMPTS


def column_names(seen: Iterable[str], kinds: Kinds) -> list[str]:
    """The columns of the source in the order in which they came, then those that every row has."""
    return [*(name for name in dict.fromkeys(seen) if name not in kinds), *kinds]


async def read_column_names(rows: Rows, kinds: Kinds) -> list[str]:
    """The columns of all rows, since a source may name others in each."""
    seen: dict[str, None] = {}
    async for row in rows():
        seen.update(dict.fromkeys(row))
    return column_names(seen, kinds)


def typed(value: object, kind: Kind) -> object:
    """A value as its column's type; Unix seconds become an aware time."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromtimestamp(cast("float", value), UTC) if kind is datetime else cast("type[str]", kind)(value)
