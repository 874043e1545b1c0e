"""The event as a FastAPI dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Final

from fastapi import HTTPException, Request

from trudy._hidden import forgetful
from trudy.webhooks.answer import Answer
from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from trudy.webhooks.events import WebhookEvent
    from trudy.webhooks.router import WebhookRouter

_TOO_LARGE: Final = bytes(MAX_BODY + 1)
"""Stands for a body that is too large to read; the router refuses it by its size."""


def fastapi_event(router: WebhookRouter) -> Callable[[Request], AsyncIterator[WebhookEvent]]:
    """Make a dependency that gives a route the verified event. The route is used in place of the router's handlers.

        @app.post("/webhooks/truedy", status_code=204)
        async def receive(
            event: Annotated[WebhookEvent, Depends(fastapi_event(router), scope="function")],
        ) -> None: ...

    FastAPI before 0.121 has no `scope="function"`; the event is then marked as handled only after the answer was sent,
    and a repeated delivery that arrives at once is answered 503. A delivery that is refused, repeated or in progress
    is answered without calling the route, by an `HTTPException` whose detail is the reason in one word: the body is
    `{"detail": "bad_signature"}`, or what the application's own error handler writes. The event counts as handled
    unless the route raises. To answer with an error status, raise `HTTPException`; do not return a response.
    """

    async def event(request: Request) -> AsyncIterator[WebhookEvent]:
        async with router.claimed(request.method, request.headers, await _read(request)) as given:
            if isinstance(given, Answer):
                raise _refusal(given)
            yield given

    return event


@forgetful
async def _read(request: Request) -> bytes:
    """The body; of one that is too large, just enough for the router to refuse it. Starlette keeps what was read."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        return await request.body() if int(length[:18]) <= MAX_BODY else _TOO_LARGE
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return bytes(body)
    # `request.body()` would have read a body of any size. It returns what is stored here.
    vars(request)["_body"] = bytes(body)
    return await request.body()


def _refusal(answer: Answer) -> HTTPException:
    headers = {name: value for name, value in answer.headers.items() if name != "content-type"}
    return HTTPException(answer.status, detail=answer.code, headers=headers)
