"""`client.webhooks`: receiving events, at hand where a client is. Nothing here sends a request."""

from __future__ import annotations

from trudy.webhooks.unwrapping import unwrap


class Webhooks:
    """Verify webhook deliveries; the same as `trudy.webhooks`, which needs no client."""

    __slots__ = ()

    unwrap = staticmethod(unwrap)
