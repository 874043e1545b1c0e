"""The secrets a receiver accepts: one, or several while they are being rotated."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from trudy.errors import ConfigurationError

ENVIRONMENT: Final = "TRUDY_WEBHOOK_SECRET"
Secret: TypeAlias = str | Sequence[str]
"""The text that the dashboard shows, `whsec_` included, or several of them."""


def read_secrets(secret: Secret | None) -> tuple[bytes, ...]:
    """The secrets as keys; those of `TRUDY_WEBHOOK_SECRET`, separated by commas, where none is given.

    Raises:
        ConfigurationError: there is none, or one is empty: anybody could sign with that.
    """
    if secret is None:
        given: Iterable[object] = [part.strip() for part in os.environ.get(ENVIRONMENT, "").split(",") if part.strip()]
    else:
        given = (secret,) if isinstance(secret, str) else secret
    keys = tuple([_key(one) for one in given])
    if not keys:
        raise ConfigurationError(f"no webhook secret: pass secret=..., or set {ENVIRONMENT}")
    return keys


def _key(secret: object) -> bytes:
    if not isinstance(secret, str):
        raise ConfigurationError(f"a webhook secret must be text, not {type(secret).__name__}")
    if not secret or secret != secret.strip():
        raise ConfigurationError("a webhook secret must not be empty, nor begin or end with white space")
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass
    raise ConfigurationError("a webhook secret must be text that UTF-8 can hold")
