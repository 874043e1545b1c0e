"""The event as a FastAPI dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from fastapi import HTTPException, Request

from trudy.webhooks.answer import Answer
from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from trudy.webhooks.events import WebhookEvent
    from trudy.webhooks.router import WebhookRouter

_TOO_LARGE: Final = bytes(MAX_BODY + 1)
"""In place of a body that was not read, as it is larger: the router refuses it by its size."""


def fastapi_event(router: WebhookRouter) -> Callable[[Request], AsyncIterator[WebhookEvent]]:
    """A dependency that gives a route the verified event; the route takes the place of the router's handlers.

        @app.post("/webhooks/truedy", status_code=204)
        async def receive(
            event: Annotated[WebhookEvent, Depends(fastapi_event(router), scope="function")],
        ) -> None: ...

    Without `scope="function"` (FastAPI before 0.121) a repetition that comes at once may find the event still busy. A
    delivery that is refused, repeated or busy is answered without calling the route, by an `HTTPException` whose detail
    is the reason in one word: the body is `{"detail": "bad_signature"}`, or what the application makes of such errors.
    The event counts as handled unless the route raises; with a status of its own, let it raise `HTTPException` rather
    than return a response.
    """

    async def event(request: Request) -> AsyncIterator[WebhookEvent]:
        async with router.claimed(request.method, request.headers, await _read(request)) as given:
            if isinstance(given, Answer):
                raise _refusal(given)
            yield given

    return event


async def _read(request: Request) -> bytes:
    """The body, or more than we look at of one that is too large. Starlette keeps it for whoever reads it next."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        return await request.body() if int(length[:18]) <= MAX_BODY else _TOO_LARGE
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return bytes(body)
    # `request.body()` would have read to the end, wherever that is. It gives what is left here.
    vars(request)["_body"] = bytes(body)
    return await request.body()


def _refusal(answer: Answer) -> HTTPException:
    headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
    return HTTPException(answer.status, detail=answer.code, headers=headers)
