"""Reads fault rules that come as data: from a TOML file, or as JSON from the control endpoint.

[[fault]]
method = "POST"
path = "/calls"
nth = 2
reset = "after"

[[fault]]
path = "/agents*"
probability = 0.1
status = 502
details = { httpStatus = 503 }
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from trudy.sandbox.faults import FaultOptions, FaultRule, FaultTable


class FaultFileError(ValueError):
    """What is written there is no list of faults; the message says where and why."""


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_headers(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in cast("dict[str, object]", value).values())


_KINDS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "method": (_is_text, "text"),
    "path": (_is_text, "text"),
    "nth": (_is_int, "a whole number"),
    "probability": (_is_number, "a number"),
    "times": (_is_int, "a whole number"),
    "status": (_is_int, "a whole number"),
    "effect": (_is_bool, "true or false"),
    "code": (_is_text, "text"),
    "message": (_is_text, "text"),
    "details": (_is_table, "a table"),
    "body": (_is_text, "text"),
    "headers": (_is_headers, "a table of texts"),
    "content_type": (_is_text, "text"),
    "reset": (_is_text, "text"),
    "delay": (_is_number, "a number of seconds"),
    "truncate": (_is_bool, "true or false"),
    "broken": (_is_bool, "true or false"),
    "drip": (_is_number, "a number of seconds"),
    "skew": (_is_number, "a number of seconds"),
}


def add_rule(table: FaultTable, described: object, *, where: str = "fault") -> FaultRule:
    """Add the rule that a mapping describes.

    Raises:
        FaultFileError: it describes none; `where` begins the message.
    """
    if not isinstance(described, dict):
        raise FaultFileError(f"{where}: a fault is a table of names and values")
    members = cast("dict[str, Any]", described)
    for name, value in members.items():
        if name not in _KINDS:
            raise FaultFileError(f"{where}: there is no {name!r}; there are {', '.join(_KINDS)}")
        fits, kind = _KINDS[name]
        if not fits(value):
            raise FaultFileError(f"{where}: {name} must be {kind}")
    try:
        return table.add(**cast("FaultOptions", members))
    except ValueError as error:
        raise FaultFileError(f"{where}: {error}") from None


def load_faults(table: FaultTable, path: Path) -> list[FaultRule]:
    """Add the rules of a file, in its order; all of them or none.

    Raises:
        FaultFileError: it cannot be read, or is no such file.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FaultFileError(f"{path}: {error}") from None
    faults: object = document.pop("fault", None)
    if document:
        raise FaultFileError(f"{path}: there is no {next(iter(document))!r}; each fault begins with [[fault]]")
    if not isinstance(faults, list) or not faults:
        raise FaultFileError(f"{path}: there is no fault in it; each begins with [[fault]]")
    added: list[FaultRule] = []
    try:
        for number, described in enumerate(cast("list[object]", faults), start=1):
            added.append(add_rule(table, described, where=f"{path}: fault {number}"))
    except FaultFileError:
        for rule in added:
            table.remove(rule)
        raise
    return added
