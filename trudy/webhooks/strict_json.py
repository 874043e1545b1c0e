"""Reads JSON from an unknown sender: only UTF-8, only so deep, and without an exception that holds the text."""

from __future__ import annotations

import json
from typing import Any, Final, cast

MAX_DEPTH: Final = 100
"""Levels of objects and arrays. Events have about five; recursive code, such as a handler's, fails near 1,000."""


class _Malformed:
    """The result of bytes that are not acceptable JSON. (None is a JSON value, so it cannot be used.)"""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MALFORMED"


MALFORMED: Final = _Malformed()


def read_json(body: bytes, *, unique_keys: bool = False) -> Any:
    """Read the value of the body, or `MALFORMED`; raises nothing, as an exception would hold the body.

    Args:
        body: UTF-8, without a byte order mark.
        unique_keys: refuse an object that has a key twice: JSON readers differ in which value counts.
    """
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique if unique_keys else None)
    except (ValueError, RecursionError):
        # Bytes that are not UTF-8, bad JSON, and integers of too many digits all raise ValueError.
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
