"""The router as an aiohttp handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from aiohttp import web

    from trudy.webhooks.router import WebhookRouter


def aiohttp_handler(router: WebhookRouter) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler: `app.router.add_post("/webhooks/truedy", aiohttp_handler(router))`."""
    from aiohttp import web

    async def handler(request: web.Request) -> web.Response:
        # Not request.read(): its limit is the application's, and may be below ours.
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY:
                break
        if not body:
            # A middleware may have read it; aiohttp has then kept it.
            body += await request.read()
        answer = await router.handle(request.method, request.headers, bytes(body))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    return handler


def aiohttp_lifespan(router: WebhookRouter) -> Callable[[web.Application], AsyncIterator[None]]:
    """For `background=True`: `app.cleanup_ctx.append(aiohttp_lifespan(router))`."""

    async def lifespan(_: web.Application) -> AsyncIterator[None]:
        async with router:
            yield

    return lifespan
