"""What became of the contacts, as files: results and rejects."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

RESULTS: Final = (
    "state", "outcome", "reason", "attempts", "call_id", "started_at", "ended_at", "duration_seconds", "cost",
)  # fmt: skip
"""What became of a row, in the columns after its own."""
_TIMES: Final = ("started_at", "ended_at")
_OTHERS: Final = "(other cells)"
_HARMLESS: Final = re.compile(r"[+-]?[0-9][0-9 ().,/-]*")
"""Numbers, phone numbers too: no spreadsheet runs them as a formula."""


async def write(rows: Callable[[], AsyncIterator[Mapping[str, object]]], path: Path) -> int:
    """Write CSV, or JSON lines where the name ends in `.jsonl` or `.ndjson`; how many rows there were.

    The file is written under another name first: a file of that name is either whole or the old one.
    """
    part = path.with_name(f"{path.name}.part")
    as_json = path.suffix.lower() in (".jsonl", ".ndjson")
    names = [] if as_json else await _columns(rows())
    count = 0
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        if not as_json:
            writer.writeheader()
        async for row in rows():
            shown = {name: _time(value) if name in _TIMES else value for name, value in row.items()}
            if as_json:
                file.write(json.dumps(shown, ensure_ascii=False) + "\n")
            else:
                writer.writerow({name: _safe(value) for name, value in shown.items()})
            count += 1
    part.replace(path)
    return count


async def _columns(rows: AsyncIterator[Mapping[str, object]]) -> list[str]:
    """Every column of any row: those of the source in the order in which they came, then the results."""
    names: dict[str, None] = {}
    async for row in rows:
        names.update(dict.fromkeys(row))
    return [*(name for name in names if name not in RESULTS), *RESULTS]


@frozen(kw_only=True)
class AttemptRow:
    """One attempt of a campaign, as the store has it. Times are Unix seconds of the server's clock.

    Attributes:
        line: the line of its contact in the source.
        n: counts the attempts to this contact, from 1.
        zones: where the phone may have rung, with commas between them.
        price: what was reserved for it.
    """

    line: int
    phone_number: str = field(repr=False)
    attempt: str
    n: int
    state: str
    outcome: str | None
    error: str | None
    zones: str
    from_number: str | None = field(repr=False)
    call_id: str | None
    intent_at: float
    started_at: float | None
    ended_at: float | None
    duration_seconds: float | None
    cost: float | None
    price: float


@frozen(kw_only=True)
class HeldRow:
    """A row that is not called for now, or of which nobody knows whether it was."""

    line: int
    phone_number: str | None = field(repr=False)
    state: str
    reason: str | None


@frozen(kw_only=True)
class CampaignCopy:
    """What a store knows of one campaign at one moment, by table."""

    store_id: str
    tables: Mapping[str, Sequence[Mapping[str, object]]] = field(repr=False)


class RejectsFile:
    """Rejected rows as a CSV, opened when the first comes."""

    def __init__(self, path: Path | None, files: ExitStack) -> None:
        self._wanted = path
        self._files = files
        self._writer: Any = None
        self._names: list[str] = []
        self.path: Path | None = None

    def write(self, line: int, reason: str, hint: str, cells: Mapping[str, str]) -> None:
        """Add a row. Cells of columns that the first rejected row did not have stand together in the last column."""
        if self._wanted is None:
            return
        if self._writer is None:
            file = self._files.enter_context(self._wanted.open("w", encoding="utf-8", newline=""))
            self._writer, self._names, self.path = csv.writer(file), list(cells), self._wanted
            self._writer.writerow(["line", "reason", "hint", *self._names, _OTHERS])
        others = "; ".join(f"{name}={cell}" for name, cell in cells.items() if name not in self._names)
        own = [_safe(cells.get(name, "")) for name in self._names]
        self._writer.writerow([line, reason, hint, *own, _safe(others)])


def _time(value: object) -> object:
    return datetime.fromtimestamp(value, UTC).isoformat() if isinstance(value, int | float) else value


def _safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it; numbers keep their sign."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value and not _HARMLESS.fullmatch(value):
        return f"'{value}"
    return value
