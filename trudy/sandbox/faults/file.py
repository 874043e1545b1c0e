"""Reads fault rules from a TOML file, or from JSON of the control endpoint.

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
from pathlib import Path
from typing import cast

from trudy.sandbox.faults.options import FaultOptions
from trudy.sandbox.faults.rules import FaultRule, FaultTable


class FaultFileError(ValueError):
    """The file or the JSON holds no list of faults; the message says where and why."""


def add_rule(table: FaultTable, described: object, *, where: str = "fault") -> FaultRule:
    """Add the rule that a mapping describes.

    Raises:
        FaultFileError: it describes no rule; the message begins with `where`.
    """
    if not isinstance(described, dict):
        raise FaultFileError(f"{where}: a fault is a table of names and values")
    try:
        return table.add(**cast("FaultOptions", described))
    except (TypeError, ValueError) as error:
        raise FaultFileError(f"{where}: {error}") from None


def load_faults(table: FaultTable, path: Path) -> list[FaultRule]:
    """Add the rules of a file, in its order; all of them or none.

    Raises:
        FaultFileError: the file cannot be read, or holds no list of faults.
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
