"""JSON from a stranger: strictly UTF-8, bounded in depth, and no exception that holds the text."""

from __future__ import annotations

import json
from typing import Any, Final, cast

MAX_DEPTH: Final = 100
"""Objects and arrays inside each other. What is deeper would break code that walks it, here or in a handler."""


class _Malformed:
    """The answer for bytes that are no acceptable JSON."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MALFORMED"


MALFORMED: Final = _Malformed()


def read_json(body: bytes, *, unique_keys: bool = False) -> Any:
    """The value in the body, or `MALFORMED`: never an exception, as one would carry the body along.

    Args:
        body: UTF-8, without a byte order mark.
        unique_keys: refuse objects that name a key twice, which readers disagree about.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique if unique_keys else None)
    except (ValueError, RecursionError):
        # Undecodable bytes, bad JSON, and integers beyond what Python converts are all ValueErrors.
        return MALFORMED
    return MALFORMED if _may_be_deep(body) and _is_deep(value) else value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _may_be_deep(body: bytes) -> bool:
    return body.count(b"{") + body.count(b"[") > MAX_DEPTH


def _is_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(cast("dict[str, object]", item).values())
            elif isinstance(item, list):
                below.extend(cast("list[object]", item))
        if not below:
            return False
        level = below
    return True
