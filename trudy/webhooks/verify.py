"""Checks that a delivery is authentic and fresh: pure functions of its bytes, its headers, the secrets and the time.

Checked are, in this order, the size, the headers, the timestamp, the signature over the raw bytes and, unless `strict`,
the signature over the body's JSON with sorted keys. Only the last check parses the body.

A delivery that is refused raises one of

    WebhookVerificationError         the base: catch this one
    ├── MissingHeaderError           a header is missing: this is no delivery of Truedy
    ├── StaleTimestampError          the timestamp is too old, too far in the future, or no time
    ├── BadSignatureError            signed with none of the secrets, or changed on the way
    └── BadPayloadError              too large, or authentic but no event

None of them holds the secret, the signature or the body.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, Final, Protocol, TypeAlias, cast

from attrs import field, frozen

from trudy._parse import parse_time
from trudy.errors import InvalidArgumentError, TrudyError
from trudy.webhooks.signing import SIGNATURE, TIMESTAMP, SignatureForm, SigningKey, sorted_form
from trudy.webhooks.strict_json import MALFORMED, MAX_DEPTH, read_json

MAX_BODY: Final = 1024 * 1024
"""Bytes of the largest body that is read. Events have some kilobytes; a larger limit lets strangers fill memory."""
MAX_SORTED_BODY: Final = 128 * 1024
"""Bytes of the largest body whose key-sorted form is tried.

Writing that form costs about fifty times as much as the HMAC of the raw bytes, and any sender can make us do it. Events
of the early server have a few kilobytes. A larger body is accepted only if its raw bytes were signed.
"""
MAX_SORTED_MARKS: Final = 6_000
"""The most commas and brackets in a body whose key-sorted form is tried: many small values cost the most to read.

Events of the early server have about fifty values, and commas in their texts.
"""
TOLERANCE: Final = 300.0
"""Seconds a delivery may be old (documented): longer gives a copied delivery more time to be replayed."""
FUTURE_TOLERANCE: Final = 60.0
"""Seconds a delivery may be ahead of this machine's clock, as the early server's own receiver allows: shorter would
refuse deliveries if our clock is slow."""

_TIMESTAMPS: Final = ("x-truedy-timestamp", "x-trudy-timestamp")
_SIGNATURES: Final = ("x-truedy-signature", "x-trudy-signature")
_WANTED: Final = frozenset((*_TIMESTAMPS, *_SIGNATURES))
_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PIECE: Final = 8 * 1024
"""Bytes whose marks are counted at a time: more read further than need be into a body of marks alone, fewer cost a body
of text for each piece."""
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
    """The timestamp header is older or further in the future than tolerated, or is no time. Answer 401."""

    default_code = "stale_timestamp"


class BadSignatureError(WebhookVerificationError):
    """The signature fits none of the secrets. Answer 401."""

    default_code = "bad_signature"


class BadPayloadError(WebhookVerificationError):
    """The body is too large, or is signed but not an event in JSON. Answer 400."""

    default_code = "bad_payload"


class HasItems(Protocol):
    """Headers that are no `Mapping` but have `items()`, as those of some frameworks."""

    def items(self) -> Iterable[tuple[Any, Any]]: ...


Headers: TypeAlias = Mapping[str, Any] | HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""A mapping (also a WSGI environ or Django's `META`) or pairs, of text or bytes, in any case."""


@frozen
class SignatureProof:
    """How a delivery was signed. `value` is its JSON if the check had to read it, else `MALFORMED`."""

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
    """Check a delivery and return how it was signed.

    Args:
        body: the raw bytes.
        headers: any mapping or pairs.
        keys: the accepted keys.
        now: Unix seconds.
        tolerance, future_tolerance: seconds behind and ahead of `now`.
        strict: refuse a signature over the key-sorted JSON.

    Raises:
        WebhookVerificationError: one of its kinds.
        TypeError: the body is not bytes.
    """
    message = raw_bytes(body)
    check_tolerances(tolerance, future_tolerance)
    if not isinstance(now, Real):
        raise InvalidArgumentError("now must be Unix seconds", argument="now")
    if len(message) > MAX_BODY:
        raise BadPayloadError(f"the body is larger than {MAX_BODY} bytes")
    timestamp, given = find_headers(headers)
    age = now - _sent_at(timestamp)
    # `not ... <=` and not `>`, so that NaN is refused too.
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
    """The texts of timestamp and signature, under the documented names, else under those of the early server.

    A header that comes twice is joined with a comma, as HTTP says, and so is refused later.
    """
    pairs = (
        cast("HasItems", headers).items() if hasattr(headers, "items") else cast("Iterable[tuple[Any, Any]]", headers)
    )
    found: dict[str, str] = {}
    for raw_name, value in pairs:
        # A request has dozens of headers; comparing the length first is cheap and skips most of them.
        if len(raw_name) < 17:
            continue
        name = (raw_name if isinstance(raw_name, str) else _text(raw_name)).lower()
        if name not in _WANTED:
            name = name.removeprefix("http_").replace("_", "-")
            if name not in _WANTED:
                continue
        if value is None:
            continue  # a missing header, as some gateways write it in JSON
        text = _text(value)
        found[name] = f"{found[name]}, {text}" if name in found else text
    return _first(found, _TIMESTAMPS, TIMESTAMP), _first(found, _SIGNATURES, SIGNATURE)


def raw_bytes(body: object) -> bytes:
    """The body as bytes.

    Raises:
        TypeError: it is not bytes; the message says why it must be.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, bytearray | memoryview):
        return bytes(cast("bytearray", body))
    raise TypeError(f"{_WHY_BYTES}; got {type(body).__name__}")


def check_tolerances(tolerance: float, future_tolerance: float) -> None:
    """Refuse a tolerance that is not a number of seconds, 0 or more. Infinity accepts a delivery of any age."""
    if not _is_at_least_0(tolerance):
        raise InvalidArgumentError("tolerance must be a number of seconds, 0 or more", argument="tolerance")
    if not _is_at_least_0(future_tolerance):
        raise InvalidArgumentError(
            "future_tolerance must be a number of seconds, 0 or more", argument="future_tolerance"
        )


def _is_at_least_0(seconds: object) -> bool:
    return isinstance(seconds, Real) and cast("float", seconds) >= 0


def _sent_at(timestamp: str) -> float:
    if _UNIX_SECONDS.fullmatch(timestamp):
        return int(timestamp)
    moment = parse_time(timestamp) if timestamp.isascii() else None
    if moment is None:
        raise StaleTimestampError("the timestamp header is neither Unix seconds nor an ISO 8601 time")
    return moment.timestamp()


def _is_signed(keys: Sequence[SigningKey], stamp: bytes, message: bytes, claimed: bytes) -> bool:
    for key in keys:  # noqa: SIM110 - if this fails, the variables of a generator could not be cleared
        if hmac.compare_digest(key.signature(stamp, message).encode(), claimed):
            return True
    return False


def _may_be_sorted(message: bytes) -> bool:
    """Whether a body is small and flat enough to try its key-sorted form; found without parsing it."""
    if len(message) > MAX_SORTED_BODY:
        return False
    marks = b""
    for start in range(0, len(message), _PIECE):
        marks += message[start : start + _PIECE].translate(_AS_ARRAYS, _NO_MARKS)
        if len(marks) > MAX_SORTED_MARKS:
            return False
    # So many opening brackets without a closing one between them: deeper than `read_json` accepts.
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
