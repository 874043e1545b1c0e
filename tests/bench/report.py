"""What a benchmark found, and how it is printed."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from attrs import field, frozen


@frozen(kw_only=True)
class Target:
    """What a figure should be at most. Missing it fails nothing; it is printed."""

    what: str
    value: float
    limit: float
    unit: Literal["x", "MB", ""] = "x"

    @property
    def met(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "met" if self.met else "MISSED"
        value, limit = (
            f"{number:.2f} {self.unit}" if self.unit else f"{number:g}" for number in (self.value, self.limit)
        )
        return f"{self.what}: {value}, target {limit}: {verdict}"


@frozen(kw_only=True)
class Table:
    """One benchmark's rows, the targets among them, and what a reader must know to judge them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = field(default=())

    def __str__(self) -> str:
        lines = [self.title, "=" * len(self.title)]
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        for row in (self.columns, ["-" * width for width in widths], *self.rows):
            first, *others = zip(row, widths, strict=True)
            cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
            lines.append("  ".join(cells).rstrip())
        lines += [f"* {target}" for target in self.targets]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def heading(packages: Sequence[str]) -> str:
    """When, on what, and with which versions this was measured."""
    made: Mapping[str, str] = {name: _version(name) for name in packages}
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Python {platform.python_version()} on {sys.platform}"
        f" {platform.machine()}, {os.cpu_count()} cores\n" + ", ".join(f"{name} {text}" for name, text in made.items())
    )


def ratio(value: float, other: float | None) -> str:
    """`0.70 x`, or a dash where there is nothing to compare with."""
    return "-" if not other else f"{value / other:.2f} x"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
