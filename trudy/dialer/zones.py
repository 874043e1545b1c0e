"""In which time zones a number may lie, as far as its digits tell.

libphonenumber's answer for one exchange can be an arbitrary fallback, so every zone of the area code counts. A number
that was ported, or a mobile phone that travels, may be anywhere: a `timezone` column of the file wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NORTH_AMERICA = "1"
_AREA_CODE = 4
"""Digits of a North American prefix: the country code and the area code."""


def zones_of(country_code: int, national: str) -> tuple[str, ...]:
    """Every zone that the number may lie in, in order of name; none where nothing is known."""
    if str(country_code) == _NORTH_AMERICA:
        return _by_area_code().get(f"1{national[:3]}", ())
    return _by_longest_prefix(f"{country_code}{national}")


def zone_named(text: str) -> str | None:
    """The zone of a column's text, such as `America/New_York`; None where there is none of that name."""
    name = text.strip()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return name


@cache
def _by_area_code() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for prefix, zones in _data().items():
        if prefix.startswith(_NORTH_AMERICA) and len(prefix) >= _AREA_CODE:
            found.setdefault(prefix[:_AREA_CODE], set()).update(zones)
    return {prefix: tuple(sorted(zones)) for prefix, zones in found.items()}


def _by_longest_prefix(digits: str) -> tuple[str, ...]:
    """The zones of the shortest prefix that is narrower than the country, and of all that lie inside it."""
    data = _data()
    known = [digits[:length] for length in range(1, len(digits) + 1) if digits[:length] in data]
    if not known:
        return ()
    # The country itself, then its parts: what the most general part says is right for each exchange in it.
    narrow = known[1] if len(known) > 1 else known[0]
    return tuple(sorted({*data[narrow], *data[known[-1]]}))


def _data() -> Mapping[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    data: Mapping[str, tuple[str, ...]] = TIMEZONE_DATA
    return data
