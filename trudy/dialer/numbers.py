"""Phone numbers as files have them, to E.164: what each is, and what is wrong with those that cannot be read."""

from __future__ import annotations

import re
from functools import lru_cache
from numbers import Integral, Number
from typing import Final

import phonenumbers
from attrs import field, frozen
from phonenumbers import NumberParseException, PhoneNumberType

from trudy.dialer.policy import NumberKind
from trudy.dialer.sources import cell_text
from trudy.dialer.zones import zones_of

_KINDS: Final[dict[int, NumberKind]] = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
}
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+")
_DECIMAL = re.compile(r"\+?[0-9]{6,}[.,]0+")
_LONGEST_EMERGENCY: Final = 8
"""Characters of an emergency number at most; to ask for each number takes as long as to read it."""
_NORTH_AMERICAN = re.compile(r"\+1([2-9][0-9]{9})")
_EXTENSION = re.compile(r"(?i)(?:ext\.?|extension|x|#|;ext=)\s*[0-9]+\s*$")


@frozen(kw_only=True)
class ReadNumber:
    """A number that can be dialed, as far as its form tells.

    Attributes:
        e164: `+` and digits.
        country: ISO 3166-1; None for numbers of no country.
        zones: time zones it may lie in; none where nothing is known.
    """

    e164: str = field(repr=False)
    country: str | None
    kind: NumberKind
    zones: tuple[str, ...]


@frozen(kw_only=True)
class Unreadable:
    """A value that is no number to dial. `reason` is one word, `hint` says what to do about it."""

    reason: str
    hint: str


def read_number(value: object, region: str | None) -> ReadNumber | Unreadable:
    """A cell of a file as a number. `region` (`"US"`) is that of numbers without a country code."""
    if not isinstance(value, str) and cell_text(value) == "":
        return Unreadable(reason="empty", hint="there is no number")
    kind = _kind_of_number(value)
    if kind is not None:
        return Unreadable(
            reason=f"number_as_{kind}",
            hint="a frame or spreadsheet made a number of it and lost its plus sign or zeros: read the column as text",
        )
    if not isinstance(value, str):
        return Unreadable(reason="no_text", hint=f"it is of type {type(value).__name__}")
    text = value.strip().lstrip("'\u200b\ufeff").strip()
    if not text:
        return Unreadable(reason="empty", hint="there is no number")
    if _SCIENTIFIC.fullmatch(text):
        return Unreadable(
            reason="scientific_notation", hint="a spreadsheet rounded it, digits are lost: format the column as text"
        )
    if _DECIMAL.fullmatch(text):
        return Unreadable(reason="decimal", hint="a spreadsheet or frame made a number of it: read the column as text")
    if _EXTENSION.search(text):
        return Unreadable(reason="extension", hint="extensions cannot be dialed")
    if region is not None and len(text) <= _LONGEST_EMERGENCY and phonenumbers.is_emergency_number(text, region):
        return Unreadable(reason="emergency", hint="it is an emergency number")
    return _parsed(text, region)


def _kind_of_number(value: object) -> str | None:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Integral):
        return "int"
    return "float" if isinstance(value, Number) else None


def _parsed(text: str, region: str | None) -> ReadNumber | Unreadable:
    try:
        plain = _NORTH_AMERICAN.fullmatch(text)  # most of what is dialed, and a third of the time of a parse saved
        number = (
            phonenumbers.parse(text, region)
            if plain is None
            else phonenumbers.PhoneNumber(country_code=1, national_number=int(plain[1]))
        )
    except NumberParseException as fault:
        if fault.error_type == NumberParseException.INVALID_COUNTRY_CODE and not text.startswith("+"):
            return Unreadable(reason="no_country", hint="it has no country code, and no region was given, such as US")
        return Unreadable(reason="no_number", hint="it cannot be read as a phone number")
    national = phonenumbers.national_significant_number(number)
    valid, country, kind = _facts(number, national)
    if not valid:
        return _invalid(text, national, region)
    return ReadNumber(
        e164=f"+{number.country_code}{national}",
        country=country,
        kind=kind,
        zones=zones_of(number.country_code or 0, national),
    )


def _invalid(text: str, national: str, region: str | None) -> Unreadable:
    digits = re.sub(r"[^0-9]", "", text)
    if not text.startswith("+") and len(digits) > 10:
        try:
            with_plus = phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}", None))
        except NumberParseException:
            with_plus = False
        if with_plus:
            return Unreadable(reason="lost_plus", hint="with a plus sign in front it would be a number")
    if len(national) <= 6:
        return Unreadable(reason="short", hint="it is too short: a service number, or digits are missing")
    return Unreadable(reason="invalid", hint=f"no such number exists{f' in {region}' if region else ''}")


def _facts(number: phonenumbers.PhoneNumber, national: str) -> tuple[bool, str | None, NumberKind]:
    if number.country_code == 1 and len(national) == 10:
        return _north_american(national[:6])
    return _looked_up(number)


@lru_cache(maxsize=100_000)
def _north_american(exchange: str) -> tuple[bool, str | None, NumberKind]:
    """Validity, country and kind of a North American number follow from its area code and exchange."""
    return _looked_up(phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{exchange}0123")))


def _looked_up(number: phonenumbers.PhoneNumber) -> tuple[bool, str | None, NumberKind]:
    return (
        phonenumbers.is_valid_number(number),
        phonenumbers.region_code_for_number(number),
        _KINDS.get(phonenumbers.number_type(number), "unknown"),
    )
