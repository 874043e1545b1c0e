"""Strict readings of single JSON values: each returns what its name says, or raises `ValueError`.

Strict about meaning, lenient about spelling: a number may arrive as text, but `True` is never 1 and null never 'None'.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeGuard, cast

ID_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "agent": ("agent_id", "agentId"),
    "batch_call": ("batch_call_id", "batchCallId", "batch_id", "batchId"),
    "call": ("call_id", "callId"),
    "contact": ("contact_id", "contactId"),
    "credential": ("credential_id", "credentialId"),
    "folder": ("folder_id", "folderId"),
    "knowledge_base": ("kb_id", "kbId", "knowledge_base_id", "knowledgeBaseId"),
    "number": ("number_id", "numberId", "phone_number_id", "phoneNumberId"),
    "source": ("source_id", "sourceId"),
    "template": ("template_id", "templateId"),
    "tool": ("tool_id", "toolId"),
    "voice": ("voice_id", "voiceId"),
}
"""Names under which servers send the id of each kind of object: in objects that refer to it, and in its own row beside
or in place of `id`. The only such list."""

MOST_NESTING: Final = 100
"""How deep a server's value may be. Deeper ones could end the recursion of whoever compares, prints or copies them
(Python allows about 1,000 frames, the caller's own included); no documented answer has more than 8 levels."""

_PROVIDERS = "ultravox|uv|(?:voice_?)?provider|external|vendor|upstream|carrier|twilio|telnyx|plivo|sip"
# Not `parent_call_id` and the like, which name another call.
_CALL_ID = "call_?(?:id|sid|uuid|control_?id|session_?id)"
_NAMES_A_CALL = re.compile(rf"(?:(?:{_PROVIDERS}|voice|session)_?)?{_CALL_ID}", re.IGNORECASE)
_NAMES_A_PROVIDERS_CALL = re.compile(rf"(?:{_PROVIDERS})_?{_CALL_ID}", re.IGNORECASE)
_NAMES_A_CALL_INSIDE = re.compile(rf"(?:id|sid|uuid)|{_NAMES_A_CALL.pattern}", re.IGNORECASE)
_OF_A_PROVIDER = re.compile(rf"call|(?:{_PROVIDERS})(?:_?(?:call|data|details|info))?", re.IGNORECASE)

_NUMBER = re.compile(r"[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*s?", re.ASCII)

# Between 1973 and 5138 Unix seconds and Unix milliseconds cannot be mistaken for each other.
_UNIX_SECONDS = (1e8, 1e11)
_UNIX_MILLISECONDS = (1e11, 1e14)


def text(value: object) -> str:
    """Text; no other value is turned into text."""
    if isinstance(value, str):
        return value
    raise ValueError("is no text")


def identifier(value: object) -> str:
    """An opaque id: text that is not blank; a whole number is taken as its digits."""
    if isinstance(value, str) and value and not value.isspace():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("is no id")


def find_id(row: Mapping[str, object], kind: str) -> str | None:
    """The own id of an object of this kind (a key of `ID_ALIASES`), under any of its names; None where it has none."""
    for name in ("id", *ID_ALIASES[kind]):
        try:
            return identifier(row.get(name))
        except ValueError:
            continue
    return None


MAX_INT64: Final = 2**63 - 1
"""The largest number that a size, or a whole number of another language, may be."""


def is_finite(value: object) -> TypeGuard[int | float]:
    """Whether it is a finite number that a float can hold; `True` is no number."""
    largest = sys.float_info.max
    return isinstance(value, int | float) and not isinstance(value, bool) and -largest <= value <= largest


def is_positive(value: object) -> TypeGuard[int | float]:
    """Whether it is a finite number above 0."""
    return is_finite(value) and value > 0


def call_ids_in(row: Mapping[str, object]) -> tuple[str, ...]:
    """All ids by which an object names the call it is about, its own `id` apart: ours, the provider's, the carrier's.

    They stand in the object itself (`call_id`, `ultravoxCallId`), or in an object inside it (`{"ultravox": {"id":
    ...}}`). In `metadata` only the provider's count: a bare `call_id` there was written by the user.
    """
    found: list[str] = []
    for name, value in row.items():
        if _NAMES_A_CALL.fullmatch(name):
            found += _as_ids(value)
        elif isinstance(value, Mapping):
            names = _NAMES_A_CALL_INSIDE if _OF_A_PROVIDER.fullmatch(name) else _NAMES_A_PROVIDERS_CALL
            if names is _NAMES_A_CALL_INSIDE or name == "metadata":
                for inner, one in cast("Mapping[str, object]", value).items():
                    found += _as_ids(one) if names.fullmatch(inner) else ()
    return tuple(dict.fromkeys(found))


def _as_ids(value: object) -> tuple[str, ...]:
    try:
        return (identifier(value),)
    except ValueError:
        return ()


def number(value: object) -> int | float:
    """A finite number, or its text; whole numbers stay `int`, so that they are written as they came."""
    if isinstance(value, bool):
        raise ValueError("is no number")
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(stripped := value.strip()):
        value = float(stripped) if any(c in stripped for c in ".eE") else int(stripped)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("is no number")


def whole(value: object) -> int:
    """A whole number, or its text; `12.0` is whole."""
    found = number(value)
    if isinstance(found, float) and not found.is_integer():
        raise ValueError("is no whole number")
    return int(found)


def boolean(value: object) -> bool:
    """`true` or `false`, or one of these words as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := value.strip().lower()) in ("true", "false"):
        return word == "true"
    raise ValueError("is neither true nor false")


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time in any of the server's spellings as an aware UTC datetime; None if it is no time."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def instant(value: object) -> datetime:
    """An aware UTC datetime from ISO 8601 text in any spelling (no zone means UTC), or from Unix time.

    A fraction is read to the microsecond. A number, or its text, is Unix seconds, or milliseconds where it is too large
    for seconds.
    """
    if isinstance(value, str):
        # Digits alone could be read as the short form of ISO 8601; a date of it has eight.
        if value[4:5].isdecimal() and len(value.strip()) > 8 and _NUMBER.fullmatch(value.strip()):
            value = number(value)
        else:
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                found = None
            # The fast path: a page holds hundreds of times, nearly all of them UTC.
            if found is not None and (found.tzinfo is UTC or found.tzinfo is None):
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found
            found = parse_time(value) or parse_time(value.strip().upper())
            if found is not None:
                return found
    if isinstance(value, int | float) and not isinstance(value, bool):
        if _UNIX_SECONDS[0] <= value < _UNIX_SECONDS[1]:
            return datetime.fromtimestamp(value, UTC)
        if _UNIX_MILLISECONDS[0] <= value < _UNIX_MILLISECONDS[1]:
            return datetime.fromtimestamp(value / 1000, UTC)
    raise ValueError("is no time")


def parse_instant(value: object) -> datetime | None:
    """The time a JSON value names, in any spelling that `instant` reads; None where it names none."""
    try:
        return instant(value)
    except ValueError:
        return None


def seconds(value: object) -> int | float:
    """A duration in seconds from a number, `"30"` or `"30s"`."""
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        return number(match[1])
    found = number(value)
    if found < 0:
        raise ValueError("is no duration")
    return found


def duration(value: object) -> str:
    """A duration as the API writes it: text stays, a number of seconds becomes `"30s"`."""
    return value if isinstance(value, str) else seconds_text(seconds(value))


def parse_whole(value: object) -> int | None:
    """The whole number a JSON value names; None where it names none."""
    try:
        return whole(value)
    except ValueError:
        return None


def is_too_deep(value: object, most: int = MOST_NESTING) -> bool:
    """Whether lists and objects are nested more than `most` levels deep; found without recursion."""
    if not isinstance(value, (dict, list)):
        return False
    level: list[object] = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (
                cast("dict[str, object]", outer).values() if isinstance(outer, dict) else cast("list[object]", outer)
            )
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def parse_seconds(value: object) -> float | None:
    """The duration a JSON value names, in seconds; None where it names none."""
    try:
        return seconds(value)
    except ValueError:
        return None


def seconds_text(amount: float) -> str:
    """Seconds as the API writes a duration: `"30s"`."""
    return f"{amount}s" if isinstance(amount, int) else f"{amount:.6f}".rstrip("0").rstrip(".") + "s"
