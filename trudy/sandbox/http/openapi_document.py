"""The API document itself, naming this sandbox as its server; read without a key."""

from __future__ import annotations

from trudy.sandbox.http.api_endpoint import Answer, Receive, Scope, Send, deliver
from trudy.sandbox.http.connection import door_of
from trudy.sandbox.http.contract import BASE_PATH, document
from trudy.sandbox.http.wire import encode

PATH = "/openapi.json"


class DescriptionEndpoint:
    """The ASGI application behind it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = door_of(scope)
        described = document() | {"servers": [{"url": door.api_origin + BASE_PATH}]}
        headers = {"content-type": "application/json"}
        await deliver(Answer(status=200, body=encode(described), headers=headers), door, send)
