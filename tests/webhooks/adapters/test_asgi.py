"""The life of the ASGI application, as a server tells it, and where it is mounted; requests are in test_adapters.py."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from tests.webhooks.samples import SECRET
from trudy.webhooks import WebhookRouter, asgi_app


def test_a_server_is_told_that_it_may_start_and_end() -> None:
    told: list[Any] = []
    messages: Iterator[str] = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Any:
        return {"type": next(messages)}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(asgi_app(WebhookRouter(secret=SECRET))({"type": "lifespan"}, receive, send))
    assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
