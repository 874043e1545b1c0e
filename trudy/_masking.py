"""Keeps people's phone numbers, users' secrets and forged lines out of errors, logs and reprs."""

from __future__ import annotations

import re
from urllib.parse import unquote

_DATE = r"(?<![0-9])(?:(?:19|2[01])[0-9]{2}|9999)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9])"
_TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9}(?![0-9]))?)?(?:[+-][0-9]{2}:?[0-9]{2}(?![0-9]))?"
_ID = r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Z]{0,2}[0-9a-f]{24,})(?![0-9A-Za-z])"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_ADDRESS = rf"(?<![0-9.+])(?:{_OCTET}\.){{3}}{_OCTET}(?::[0-9]{{1,5}})?(?![0-9.-])"
_UNIT = r"[ \u00a0]?(?:bytes?|[KMGT]i?B|[nmµ]s|(?:milli|micro|nano)?seconds?|characters?)(?![0-9A-Za-z])"
_COUNTED = r"[ \u00a0](?:chars?|octets|digits|lines|rows|records|entries|items|elements|members|tokens)(?![0-9A-Za-z])"
_SIZE = rf"[0-9]+(?:\.[0-9]+)?{_UNIT}|[0-9]{{1,9}}(?: ?B(?![0-9A-Za-z])|{_COUNTED})"
_AMOUNT = rf"(?<![0-9A-Za-z+.])(?:[0-9]{{1,9}}(?: of |/)(?={_SIZE}))?(?:{_SIZE})"
_MEASURED = (
    r"(?i:\b(?:length|size|limit|offset|line|column|char|position|total|count|port)(?:=|: ?| ))[0-9]{1,9}(?![0-9])"
)
_GAP = r"(?:[^\S\r\n]|[().\u2010-\u2015-]|%(?:20|28|29|2[DdEe])){0,3}"
# A number ends before a time or an id that follows it; dates alone may be groups of its digits.
_DIGITS = rf"[0-9](?:{_GAP}(?!{_DATE}{_TIME}|{_ID})[0-9]){{6,}}"
# Without a plus sign it also ends before an amount: `100 (1048576 bytes)` is two numbers and none to call.
_BARE = rf"[0-9](?:{_GAP}(?!{_DATE}{_TIME}|{_ID}|{_AMOUNT}|{_ADDRESS})[0-9]){{6,}}"
# A few digits right after letters belong to an id; ten or more, or a plus sign before them, make a phone number.
_PHONE = re.compile(
    rf"(?P<kept>{_DATE}(?:{_TIME})?|{_ID}|{_ADDRESS}|{_AMOUNT}|{_MEASURED})"
    rf"|(?:\+|%2[Bb]){_GAP}{_DIGITS}|(?<![0-9A-Za-z]){_BARE}|[0-9]{{10,}}"
)
_DIGIT = re.compile("[0-9]")
_SECRET = re.compile(
    r"\b(?:truedy|whsec)_[A-Za-z0-9_-]{4,}|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|(?i:\bbearer\s+)\S+"
)
_QUERY = re.compile(r'([?&])[^\s?&="<>]+=[^\s"<>]*')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LEAST_HIDDEN = 3
"""Digits of a number that are never shown, so that it cannot be called."""
_LONGEST_END = 4
"""Digits shown at each end, at most: enough for its owner to recognise it."""


def mask_phone(number: str) -> str:
    """`+14155550123` becomes `+1415***0123`; of a shorter number less is shown, of a very short one nothing."""
    digits = re.sub(r"[^0-9]", "", number)
    start = min(_LONGEST_END, len(digits) - _LEAST_HIDDEN - _LONGEST_END)
    return f"{'+' if '+' in number else ''}{digits[:start]}***{digits[-_LONGEST_END:]}" if start >= 0 else "***"


def mask_secrets(text: str) -> str:
    """Mask whatever looks like an API key, a token, a webhook secret or a query in free text; numbers stay whole."""
    return _QUERY.sub(r"\1***", _SECRET.sub("***", text))


def mask_text(text: str) -> str:
    """Mask whatever looks like a phone number, an API key, a token, a webhook secret or a query in free text."""
    text = mask_secrets(text)
    if _DIGIT.search(text) is None:
        return text  # each error is masked, and most texts hold no digit: looking for numbers takes most of the time
    return _PHONE.sub(lambda found: found[0] if found["kept"] else mask_phone(unquote(found[0])), text)


def one_line(text: str) -> str:
    """Text from outside as one line, control characters written as escapes: it cannot forge a line of a log."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
