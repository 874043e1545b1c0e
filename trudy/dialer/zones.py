"""In which time zones a number may lie, as far as its digits tell.

libphonenumber's answer for one exchange can be an arbitrary fallback, so every zone of the area code counts. A number
that was ported, or a mobile phone that travels, may be anywhere: a `timezone` or `region` column of the file wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_NORTH_AMERICA: Final = "1"
_AREA_CODE: Final = 4
"""Digits of a North American prefix: the country code and the area code."""

_UNCLEAR: Final = frozenset(("EST", "MST"))
"""People write so in summer too, but as names of zones these have no daylight saving time."""

_EAST, _CENTRAL, _MOUNTAIN, _WEST = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "US": {
        _EAST: "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV IN KY MI FL TN",
        "America/Detroit": "MI",
        "America/Indiana/Indianapolis": "IN",
        "America/Kentucky/Louisville": "KY",
        _CENTRAL: "AL AR IA IL LA MN MO MS OK WI IN KY MI FL TN TX KS NE ND SD",
        _MOUNTAIN: "CO MT NM UT WY TX KS NE ND SD AZ NV OR",
        "America/Boise": "ID OR",
        "America/Phoenix": "AZ",
        _WEST: "CA WA NV OR ID",
        "America/Anchorage": "AK",
        "America/Adak": "AK",
        "Pacific/Honolulu": "HI",
        "America/Puerto_Rico": "PR",
        "America/St_Thomas": "VI",
        "Pacific/Guam": "GU MP",
        "Pacific/Pago_Pago": "AS",
    },
    "CA": {
        "America/St_Johns": "NL",
        "America/Goose_Bay": "NL",
        "America/Halifax": "NS PE QC",
        "America/Moncton": "NB",
        "America/Toronto": "ON QC NU",
        "America/Winnipeg": "MB ON NU",
        "America/Regina": "SK",
        "America/Edmonton": "AB SK BC NT NU",
        "America/Vancouver": "BC",
        "America/Fort_Nelson": "BC",
        "America/Whitehorse": "YT",
    },
    "AU": {
        "Australia/Sydney": "NSW ACT",
        "Australia/Broken_Hill": "NSW",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Darwin": "NT",
        "Australia/Perth": "WA",
        "Australia/Eucla": "WA",
        "Australia/Hobart": "TAS",
    },
}
"""The zones of the parts of countries that have several, those of their smallest corners too. Elsewhere a region says
nothing about the zone, and the number's own count."""


@cache
def zones_in(region: str) -> tuple[str, ...]:
    """Every zone of a part of a country (`"US-TX"`), in order of name; none where that is not known."""
    country, _, part = region.partition("-")
    zones = _PARTS.get(country, {})
    return tuple(sorted(zone for zone, parts in zones.items() if part in parts.split()))


@cache
def region_named(text: str, country: str | None) -> str | None:
    """ISO 3166-2 of a column's text: `US-FL` as it is; `FL` or `Florida` in a country. None where there is no such."""
    given, _, part = text.strip().upper().partition("-")
    if part:
        return f"{given}-{part}" if part in _codes(given) else None
    if country is None:
        return None
    codes = _codes(country)
    code = given if given in codes.values() else codes.get(given)
    return None if code is None else f"{country}-{code}"


@cache
def _codes(country: str) -> Mapping[str, str]:
    """Codes of a country's parts, by themselves and by the names of the parts, in capitals."""
    import holidays

    known = {part: part for parts in _PARTS.get(country, {}).values() for part in parts.split()}
    try:
        calendar = holidays.country_holidays(country)
    except NotImplementedError:
        return known
    aliases = cast("Mapping[str, list[str]]", calendar.get_subdivision_aliases())  # pyright: ignore[reportUnknownMemberType]
    named = {name.upper(): code for code, names in aliases.items() for name in names}
    return {**known, **{code: code for code in calendar.subdivisions}, **named}


def zones_of(country_code: int, national: str) -> tuple[str, ...]:
    """Every zone that the number may lie in, in order of name; none where nothing is known."""
    if str(country_code) == _NORTH_AMERICA:
        return _by_area_code().get(f"1{national[:3]}", ())
    return _by_longest_prefix(f"{country_code}{national}")


def zone_named(text: str) -> str | None:
    """The zone of a column's text, such as `America/New_York`; None where there is none of that name, or where it may
    be one with daylight saving time or one without."""
    name = text.strip()
    if name.upper() in _UNCLEAR:
        return None
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
    # The first prefix is the country, the second its most general part, whose zones hold for each exchange in it.
    narrow = known[1] if len(known) > 1 else known[0]
    return tuple(sorted({*data[narrow], *data[known[-1]]}))


def _data() -> Mapping[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA

    data: Mapping[str, tuple[str, ...]] = TIMEZONE_DATA
    return data
