"""How long ago, or since when: `90m`, `12h`, `1d`, `2w`, or a date or time in ISO 8601. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from trudy.errors import InvalidArgumentError

_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO: Final = re.compile(r"([0-9]{1,6})([mhdw])")


def moment_of(text: str, now: datetime) -> datetime:
    """The moment that a text means (aware, UTC). A time without a zone is in UTC, a date is its midnight.

    Raises:
        InvalidArgumentError: it is none of these, or before the calendar begins.
    """
    word = text.strip()
    try:
        if ago := _AGO.fullmatch(word):
            return (now - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])).astimezone(UTC)
        at = datetime.fromisoformat(word)
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(
            "--since must be how long ago, as in 90m, 12h, 1d or 2w, or a date such as 2026-06-01", argument="since"
        ) from None
