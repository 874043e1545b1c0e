"""Reads times, durations and base64 in requests, with the rules that the API document does not state."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any

from trudy.sandbox.http import problems

_LONGEST_SECONDS = 86_400.0
"""A day. No page names a limit; a call's end must remain a date that can be written."""
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")


def moment(text: str) -> float:
    """Unix seconds of an ISO 8601 time, which was checked before; without a zone it is UTC."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def seconds(text: str) -> float:
    """The number in a duration such as `30s`, which was checked before."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise ValueError("not a duration")
    return float(match[1])


def check_durations(members: dict[str, Any], *names: str, prefix: str = "") -> None:
    """Raise 422 for a member that is not a duration such as `30s`, or is longer than a day."""
    for name in names:
        text: str | None = members.get(name)
        if text is None:
            continue
        if not _SECONDS.fullmatch(text):
            raise problems.invalid(prefix + name, "must be a duration such as 30s", value=text)
        if seconds(text) > _LONGEST_SECONDS:
            raise problems.invalid(prefix + name, "must be a day at most", value=text)


def decoded(text: str, name: str) -> bytes:
    """The bytes in a base64 member; raises 422 if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise problems.invalid(name, "must be base64") from None
