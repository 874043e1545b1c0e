"""Whether a delivery is authentic and fresh: pure functions of its bytes, its headers, the secrets and the time.

The order is size, headers, timestamp, signature over the raw bytes, and unless `strict` over the body's JSON with
sorted keys. Nothing is parsed before the timestamp has been checked, and only the last step parses at all.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Any, Final, cast

from attrs import frozen

from trudy._time import parse_time
from trudy.errors import InvalidArgumentError
from trudy.webhooks.errors import BadPayloadError, BadSignatureError, StaleTimestampError
from trudy.webhooks.headers import Headers, find_headers
from trudy.webhooks.signing import SignatureForm, signature, sorted_form
from trudy.webhooks.strict_json import MALFORMED, read_json

MAX_BODY: Final = 1024 * 1024
"""Bytes of the largest body that is looked at."""
TOLERANCE: Final = 300.0
"""Seconds a delivery may be old (documented)."""
FUTURE_TOLERANCE: Final = 60.0
"""Seconds a delivery may be ahead of our clock (the early server's own receiver)."""

_UNIX_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_MARK: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WHY_BYTES: Final = (
    "the body must be the raw bytes as they arrived, because they are what was signed: text that was decoded and"
    " encoded, or JSON that was parsed and written, may differ"
)


@frozen
class Proof:
    """How a delivery was signed; `value` is its JSON where that had to be read for the proof, else `MALFORMED`."""

    form: SignatureForm
    value: Any = MALFORMED


def verify(
    body: object,
    headers: Headers,
    secrets: Sequence[bytes],
    *,
    now: float,
    tolerance: float = TOLERANCE,
    future_tolerance: float = FUTURE_TOLERANCE,
    strict: bool = False,
) -> Proof:
    """Return how the delivery was signed.

    Args:
        body: the raw bytes.
        headers: any mapping or pairs.
        secrets: the accepted keys.
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
    if _is_signed(secrets, stamp, message, claimed):
        return Proof("raw")
    # A stranger's largest body costs many times its HMAC to sort; whoever made no mark at all shall not have that.
    if not strict and _MARK.fullmatch(given):
        value = read_json(message, unique_keys=True)
        resorted = MALFORMED if value is MALFORMED else _resorted(value)
        if isinstance(resorted, bytes) and _is_signed(secrets, stamp, resorted, claimed):
            return Proof("sorted", value)
    raise BadSignatureError("the signature fits none of the secrets")


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


def _is_signed(secrets: Sequence[bytes], stamp: bytes, message: bytes, claimed: bytes) -> bool:
    return any(hmac.compare_digest(signature(key, stamp, message).encode(), claimed) for key in secrets)


def _resorted(value: object) -> object:
    try:
        return sorted_form(value)
    except RecursionError:
        return MALFORMED
