"""The router as an ASGI application: mount it in Starlette, FastAPI or any other, or serve it alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from trudy.webhooks.router import WebhookRouter

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


def asgi_app(router: WebhookRouter) -> ASGIApp:
    """An application that answers deliveries on any path.

    Served alone it opens and closes the router itself. Mounted it is not told of the server's life: with
    `background=True` give the outer application `lifespan=router.lifespan`.
    """

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                body = await _read(receive)
                if body is not None:
                    answer = await router.handle(scope["method"], scope["headers"], body)
                    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
                    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                    await send({"type": "http.response.body", "body": answer.body})
            case "lifespan":
                await _live(router, receive, send)
            case kind:
                raise RuntimeError(f"webhooks arrive over HTTP, not over {kind}")

    return app


async def _read(receive: Receive) -> bytes | None:
    """The body, or the beginning of one that is too large; None when the sender is gone."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)
        size += len(part)
    return b"".join(parts)


async def _live(router: WebhookRouter, receive: Receive, send: Send) -> None:
    await receive()
    phase = "startup"
    try:
        async with router:
            await send({"type": "lifespan.startup.complete"})
            phase = "shutdown"
            await receive()
    except Exception as error:
        # A server that is not told takes us for an application without a life cycle, and serves.
        await send({"type": f"lifespan.{phase}.failed", "message": f"{type(error).__name__}: {error}"})
        raise
    await send({"type": "lifespan.shutdown.complete"})
