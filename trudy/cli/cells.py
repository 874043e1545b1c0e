"""One value as a cell of a table, for a person to read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from trudy._answer_facts import as_mapping
from trudy._masking import one_line

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def cell(value: object) -> str:
    """A JSON value as one line; times in this machine's zone, to the minute."""
    match value:
        case _ if value in (None, "", [], {}):
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case str() if _TIME.fullmatch(value):
            return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M")
        case str() | int() | float():
            return one_line(str(value))
        case list() if all(isinstance(item, str | int | float) for item in cast("list[object]", value)):
            return one_line(", ".join(map(str, cast("list[object]", value))))
        case _:
            return one_line(json.dumps(value, ensure_ascii=False))


def member(row: Mapping[str, object], path: str) -> object:
    """A member of an object by its path, such as `call_settings.recording_enabled`; None where it is not there."""
    found: object = row
    for name in path.split("."):
        holder = as_mapping(found)
        if holder is None:
            return None
        found = holder.get(name)
    return found
