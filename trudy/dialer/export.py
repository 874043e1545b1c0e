"""What became of the contacts, as files: results and rejects."""

from __future__ import annotations

import csv
import json
import re
import secrets
import stat
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from attrs import field, frozen

from trudy import _checks
from trudy.dialer.exported import RESULTS, Kind, Kinds, Rows, read_column_names, typed
from trudy.dialer.frames import write_parquet
from trudy.errors import InvalidArgumentError

_OTHERS: Final = "(other cells)"
_FORMULA: Final = re.compile("[ \u00a0\ufeff]*[=+@\uff1d\uff0b\uff0d\uff20\t\r\n-]")
"""How a text begins that a spreadsheet may run: some take the wide forms of these signs too, or skip what is blank."""
_HARMLESS: Final = re.compile(r"[+-]?[0-9][0-9 ().,/-]*")
"""Numbers, phone numbers too: no spreadsheet runs them as a formula."""


async def write(rows: Rows, path: Path, kinds: Kinds = RESULTS) -> int:
    """Write CSV, JSON lines or Parquet, by the file's name; how many rows there were.

    Raises:
        OSError: it cannot be written, such as on a full disk; a file of that name is the old one then.
    """
    with whole_file(path) as part:
        return await _WRITERS[path.suffix.lower()](rows, part, kinds)


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Where to write a file that is either whole or the old one; a link keeps pointing to it, and it keeps its mode."""
    path = path.resolve()
    part = path.with_name(f".{secrets.token_hex(8)}.part")  # short, since the name may be as long as names can be
    try:
        yield part
        if path.is_file():
            part.chmod(stat.S_IMODE(path.stat().st_mode))
        part.replace(path)
    except OSError as error:
        if error.filename != str(part):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        part.unlink(missing_ok=True)


def check_path(path: object) -> None:
    """A path of a file whose name tells the format."""
    _checks.path(path, "path")
    if Path(cast("str", path)).suffix.lower() not in _WRITERS:
        raise InvalidArgumentError(f"path must end in one of {', '.join(_WRITERS)}", argument="path")


async def _write_csv(rows: Rows, path: Path, kinds: Kinds) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        names = await read_column_names(rows, kinds)
        writer = csv.DictWriter(file, names)
        writer.writerow({name: _safe(name) for name in names})
        async for row in rows():
            writer.writerow({name: _safe(_shown(row[name], kinds.get(name))) for name in row})
            count += 1
    return count


async def _write_json_lines(rows: Rows, path: Path, kinds: Kinds) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        async for row in rows():
            shown = {name: _shown(value, kinds.get(name)) for name, value in row.items()}
            file.write(json.dumps(shown, ensure_ascii=False) + "\n")
            count += 1
    return count


_WRITERS: Final[Mapping[str, Callable[[Rows, Path, Kinds], Awaitable[int]]]] = {
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
    ".ndjson": _write_json_lines,
    ".parquet": write_parquet,
}


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
            self._writer.writerow(["line", "reason", "hint", *map(_safe, self._names), _OTHERS])
        others = "; ".join(f"{name}={cell}" for name, cell in cells.items() if name not in self._names)
        own = [_safe(cells.get(name, "")) for name in self._names]
        self._writer.writerow([line, reason, hint, *own, _safe(others)])


def _shown(value: object, kind: Kind | None) -> object:
    """Times in ISO 8601, for formats without a type for them."""
    time = typed(value, kind) if kind is datetime else None
    return time.isoformat() if isinstance(time, datetime) else value


def _safe(value: object) -> object:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it; numbers keep their sign."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) and not _HARMLESS.fullmatch(value) else value
