"""The idempotency key: made here for the endpoints that know it, and for no other."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from trudy.errors import InvalidArgumentError

if TYPE_CHECKING:
    from trudy.request import Endpoint

HEADER: Final = "X-Idempotency-Key"


def key_for(endpoint: Endpoint, given: object) -> str | None:
    """The caller's own key, or a new UUID4; None where the server knows no key."""
    if given is None:
        return str(uuid.uuid4()) if endpoint.sends_key else None
    if not endpoint.sends_key:
        raise InvalidArgumentError(f"{endpoint.name} knows no idempotency key", argument="idempotency_key")
    if not isinstance(given, str):
        raise InvalidArgumentError(
            f"idempotency_key must be a string, not {type(given).__name__}", argument="idempotency_key"
        )
    if not 0 < len(given) <= 255 or not all("!" <= letter <= "~" for letter in given):
        raise InvalidArgumentError(
            "idempotency_key must be 1 to 255 printable ASCII characters without spaces", argument="idempotency_key"
        )
    return given
