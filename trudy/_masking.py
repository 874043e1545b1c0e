"""Keeps people's phone numbers and users' secrets out of errors, logs and reprs."""

from __future__ import annotations

import re

_TIME = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[+-]\d{2}:?\d{2})?)?"
_PHONE = re.compile(rf"(?P<time>{_TIME})|(?<![0-9A-Za-z-])\+?[0-9](?:[ ().-]?[0-9]){{6,14}}(?![0-9A-Za-z-])")
_SECRET = re.compile(
    r"\b(?:truedy|whsec)_[A-Za-z0-9_-]{4,}|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*|(?i:\bbearer\s+)\S+"
)


def mask_phone(number: str) -> str:
    """`+14155550123` becomes `+1415***0123`; a text too short to be told apart becomes `***`."""
    digits = re.sub(r"[^0-9+]", "", number)
    return f"{digits[:5]}***{digits[-4:]}" if len(digits) >= 10 else "***"


def mask_text(text: str) -> str:
    """Mask whatever looks like a phone number, an API key, a token or a webhook secret in free text."""
    text = _SECRET.sub("***", text)
    return _PHONE.sub(lambda m: m[0] if m["time"] else mask_phone(m[0]), text)
