"""Quirks of requests, applied before anything else: redirects, and ids with prefixes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from trudy.sandbox.http.api_endpoint import Receive, Scope, Send, read_body
from trudy.sandbox.http.connection import connection_of
from trudy.sandbox.http.contract import BASE_PATH
from trudy.sandbox.quirks.rows import PREFIXES, UUID

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFIXED = re.compile(rf"\b(?:{'|'.join(PREFIXES.values())})_({UUID})")
_PREFIXED_BYTES = re.compile(_PREFIXED.pattern.encode())
_COLLECTION = re.compile(r"/(?:agents|calls|batch-calls|contacts|tools|knowledge-bases|voices)")


class QuirkLayer:
    """An ASGI application around the sandbox's own."""

    def __init__(self, app: App, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if not path.startswith(BASE_PATH + "/"):
            await self._app(scope, receive, send)
            return
        below = path.removeprefix(BASE_PATH)
        if "slash_redirects" in self._names:
            if target := _redirected(below):
                await read_body(receive)
                await _redirect(connection_of(scope).api_origin + BASE_PATH + target, scope["query_string"], send)
                return
            below = below.rstrip("/")
        if "prefixed_ids" in self._names:
            below = _PREFIXED.sub(r"\1", below)
            scope = {**scope, "query_string": _PREFIXED_BYTES.sub(rb"\1", scope["query_string"])}
            receive = _once(_PREFIXED_BYTES.sub(rb"\1", await read_body(receive)))
        await self._app({**scope, "path": BASE_PATH + below, "raw_path": (BASE_PATH + below).encode()}, receive, send)


def _redirected(below: str) -> str | None:
    if _COLLECTION.fullmatch(below):
        return below + "/"
    if below.endswith("/") and not _COLLECTION.fullmatch(below[:-1]):
        return below.rstrip("/")
    return None


async def _redirect(location: str, query: bytes, send: Send) -> None:
    target = location.encode("latin-1", "replace") + (b"?" + query if query else b"")
    headers = [(b"location", target), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _once(body: bytes) -> Receive:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
