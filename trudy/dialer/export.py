"""What became of the contacts, as files and as sentences."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

_TIMES = ("started_at", "ended_at")


async def write(rows: AsyncIterator[Mapping[str, object]], path: Path) -> int:
    """Write CSV, or JSON lines where the name ends in `.jsonl` or `.ndjson`; how many rows there were.

    The file is written under another name first: a file of that name is either whole or the old one.
    """
    part = path.with_name(f"{path.name}.part")
    as_json = path.suffix.lower() in (".jsonl", ".ndjson")
    count = 0
    with part.open("w", encoding="utf-8", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        async for row in rows:
            shown = {name: _time(value) if name in _TIMES else value for name, value in row.items()}
            if as_json:
                file.write(json.dumps(shown, ensure_ascii=False) + "\n")
            else:
                if writer is None:
                    writer = csv.DictWriter(file, list(shown), extrasaction="ignore")
                    writer.writeheader()
                writer.writerow({name: _safe(value) for name, value in shown.items()})
            count += 1
    part.replace(path)
    return count


def told(history: Sequence[Mapping[str, object]]) -> list[str]:
    """What happened to a number, a line each."""
    lines: list[str] = []
    for entry in history:
        at = _time(entry.get("at"))
        rest = ", ".join(
            f"{name} {value}" for name, value in entry.items() if name not in ("at", "kind") and value is not None
        )
        lines.append(
            " ".join(part for part in (str(at or ""), str(entry["kind"]), f"({rest})" if rest else "") if part)
        )
    return lines


def _time(value: object) -> object:
    return datetime.fromtimestamp(value, UTC).isoformat() if isinstance(value, int | float) else value


def _safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it; numbers keep their plus sign."""
    if isinstance(value, str) and value[:1] in ("=", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
