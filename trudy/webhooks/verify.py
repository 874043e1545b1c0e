"""Whether a delivery is authentic and fresh: pure functions of its bytes, its headers, the secrets and the time.

The order is size, headers, timestamp, signature over the raw bytes, and unless `strict` over the body's JSON with
sorted keys. Nothing is parsed before the timestamp has been checked, and only the last step parses at all.

What is refused raises

    WebhookVerificationError         base; catch this one
    ├── MissingHeaderError           a header is missing: this is no delivery of Truedy
    ├── StaleTimestampError          too old, too far in the future, or no time at all
    ├── BadSignatureError            not signed with any of the secrets, or changed on the way
    └── BadPayloadError              too large, or authentic but no event

None holds the secret, the signature or the body.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, cast

from attrs import field, frozen

from trudy._parse import parse_time
from trudy.errors import InvalidArgumentError, TrudyError
from trudy.webhooks.signing import SIGNATURE, TIMESTAMP, SignatureForm, SigningKey, sorted_form
from trudy.webhooks.strict_json import MALFORMED, MAX_DEPTH, read_json

MAX_BODY: Final = 1024 * 1024
"""Bytes of the largest body that is looked at."""
MAX_SORTED_BODY: Final = 128 * 1024
"""Bytes of the largest body whose key-sorted form is tried.

Writing that form costs some fifty times as much as the HMAC of the raw bytes, and anybody can send a body that asks for
it. Events of the early server have a few kilobytes; larger ones count only if their raw bytes were signed.
"""
MAX_SORTED_MARKS: Final = 6_000
"""Commas and brackets in a body whose key-sorted form is tried, as reading many values costs most.

