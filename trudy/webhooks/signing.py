"""What is signed, and how: HMAC-SHA256 over the timestamp, a dot, and the body."""

from __future__ import annotations

import hmac
import json
import time
from datetime import datetime
from typing import Final, Literal, TypeAlias

from trudy.errors import InvalidArgumentError
from trudy.webhooks.headers import SIGNATURE, TIMESTAMP
from trudy.webhooks.secret import Secret, read_secrets

SignatureForm: TypeAlias = Literal["raw", "sorted"]
"""Whether the bytes were signed as sent (documented), or as JSON with sorted keys (the early server)."""

_PREFIXES: Final = ("X-Truedy-", "X-Trudy-")


def signature(key: bytes, timestamp: bytes, message: bytes) -> str:
    """The signature in lower-case hex."""
    return hmac.digest(key, timestamp + b"." + message, "sha256").hex()


def sorted_form(value: object) -> bytes:
    """A JSON value as the early server wrote it for signing: keys sorted, `", "` and `": "`, ASCII escapes."""
    return json.dumps(value, sort_keys=True).encode()


def sign(
    body: bytes,
    *,
    secret: Secret | None = None,
    timestamp: float | datetime | str | None = None,
    form: SignatureForm = "raw",
    prefix: str = "X-Truedy-",
) -> dict[str, str]:
    """Headers of a delivery, for tests of a receiver.

    Args:
        body: the bytes that will be sent.
        secret: the first one signs; `TRUDY_WEBHOOK_SECRET` if left out.
        timestamp: Unix seconds, a datetime with a zone, or the header's text; now if left out.
        form: `"sorted"` signs as the early server did; the body must then be JSON.
        prefix: `"X-Trudy-"` for the early server's names.
    """
    if prefix not in _PREFIXES:
        raise InvalidArgumentError(f"prefix must be one of {', '.join(_PREFIXES)}", argument="prefix")
    if form not in ("raw", "sorted"):
        raise InvalidArgumentError("form must be raw or sorted", argument="form")
    text = _timestamp_text(timestamp)
    message = bytes(body) if form == "raw" else sorted_form(json.loads(body))
    digest = signature(read_secrets(secret)[0], text.encode(), message)
    names = {name: prefix + name.removeprefix("X-Truedy-") for name in (TIMESTAMP, SIGNATURE)}
    return {"Content-Type": "application/json", names[TIMESTAMP]: text, names[SIGNATURE]: digest}


def _timestamp_text(timestamp: float | datetime | str | None) -> str:
    if isinstance(timestamp, str):
        return timestamp
    if isinstance(timestamp, datetime):
        if timestamp.utcoffset() is None:
            raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC", argument="timestamp")
        return str(int(timestamp.timestamp()))
    return str(int(time.time() if timestamp is None else timestamp))
