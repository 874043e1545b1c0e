"""Rows of a list as a table: for notebooks, pandas and polars. The libraries are imported when one is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from html import escape
from typing import TYPE_CHECKING, Any, Final, cast

import attrs

from trudy.errors import ConfigurationError
from trudy.models import Model, to_wire

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

_NO_COLUMNS: Final = frozenset({"extra", "meta"})
_SHOWN_ROWS: Final = 60
"""Rows in a notebook's table, as in pandas; a page has up to 100, which would fill the screen."""


def pandas_table(rows: Sequence[object]) -> pd.DataFrame:
    """A column an attribute; aware times, words as text, objects as dicts and lists."""
    try:
        import pandas as pd
    except ImportError:
        raise ConfigurationError("to_pandas() needs pandas: pip install pandas") from None
    columns = _columns(rows)
    table = pd.DataFrame(columns)
    for name, values in columns.items():
        if any(isinstance(value, datetime) for value in values):
            table[name] = pd.to_datetime(table[name], utc=True)
    return table


def polars_table(rows: Sequence[object]) -> pl.DataFrame:
    """The same for polars; objects and lists of objects are JSON text, since their members differ from row to row."""
    try:
        import polars as pl
    except ImportError:
        raise ConfigurationError("to_polars() needs polars: pip install polars") from None
    columns = {name: [_flat(value) for value in values] for name, values in _columns(rows).items()}
    return pl.DataFrame(columns, strict=False)


def html_table(rows: Sequence[object], total: int | None) -> str:
    """What a model's own repr shows of each row, numbers and links masked."""
    named = [a for a in _attributes(rows) if a.repr]
    head = "".join(f"<th>{escape(a.name)}</th>" for a in named)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_shown(a, getattr(row, a.name)))}</td>' for a in named)}</tr>"
        for row in rows[:_SHOWN_ROWS]
    )
    some = f"{len(rows)} rows" if len(rows) <= _SHOWN_ROWS else f"the first {_SHOWN_ROWS} of {len(rows)} rows"
    of = "" if total is None else f" of {total}"
    return (
        f"<table><caption>{some} on this page{of}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _attributes(rows: Sequence[object]) -> list[attrs.Attribute[Any]]:
    if not rows or not attrs.has(type(rows[0])):
        return []
    return [a for a in attrs.fields(cast("type[attrs.AttrsInstance]", type(rows[0]))) if a.name not in _NO_COLUMNS]


def _columns(rows: Sequence[object]) -> dict[str, list[object]]:
    return {a.name: [_plain(getattr(row, a.name)) for row in rows] for a in _attributes(rows)}


def _plain(value: object) -> object:
    """A value as plain Python types."""
    if isinstance(value, Enum):
        return value.value or None
    return to_wire(value) if _is_nested(value) else value


def _is_nested(value: object) -> bool:
    return isinstance(value, (Model, dict, tuple))


def _flat(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if _has_objects(value) else value


def _has_objects(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_objects, cast("list[object]", value))))


def _shown(attribute: attrs.Attribute[Any], value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, Enum):
        return str(value.value)
    if callable(attribute.repr):
        return attribute.repr(value).strip("'\"")
    return str(value) if isinstance(value, str | int | float) else repr(value)