Events of the early server have some fifty values, and a comma in each line of their texts.
"""
TOLERANCE: Final = 300.0
"""Seconds a delivery may be old (documented)."""
FUTURE_TOLERANCE: Final = 60.0
"""Seconds a delivery may be ahead of our clock (the early server's own receiver)."""

_TIMESTAMPS: Final = ("x-truedy-timestamp", "x-trudy-timestamp")
_SIGNATURES: Final = ("x-truedy-signature", "x-trudy-signature")
_WANTED: Final = frozenset((*_TIMESTAMPS, *_SIGNATURES))
_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_AS_ARRAYS: Final = bytes.maketrans(b"{}", b"[]")
_NO_MARKS: Final = bytes(set(range(256)) - set(b",[]{}"))
_WHY_BYTES: Final = (
    "the body must be the raw bytes as they arrived, because they are what was signed: text that was decoded and"
    " encoded, or JSON that was parsed and written, may differ"
)


class WebhookVerificationError(TrudyError):
    """A delivery was refused; `code` says why in one word."""

    default_code = "webhook_verification_error"


class MissingHeaderError(WebhookVerificationError):
    """The timestamp or the signature header is missing. Answer 401."""

    default_code = "missing_header"


class StaleTimestampError(WebhookVerificationError):
    """The timestamp header is older or further ahead than tolerated, or is no time. Answer 401."""

    default_code = "stale_timestamp"


class BadSignatureError(WebhookVerificationError):
    """The signature fits none of the secrets. Answer 401."""

    default_code = "bad_signature"


class BadPayloadError(WebhookVerificationError):
    """The body is too large, or is signed but not an event in JSON. Answer 400."""

    default_code = "bad_payload"


class HasItems(Protocol):
    """The headers of frameworks that are no `Mapping`, but have `items()`."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...


Headers: TypeAlias = Mapping[str, Any] | HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""A mapping (also a WSGI environ or Django's `META`) or pairs, of text or bytes, in any case."""


@frozen
class SignatureProof:
    """How a delivery was signed; `value` is its JSON where that had to be read for the proof, else `MALFORMED`."""

    form: SignatureForm
    value: Any = field(default=MALFORMED, repr=False)


def verify(
    body: object,
    headers: Headers,
    keys: Sequence[SigningKey],
    *,
    now: float,
    tolerance: float = TOLERANCE,
    future_tolerance: float = FUTURE_TOLERANCE,
    strict: bool = False,
) -> SignatureProof:
    """Return how the delivery was signed.

    Args:
        body: the raw bytes.
        headers: any mapping or pairs.
        keys: the accepted ones.
        now: Unix seconds.
        tolerance, future_tolerance: seconds behind and ahead of `now`.
        strict: refuse what is signed over the key-sorted JSON only.

    Raises:
        WebhookVerificationError: one of its kinds.
        TypeError: the body is no bytes.
    """
    message = raw_bytes(body)
    check_tolerances(tolerance, future_tolerance)
    if len(message) > MAX_BODY:
        raise BadPayloadError(f"the body is larger than {MAX_BODY} bytes")
    timestamp, given = find_headers(headers)
    age = now - _sent_at(timestamp)
    # Written so that a time that compares with nothing is refused.
    if not age <= tolerance:
        raise StaleTimestampError(f"the delivery is older than {tolerance:g} seconds")
    if not -age <= future_tolerance:
        raise StaleTimestampError(f"the delivery is dated more than {future_tolerance:g} seconds ahead of this clock")
    stamp = timestamp.encode()
    claimed = given.encode("utf-8", "replace")
    if _is_signed(keys, stamp, message, claimed):
        return SignatureProof("raw")
    if not strict and _HEX_DIGEST.fullmatch(given) and _may_be_sorted(message):
        value = read_json(message, unique_keys=True)
        resorted = MALFORMED if value is MALFORMED else _resorted(value)
        if isinstance(resorted, bytes) and _is_signed(keys, stamp, resorted, claimed):
            return SignatureProof("sorted", value)
    raise BadSignatureError("the signature fits none of the secrets")


def find_headers(headers: Headers) -> tuple[str, str]:
    """Timestamp and signature as text, under the documented names, else under those of the early server.

    A header that comes twice is joined with a comma, as HTTP has it, and so is refused later.
    """
    pairs = (
        cast("HasItems", headers).items() if hasattr(headers, "items") else cast("Iterable[tuple[Any, Any]]", headers)
    )
    found: dict[str, str] = {}
    for raw_name, value in pairs:
        # A framework gives dozens of headers, and few are as long as ours: the length spares most of the work.
        if len(raw_name) < 17:
            continue
        name = (raw_name if isinstance(raw_name, str) else _text(raw_name)).lower()
        if name not in _WANTED:
            name = name.removeprefix("http_").replace("_", "-")
            if name not in _WANTED:
                continue
        if value is None:
            continue  # what JSON makes of a header that is not there
        text = _text(value)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return _first(found, _TIMESTAMPS, TIMESTAMP), _first(found, _SIGNATURES, SIGNATURE)


def raw_bytes(body: object) -> bytes:
    """The body, if it is bytes; a TypeError that says why otherwise."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(cast("bytearray", body))
    raise TypeError(f"{_WHY_BYTES}; got {type(body).__name__}")


def check_tolerances(tolerance: float, future_tolerance: float) -> None:
    """A tolerance is a number of seconds, 0 or more; infinity takes a delivery of any age."""
    if not tolerance >= 0:
        raise InvalidArgumentError("tolerance must be a number of seconds, 0 or more", argument="tolerance")
    if not future_tolerance >= 0:
        raise InvalidArgumentError(
            "future_tolerance must be a number of seconds, 0 or more", argument="future_tolerance"
        )


def _sent_at(timestamp: str) -> float:
    if _UNIX_SECONDS.fullmatch(timestamp):
        return int(timestamp)
    moment = parse_time(timestamp) if timestamp.isascii() else None
    if moment is None:
        raise StaleTimestampError("the timestamp header is neither Unix seconds nor an ISO 8601 time")
    return moment.timestamp()


def _is_signed(keys: Sequence[SigningKey], stamp: bytes, message: bytes, claimed: bytes) -> bool:
    return any(hmac.compare_digest(key.signature(stamp, message).encode(), claimed) for key in keys)


def _may_be_sorted(message: bytes) -> bool:
    """Whether a body is worth reading for its key-sorted form; told in one pass, without reading it."""
    if len(message) > MAX_SORTED_BODY:
        return False
    marks = message.translate(_AS_ARRAYS, _NO_MARKS)
    if len(marks) > MAX_SORTED_MARKS:
        return False
    # What opens so often without a closing bracket in between is deeper than any reader here goes.
    return b"[" * (MAX_DEPTH + 1) not in marks.replace(b",", b"")


def _resorted(value: object) -> object:
    try:
        return sorted_form(value)
    except RecursionError:
        return MALFORMED


def _first(found: dict[str, str], names: tuple[str, ...], documented: str) -> str:
    for name in names:
        if name in found:
            return found[name]
    raise MissingHeaderError(f"the delivery has no {documented} header")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in cast("list[object]", value) if item is not None)
    raise TypeError(f"headers must be text or bytes, not {type(value).__name__}")
