"""Signed webhook deliveries for tests of a receiver: the bytes and the headers to post."""

from __future__ import annotations

import json
from typing import Unpack

from attrs import field, frozen

from trudy.webhooks.sample_events import EventOptions, make_body
from trudy.webhooks.signing import Secret, sign


@frozen(kw_only=True)
class Delivery:
    """One POST to a receiver."""

    body: bytes = field(repr=False)
    headers: dict[str, str] = field(hash=False, repr=False)


def make_delivery(
    name: str, /, *, secret: Secret | None = None, sent_at: float | None = None, **options: Unpack[EventOptions]
) -> Delivery:
    """Make a signed delivery of an event.

    Args:
        name: the event's name, such as `call.ended`.
        secret: signs the delivery; `TRUDY_WEBHOOK_SECRET` if left out.
        sent_at: Unix seconds of the signed timestamp; now if left out.
        options: as for `make_event`.

    Raises:
        ConfigurationError: no secret.
        InvalidArgumentError: an option has a value that it cannot have.
    """
    body = json.dumps(make_body(name, **options), separators=(",", ":")).encode()
    return Delivery(body=body, headers=sign(body, secret=secret, timestamp=sent_at))
