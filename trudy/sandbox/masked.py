"""What people may look at of a request: its body without whole numbers and without secrets."""

from __future__ import annotations

import json
import re
from typing import Any

from trudy._masking import mask_text

LONGEST_SHOWN = 20_000
"""Bytes of a body beyond which only its size is shown."""

_SECRET_NAME = re.compile(r"password|secret|token|api_?key|authorization|credential", re.IGNORECASE)


def shown_body(body: bytes) -> str:
    """A body as text: JSON indented, with numbers and secrets masked."""
    if not body:
        return ""
    if len(body) > LONGEST_SHOWN:
        return f"({len(body):,} bytes)"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"({len(body):,} bytes, no text)"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return mask_text(text)
    return json.dumps(masked(value), indent=2, ensure_ascii=False)


def masked(value: Any) -> Any:
    """A JSON value with what is secret in it replaced."""
    match value:
        case dict():
            members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return {name: "***" if _hides(name, member) else masked(member) for name, member in members.items()}
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            return [masked(item) for item in items]
        case str():
            return mask_text(value)
        case _:
            return value


def _hides(name: str, value: object) -> bool:
    return isinstance(value, str) and bool(value) and _SECRET_NAME.search(name) is not None
