"""What an answer shows to an agent: no secrets, no signed links, numbers masked unless asked for, and no null.

An agent works with ids; a number it needs only to recognise. What it reads may be sent to others by it, or by whoever
talks it into something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from trudy._masking import mask_phone, mask_secrets, mask_text

_SECRET_NAME: Final = re.compile(
    r"secret|token|passw|api_?key|auth|credential(?!_id)|private_key|cookie", re.IGNORECASE
)
_HOLDS_SECRETS: Final = re.compile(r"header|auth|secret|credential(?!_id)", re.IGNORECASE)
_ID_NAME: Final = re.compile(r"(?:^|_)ids?$|Ids?$")
_NUMBER_NAME: Final = re.compile(r"phone|number|mobile|msisdn|^to$|^from$", re.IGNORECASE)
_SIGNED_IN: Final = re.compile(r"//[^/@\s]*@")
"""User and password in a URL."""
_FEWEST_DIGITS: Final = 7
"""Digits of a number that can be called; shorter ones are counts."""
_HIDDEN: Final = "***"
LONGEST_IN_A_LIST: Final = 300
"""Characters of a text in a list: enough to know what it is about."""


def shown(value: object, *, show_numbers: bool) -> object:
    """A JSON value as an agent may see it."""
    return _walk("", value, mask_secrets if show_numbers else mask_text, mask_numbers=not show_numbers)


def shortened(value: object) -> object:
    """A JSON value whose long texts are cut: in a list, prompts and transcripts of each row would bury the rest."""
    if isinstance(value, Mapping):
        return {key: shortened(member) for key, member in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [shortened(item) for item in cast("list[object]", value)]
    if isinstance(value, str) and len(value) > LONGEST_IN_A_LIST:
        return f"{value[:LONGEST_IN_A_LIST]}… ({len(value):,} characters; read the object itself for all)"
    return value


def _walk(name: str, value: object, mask: Callable[[str], str], *, mask_numbers: bool) -> object:
    if isinstance(value, Mapping):
        members = cast("Mapping[str, object]", value)
        is_secret = _is_secret_pair(members)
        found: dict[str, object] = {}
        for key, member in members.items():
            if member is None:
                continue  # most members of most answers are null, and fill an agent's memory
            if _HOLDS_SECRETS.search(key) or (is_secret and key == "value"):
                found[key] = _all_hidden(member)
            else:
                found[key] = _walk(key, member, mask, mask_numbers=mask_numbers)
        return found
    if isinstance(value, list):
        return [_walk(name, item, mask, mask_numbers=mask_numbers) for item in cast("list[object]", value)]
    if isinstance(value, str):
        if _SECRET_NAME.search(name):
            return _HIDDEN
        if _ID_NAME.search(name) and not value.startswith("+"):
            return value
        return mask(_SIGNED_IN.sub("//", value))
    if mask_numbers and isinstance(value, int) and not isinstance(value, bool) and _NUMBER_NAME.search(name):
        return mask_phone(str(value)) if len(str(abs(value))) >= _FEWEST_DIGITS else value
    return value


def _is_secret_pair(members: Mapping[str, object]) -> bool:
    """Whether it is a pair such as `{"name": "Authorization", "value": ...}`."""
    name = members.get("name", members.get("key"))
    return isinstance(name, str) and "value" in members and bool(_SECRET_NAME.search(name))


def _all_hidden(value: object) -> object:
    """An object of headers or of ways to sign in: its names, without any value."""
    if isinstance(value, Mapping):
        return {key: _all_hidden(member) for key, member in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_all_hidden(item) for item in cast("list[object]", value)]
    return value if isinstance(value, bool) or value is None else _HIDDEN
