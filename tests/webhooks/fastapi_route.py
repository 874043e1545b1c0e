"""A FastAPI application with the dependency. Its annotations are values, since they name the router at hand."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from trudy.webhooks import WebhookEvent, WebhookRouter, fastapi_event


def make_app(router: WebhookRouter, path: str, handlers: Sequence[Any]) -> FastAPI:
    """The route does what the handlers of the other receivers do."""
    app = FastAPI()

    @app.post(path, status_code=204)
    def receive(event: Annotated[WebhookEvent, Depends(fastapi_event(router), scope="function")]) -> None:
        for handler in handlers:
            handler(event)

    return app
