from __future__ import annotations

import anyio

from trudy import AsyncTrudyClient, TrudyClient
from trudy.webhooks import WebhookEvent, sign, unwrap

BODY = b'{"event": "call.ended", "data": {"call_id": "c-1"}}'


def test_both_clients_unwrap_with_a_plain_function() -> None:
    headers = sign(BODY, secret="whsec_one")

    async def receive() -> WebhookEvent:
        async with AsyncTrudyClient("k") as client:
            assert client.webhooks.unwrap is unwrap
            return client.webhooks.unwrap(BODY, headers, secret="whsec_one")

    event = anyio.run(receive)
    assert event.call_id == "c-1"
    with TrudyClient("k") as client:
        assert client.webhooks.unwrap(BODY, headers, secret="whsec_one") == event
