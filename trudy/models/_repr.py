"""What a model shows of itself: no whole phone number, no signature of a link."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from trudy._masking import mask_phone, mask_text


def phone(value: str | None) -> str:
    """A number with its middle masked."""
    return repr(value if value is None else mask_phone(value))


def link(value: str | None) -> str:
    """A link without its query, where signatures stand, and without credentials."""
    if value is None:
        return "None"
    try:
        parts = urlsplit(value)
    except ValueError:
        return "'***'"
    query = "***" if parts.query else ""
    return repr(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, "")))


def prose(value: str | None) -> str:
    """Free text, shortened; whatever looks like a number or a key is masked."""
    if value is None:
        return "None"
    shown = mask_text(value)
    return repr(shown if len(shown) <= 60 else shown[:59] + "…")
