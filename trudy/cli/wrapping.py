"""Lines for a terminal, wrapped between words. Commands to copy stay whole: a terminal copies what it wraps itself."""

from __future__ import annotations

import re
from textwrap import fill
from typing import Final

_UNBROKEN: Final = "\u00a0"
"""A blank at which no line breaks."""
_COMMAND: Final = re.compile(r"(.*?:) ((?:trudy|pip|read) .*)")
"""A sentence that ends with a command."""
_LABEL: Final = re.compile(r" *\S.*?  +(?=\S)")
"""A label before its value, such as `  hours        12 in ...`."""
_TIME: Final = re.compile(r"(?:\w+ )?[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d UTC")
"""A time with the word before it, such as `open Mon 2026-06-01 10:00 UTC`: not to be broken."""
_NARROWEST: Final = 20
"""Columns that a text has at least, however narrow the terminal is."""


def wrapped(text: str, width: int, *, indent: str = "", hang: str = "") -> str:
    """One paragraph; `hang` stands before all its lines but the first. Words, such as a link, stay whole."""
    return fill(
        text,
        max(width, len(hang) + _NARROWEST),
        initial_indent=indent,
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )


def wrapped_lines(text: str, width: int) -> str:
    """Each line wrapped for itself, but those that are indented: they are commands to copy."""
    return "\n".join(
        line if len(line) <= width or line.startswith(" ") else wrapped(line, width) for line in text.split("\n")
    )


def wrapped_advice(text: str, width: int) -> str:
    """What to do, indented; where it has no room in one line, a command at its end stands in a line of its own."""
    if len(text) + 2 <= width:
        return f"  {text}"
    if found := _COMMAND.fullmatch(text):
        return f"{wrapped(found[1], width, indent='  ', hang='  ')}\n    {found[2]}"
    return wrapped(text, width, indent="  ", hang="  ")


def wrapped_facts(text: str, width: int) -> str:
    """Lines with a label and a value, each value wrapped below itself; a line without a label hangs by four."""
    return "\n".join(_wrapped_fact(line, width) for line in text.split("\n"))


def _wrapped_fact(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    label = _LABEL.match(line)
    start = "" if label is None else label[0]
    value = _TIME.sub(lambda time: time[0].replace(" ", _UNBROKEN), line[len(start) :].strip())
    shown = wrapped(value, width, indent=start or _indent(line), hang=" " * len(start) or "    ")
    return shown.replace(_UNBROKEN, " ")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
