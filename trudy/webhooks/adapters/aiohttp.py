"""The router as an aiohttp handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from trudy._hidden import forgetful
from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from aiohttp import web

    from trudy.webhooks.router import WebhookRouter

_TOO_LARGE: Final = bytes(MAX_BODY + 1)
"""Stands for a body that is too large to read; the router refuses it by its size."""


def aiohttp_handler(router: WebhookRouter) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make a handler: `app.router.add_post("/webhooks/truedy{slash:/?}", aiohttp_handler(router))`."""
    from aiohttp import web

    async def handler(request: web.Request) -> web.Response:
        try:
            answer = await router.handle(request.method, request.headers, await _read(request))
        finally:
            del request  # it keeps the body, and error reporters send the variables of each frame
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    return handler


@forgetful
async def _read(request: web.Request) -> bytes:
    """The body; of one that is too large, just enough for the router to refuse it. aiohttp keeps what was read."""
    if (request.content_length or 0) > MAX_BODY:
        return _TOO_LARGE
    if request.content.at_eof():
        return await request.read()  # middleware has read it before, or it is empty
    # `request.read()` applies the application's own limit, which may be smaller than ours, or none at all.
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            return bytes(body)
    vars(request)["_read_bytes"] = bytes(body)
    return await request.read()
