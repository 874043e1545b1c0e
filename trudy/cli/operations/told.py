"""Tells the person at the terminal how far a long operation is."""

from __future__ import annotations

from collections.abc import Callable

from trudy._parse import is_finite
from trudy.cli.shell import Shell
from trudy.models import AddedContacts

_MEGABYTE = 1_000_000


def teller(shell: Shell) -> Callable[..., None]:
    """What the client calls after each step; it says what is new, and nothing where no person looks."""
    told: list[str] = []

    def tell(seen: object, total: int | None = None) -> None:
        text = _line(seen, total)
        if text and told[-1:] != [text]:
            told.append(text)
            shell.say(text)

    return tell if shell.terminal.can_ask else lambda *_: None


def _line(seen: object, total: int | None) -> str:
    if isinstance(seen, AddedContacts):
        return f"{seen.answered} sent, {seen.added_count} added"
    if is_finite(seen):
        of = "" if total is None else f" of {total // _MEGABYTE} MB"
        return f"{int(seen) // _MEGABYTE} MB{of}"
    return str(getattr(seen, "status", ""))
