"""A FastAPI application with the dependency. Its annotations are values, since they name the router at hand."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from trudy.webhooks import WebhookEvent, WebhookRouter, fastapi_event


def make_app(router: WebhookRouter, path: str, handlers: Sequence[Any]) -> FastAPI:
    """The route does what the handlers of the other receivers do."""
    app = FastAPI()

    @app.post(path, status_code=204)
    def receive(event: Annotated[WebhookEvent, Depends(fastapi_event(router), scope="function")]) -> None:
        for handler in handlers:
            handler(event)

    return app


def make_reading_app(
    router: WebhookRouter, path: str, handlers: Sequence[Any], *, before: list[bytes] | None, after: list[bytes] | None
) -> FastAPI:
    """The same, where a dependency reads the body before ours, or the route after it, or both."""
    app = FastAPI()

    async def read_first(request: Request) -> None:
        if before is not None:
            before.append(await request.body())

    @app.post(path, status_code=204, dependencies=[Depends(read_first)])
    async def receive(
        request: Request, event: Annotated[WebhookEvent, Depends(fastapi_event(router), scope="function")]
    ) -> None:
        if after is not None:
            after.append(await request.body())
        for handler in handlers:
            handler(event)

    return app
