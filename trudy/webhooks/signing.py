"""Signatures: HMAC-SHA256 over the timestamp, a dot and the body, with the endpoint's secret as the key."""

from __future__ import annotations

import hmac
import json
import os
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from trudy._hidden import Hidden
from trudy._parse import is_finite
from trudy.errors import ConfigurationError, InvalidArgumentError, TrudyError

TIMESTAMP: Final = "X-Truedy-Timestamp"
SIGNATURE: Final = "X-Truedy-Signature"
ENVIRONMENT: Final = "TRUDY_WEBHOOK_SECRET"

Secret: TypeAlias = str | Sequence[str]
"""The text that the dashboard shows, with its `whsec_`, or several of them while a secret is being rotated."""
SignatureForm: TypeAlias = Literal["raw", "sorted"]
"""Whether the bytes were signed as sent (documented), or as JSON with sorted keys (the early server)."""

_PREFIXES: Final = ("X-Truedy-", "X-Trudy-")


def _hide(secret: bytes) -> Hidden[bytes]:
    return Hidden(secret)


@frozen
class SigningKey:
    """One secret, hidden, as error reporters send the variables of each frame."""

    _secret: Hidden[bytes] = field(alias="secret", converter=_hide)

    @property
    def secret(self) -> bytes:
        """The secret's bytes."""
        return self._secret.reveal()

    def signature(self, timestamp: bytes, message: bytes) -> str:
        """The signature in lower-case hex."""
        return hmac.digest(self.secret, timestamp + b"." + message, "sha256").hex()


def signing_keys(secret: Secret | None) -> tuple[SigningKey, ...]:
    """The keys of these secrets; if none is given, of those in `TRUDY_WEBHOOK_SECRET`, separated by commas.

    Raises:
        ConfigurationError: there is none, or one is empty: anybody could sign with an empty one.
    """
    try:
        if secret is None:
            keys = environment_keys()
        else:
            keys = tuple([_key(one) for one in ((secret,) if isinstance(secret, str) else secret)])
    except ConfigurationError as error:
        # Without its traceback: the variables of those frames hold the secret.
        raise error.with_traceback(None) from None
    finally:
        del secret
    if not keys:
        raise no_secret()
    return keys


def environment_keys() -> tuple[SigningKey, ...]:
    """The keys of `TRUDY_WEBHOOK_SECRET`; none if it is empty or not set."""
    return tuple([_key(part.strip()) for part in os.environ.get(ENVIRONMENT, "").split(",") if part.strip()])


def no_secret() -> ConfigurationError:
    """The error for a missing secret."""
    return ConfigurationError(f"no webhook secret: pass secret=..., or set {ENVIRONMENT}")


def _key(secret: object) -> SigningKey:
    if not isinstance(secret, str):
        raise ConfigurationError(f"a webhook secret must be text, not {type(secret).__name__}")
    if not secret or secret != secret.strip():
        raise ConfigurationError("a webhook secret must not be empty, nor begin or end with white space")
    try:
        return SigningKey(secret.encode())
    except UnicodeEncodeError:
        pass
    raise ConfigurationError("a webhook secret must be text that can be encoded as UTF-8")


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
    """Sign a body: returns the headers of a delivery, for tests of a receiver.

    Args:
        body: the bytes that will be sent.
        secret: the first one signs; `TRUDY_WEBHOOK_SECRET` if left out.
        timestamp: Unix seconds, a datetime with a zone, or the header's text; now if left out.
        form: `"sorted"` signs as the early server did; the body must then be JSON.
        prefix: `"X-Trudy-"` for the early server's names.

    Raises:
        ConfigurationError: no secret.
        InvalidArgumentError: an argument is not one of those above.
    """
    try:
        return _signed_headers(body, signing_keys(secret)[0], timestamp, form, prefix)
    except TrudyError as error:
        raise error.with_traceback(None) from None
    finally:
        # Error reporters send the variables of each frame, which must hold neither the secret nor a phone number.
        del body, secret


def _signed_headers(
    body: bytes, key: SigningKey, timestamp: float | datetime | str | None, form: SignatureForm, prefix: str
) -> dict[str, str]:
    if prefix not in _PREFIXES:
        raise InvalidArgumentError(f"prefix must be one of {', '.join(_PREFIXES)}", argument="prefix")
    if form not in ("raw", "sorted"):
        raise InvalidArgumentError("form must be raw or sorted", argument="form")
    text = _timestamp_text(timestamp)
    try:
        message = bytes(body) if form == "raw" else sorted_form(json.loads(body))
    except (ValueError, RecursionError):
        raise InvalidArgumentError("body must be JSON if form is sorted", argument="body") from None
    names = {name: prefix + name.removeprefix("X-Truedy-") for name in (TIMESTAMP, SIGNATURE)}
    digest = key.signature(text.encode(), message)
    return {"Content-Type": "application/json", names[TIMESTAMP]: text, names[SIGNATURE]: digest}


def _timestamp_text(timestamp: float | datetime | str | None) -> str:
    if isinstance(timestamp, str):
        return timestamp
    if timestamp is None:
        return str(int(time.time()))
    if isinstance(timestamp, datetime) and timestamp == timestamp:
        if timestamp.utcoffset() is None:
            raise InvalidArgumentError("a datetime needs a time zone, such as datetime.UTC", argument="timestamp")
        return str(int(timestamp.timestamp()))
    if not is_finite(timestamp):
        raise InvalidArgumentError("timestamp must be Unix seconds, an aware datetime, or text", argument="timestamp")
    return str(int(timestamp))
