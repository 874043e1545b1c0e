"""The life of the ASGI application, as a server tells it; requests are in test_adapters.py."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Self

from tests.webhooks.samples import SECRET
from trudy.webhooks import WebhookRouter, asgi_app


class Shut(WebhookRouter):
    """Cannot be opened, or not be closed."""

    def __init__(self, *, opens: bool) -> None:
        super().__init__(secret=SECRET)
        self.opens = opens

    async def __aenter__(self) -> Self:
        if not self.opens:
            raise OSError("no queue to be had")
        return self

    async def __aexit__(self, *_: object) -> None:
        raise OSError("no end to it")


async def live(router: WebhookRouter) -> list[Any]:
    """What a server is told from its start to its end."""
    told: list[Any] = []
    messages: Iterator[str] = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Any:
        return {"type": next(messages)}

    async def send(message: Any) -> None:
        told.append(message)

    try:
        await asgi_app(router)({"type": "lifespan"}, receive, send)
    except OSError:
        told.append("raised")
    return told


def test_tells_when_it_opened_and_closed() -> None:
    told = asyncio.run(live(WebhookRouter(secret=SECRET, background=True)))
    assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def test_tells_why_it_cannot_be_opened() -> None:
    told = asyncio.run(live(Shut(opens=False)))
    assert told == [{"type": "lifespan.startup.failed", "message": "OSError: no queue to be had"}, "raised"]


def test_tells_why_it_cannot_be_closed() -> None:
    told = asyncio.run(live(Shut(opens=True)))
    assert told[1:] == [{"type": "lifespan.shutdown.failed", "message": "OSError: no end to it"}, "raised"]


def test_a_server_does_not_serve_what_could_not_be_opened() -> None:
    import uvicorn

    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = asgi_app(Shut(opens=False))
        # If it started nevertheless, it would end at once.
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", limit_max_requests=0))
        with contextlib.suppress(SystemExit):
            server.run([listener])
    assert not server.started
