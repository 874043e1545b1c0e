"""The API document itself, naming this sandbox as its server; read without a key."""

from __future__ import annotations

from trudy.sandbox.http.api_endpoint import HttpAnswer, Receive, Scope, Send, deliver
from trudy.sandbox.http.connection import connection_of
from trudy.sandbox.http.contract import BASE_PATH, document
from trudy.sandbox.http.wire import encode

PATH = "/openapi.json"


class OpenApiEndpoint:
    """The ASGI application behind it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        described = document() | {"servers": [{"url": connection.api_origin + BASE_PATH}]}
        headers = {"content-type": "application/json"}
        await deliver(HttpAnswer(status=200, body=encode(described), headers=headers), connection, send)
