"""Durations and times as people write them: `90s`, `1h30m`, `2026-12-01T09:00`, `2h` for two hours ago. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from trudy.cli.failures import CommandError

UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+", re.ASCII)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST: Final = 100 * 366 * 86_400.0
"""Seconds of the longest duration: nobody means more, and the calendar ends."""
_AS_DURATION: Final = "Write it like 90s, 5m or 1h30m; a number alone means seconds."
_AS_TIME: Final = "Write it like 2026-12-01T09:00+01:00 or 2026-12-01; 2h means two hours ago, +2h two hours from now."


def seconds_of(given: str, option: str, *, least: float = 0.0, most: float = _LONGEST) -> float:
    """Seconds of `90`, `90s`, `5m` or `1h30m`.

    Raises:
        CommandError: it is none of these, or out of bounds.
    """
    text = given.strip()
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    elif _DURATION.fullmatch(text):
        seconds = sum(float(amount) * UNITS[unit] for amount, unit in _PART.findall(text))
    else:
        raise CommandError(f"{option}: {given!r} is no duration", _AS_DURATION)
    if not least <= seconds <= most:
        raise CommandError(f"{option} must be from {least:g} to {most:g} seconds", _AS_DURATION)
    return seconds


def instant_of(given: str, option: str, now: float) -> datetime:
    """An aware time of ISO 8601, or of so long ago or ahead; without a zone it is this machine's.

    Args:
        given: the text.
        option: named by errors.
        now: Unix seconds.

    Raises:
        CommandError: it is none of these, or not in the calendar.
    """
    text = given.strip()
    distance = text.removeprefix("+")
    try:
        if text == "now":
            return datetime.fromtimestamp(now, UTC)
        if _DURATION.fullmatch(distance):
            away = timedelta(seconds=seconds_of(distance, option))
            return datetime.fromtimestamp(now, UTC) + (away if text.startswith("+") else -away)
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, CommandError):
        raise CommandError(f"{option}: {given!r} is no time", _AS_TIME) from None
