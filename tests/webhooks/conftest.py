from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.webhooks.routers import Send, delivery
from trudy.webhooks import Answer, WebhookRouter


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["async", "blocking"])
def send(request: pytest.FixtureRequest) -> Send:
    """Pass a delivery to a router, by `handle` or by `handle_blocking`."""

    async def send(router: WebhookRouter, name: str = "call.ended", **options: Any) -> Answer:
        headers, body = delivery(name, **options)
        if request.param == "async":
            return await router.handle("POST", headers, body)
        return await anyio.to_thread.run_sync(router.handle_blocking, "POST", headers, body)

    return send
