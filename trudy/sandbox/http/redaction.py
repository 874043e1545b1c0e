"""Masks phone numbers and secrets in the query and body of a request, for the inspector."""

from __future__ import annotations

import json
import re
from typing import Any, cast
from urllib.parse import parse_qsl

from trudy._masking import mask_text

LONGEST_SHOWN = 20_000
"""Bytes of the largest body that is shown; of a larger one only the size is, as a page of them would load slowly."""

_SECRET_NAME = re.compile(
    r"passw|secret|token|(?:api|access|private)[_-]?key|authorization|credential|signature", re.IGNORECASE
)
_URL = re.compile(r"""://(?P<user>[^\s/?#"'<>]*@)?(?P<place>[^\s?#"'<>]*)(?P<mark>[?#])?(?(mark)[^\s"'<>]*)""")


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
        return shown_text(text)
    return json.dumps(redacted(value), indent=2, ensure_ascii=False)


def shown_query(query: bytes) -> str:
    """A query without percent-encoding, with numbers and secrets masked."""
    members = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return "&".join(f"{name}={'***' if _hides(name, value) else shown_text(value)}" for name, value in members)


def shown_text(text: str) -> str:
    """Free text with numbers and keys masked, and in URLs the parts that may hold a secret: user, query, fragment."""
    return mask_text(_URL.sub(_shown_url, text))


def redacted(value: Any) -> Any:
    """A JSON value with the secrets in it replaced."""
    match value:
        case dict():
            members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            return {name: "***" if _hides(name, member) else _member(name, member) for name, member in members.items()}
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
            return [redacted(item) for item in items]
        case str():
            return shown_text(value)
        case _:
            return value


def _member(name: str, value: Any) -> Any:
    """The value of a member. Headers that a tool sends are hidden whatever their name: they often hold its key."""
    match name, value:
        case "headers", dict():
            return dict.fromkeys(cast("dict[str, Any]", value), "***")
        case "staticParameters", list():
            parameters: list[Any] = redacted(value)
            return [each | {"value": "***"} if isinstance(each, dict) else each for each in parameters]
        case _:
            return redacted(value)


def _hides(name: str, value: object) -> bool:
    is_something = isinstance(value, (str, dict, list)) and value not in ("", {}, [])
    return is_something and _SECRET_NAME.search(name) is not None


def _shown_url(url: re.Match[str]) -> str:
    user = "***@" if url["user"] else ""
    end = f"{url['mark']}***" if url["mark"] else ""
    return f"://{user}{url['place']}{end}"
