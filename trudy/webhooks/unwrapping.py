"""`unwrap`: raw bytes and headers in, a typed event that can be trusted out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trudy._hidden import forgetful
from trudy.errors import TrudyError
from trudy.webhooks.parse import parse_event
from trudy.webhooks.signing import Secret, SigningKey, signing_keys
from trudy.webhooks.strict_json import MALFORMED, MAX_DEPTH, read_json
from trudy.webhooks.verify import FUTURE_TOLERANCE, TOLERANCE, BadPayloadError, raw_bytes, verify

if TYPE_CHECKING:
    from trudy.webhooks.events import WebhookEvent
    from trudy.webhooks.verify import Headers


def unwrap(
    body: bytes | bytearray | memoryview,
    headers: Headers,
    *,
    secret: Secret | None = None,
    tolerance: float = TOLERANCE,
    future_tolerance: float = FUTURE_TOLERANCE,
    strict: bool = False,
    now: float | None = None,
) -> WebhookEvent:
    """Verify a delivery and return its event. Needs no API key and no client.

    Args:
        body: the raw bytes, at most 1 MiB; not decoded text, and not parsed JSON.
        headers: any mapping or list of pairs; names in any case, `X-Truedy-*` or `X-Trudy-*`.
        secret: the endpoint's secret, or several while it is rotated; `TRUDY_WEBHOOK_SECRET`, separated by commas, if
            left out.
        tolerance: seconds a delivery may be old.
        future_tolerance: seconds a delivery may be ahead of the clock.
        strict: accept a signature over the raw bytes only, not one over the key-sorted JSON of the body.
        now: Unix seconds; the machine's clock if left out.

    Raises:
        MissingHeaderError: no timestamp or no signature.
        StaleTimestampError: the timestamp is too old, too far ahead, or no time.
        BadSignatureError: signed with none of the secrets, or changed on the way.
        BadPayloadError: too large, or signed but no event.
        ConfigurationError: no secret.
        TypeError: the body is not bytes.
    """
    try:
        return unwrap_with(
            body,
            headers,
            signing_keys(secret),
            tolerance=tolerance,
            future_tolerance=future_tolerance,
            strict=strict,
            now=time.time() if now is None else now,
        )
    except (TrudyError, TypeError) as error:
        raise error.with_traceback(None) from None
    finally:
        # Error reporters send the variables of each frame, which must hold neither the secret nor a phone number.
        del body, headers, secret


@forgetful
def unwrap_with(
    body: object,
    headers: Headers,
    keys: Sequence[SigningKey],
    *,
    tolerance: float,
    future_tolerance: float,
    strict: bool,
    now: float,
) -> WebhookEvent:
    """`unwrap` with keys that were read before."""
    message = raw_bytes(body)
    proof = verify(
        message,
        headers,
        keys,
        now=now,
        tolerance=tolerance,
        future_tolerance=future_tolerance,
        strict=strict,
    )
    value = read_json(message) if proof.value is MALFORMED else proof.value
    if value is MALFORMED:
        raise BadPayloadError(f"the body is signed, but is not JSON in UTF-8 with at most {MAX_DEPTH} levels")
    return parse_event(value, signature_form=proof.form)


class Webhooks:
    """`client.webhooks`: the same `unwrap` as `trudy.webhooks`, which needs no client. Sends no request."""

    __slots__ = ()

    unwrap = staticmethod(unwrap)
