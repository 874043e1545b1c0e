"""The code blocks of a Markdown file, each with the output shown below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, frozen

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDES = [README, *sorted((ROOT / "trudy").rglob("README.md"))]
"""What a user reads: the front page, and a guide in each room."""


def guide(room: str) -> Path:
    """The guide of a room of the package, such as `webhooks`."""
    return ROOT / "trudy" / room / "README.md"


_FENCE = re.compile(r"^```(.*)$")


@frozen
class Block:
    """One fenced block. `line` counts from 1; `output` is the `text` block that follows, if one does."""

    language: str
    source: str
    line: int
    output: str | None = None
    path: Path = README

    def __str__(self) -> str:
        return f"{self.path.parent.name}, line {self.line}" if self.path != README else f"line {self.line}"


def blocks_of(path: Path) -> list[Block]:
    """Every block of the file in order; a `text` block belongs to the block before it, or stands for itself."""
    blocks: list[Block] = []
    for language, source, line in _fenced(path.read_text()):
        before = blocks[-1] if blocks else None
        if language == "text" and before is not None and before.output is None and before.language != "text":
            blocks[-1] = evolve(before, output=source)
        else:
            blocks.append(Block(language, source, line, path=path))
    return blocks


def table_after(path: Path, heading: str) -> list[list[str]]:
    """The rows of the first table whose header begins with `heading`, a list of cells each."""
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    else:
        raise LookupError(f"no table headed {heading!r}")
    rows: list[list[str]] = []
    for line in list(lines)[1:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _fenced(text: str) -> Iterator[tuple[str, str, int]]:
    language: str | None = None
    begin, lines = 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        match = _FENCE.match(line)
        if match is None:
            lines.append(line)
        elif language is None:
            language, begin, lines = match[1].strip(), number, []
        else:
            yield language, "\n".join(lines) + "\n", begin
            language = None
    if language is not None:
        raise ValueError(f"the block of line {begin} is never closed")
