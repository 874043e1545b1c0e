"""The router as an aiohttp handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from aiohttp import web

    from trudy.webhooks.router import WebhookRouter

_TOO_LARGE: Final = bytes(MAX_BODY + 1)
"""In place of a body that was not read, as it is larger: the router refuses it by its size."""


def aiohttp_handler(router: WebhookRouter) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler: `app.router.add_post("/webhooks/truedy", aiohttp_handler(router))`."""
    from aiohttp import web

    async def handler(request: web.Request) -> web.Response:
        answer = await router.handle(request.method, request.headers, await _read(request))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    return handler


async def _read(request: web.Request) -> bytes:
    """The body, or more than we look at of one that is too large.

    Where its size is known, aiohttp reads and keeps it, so that others may read it before and after.
    """
    length, limit = request.content_length, request.client_max_size
    if length is not None and length > MAX_BODY:
        return _TOO_LARGE
    is_measured = length is not None and "Content-Encoding" not in request.headers
    if (is_measured and not 0 < limit < (length or 0)) or (0 < limit <= MAX_BODY and not is_measured):
        return await request.read()
    # Past the application's limit, or without any, aiohttp would refuse an event or read without end.
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return bytes(body)
