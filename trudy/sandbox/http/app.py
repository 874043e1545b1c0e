"""The Starlette application: the operations of the API document, and the handler of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from attrs import evolve
from starlette.applications import Starlette
from starlette.routing import Route

from trudy.sandbox.http import control, recordings
from trudy.sandbox.http.api_endpoint import ApiEndpoint, HttpAnswer, Receive, Scope, Send, deliver
from trudy.sandbox.http.connection import connection_of
from trudy.sandbox.http.contract import BASE_PATH, document, operations
from trudy.sandbox.http.handler import Handler, Method
from trudy.sandbox.http.wire import encode
from trudy.sandbox.quirks.requests import App, QuirkLayer
from trudy.sandbox.routes import (
    agents,
    batch_calls,
    calls,
    contacts,
    knowledge_bases,
    telephony,
    tools,
    voices,
    webrtc,
)

if TYPE_CHECKING:
    from trudy.sandbox.world import World

HANDLERS: dict[str, Handler] = {
    name: handler
    for module in (agents, batch_calls, calls, contacts, knowledge_bases, telephony, tools, voices, webrtc)
    for name, handler in module.HANDLERS.items()
}
"""By the document's name of the operation."""


_DOCUMENT_PATH = "/openapi.json"


def build_app(world: World) -> App:
    """Make the application of one world. Requests must come through the in-process transport or a `SandboxServer`."""
    routes = [Route(BASE_PATH + path, ApiEndpoint(world, methods)) for path, methods in _paths().items()]
    routes.append(Route(BASE_PATH + _DOCUMENT_PATH, _OpenApiEndpoint()))
    routes.append(Route(recordings.PATH, recordings.MediaEndpoint(world)))
    routes += [
        Route(path, control.ControlEndpoint(world)) for path in (control.PREFIX, control.PREFIX + "/{path:path}")
    ]
    # Requests to unknown paths are counted and authenticated too, and refused in the documented form.
    routes.append(Route("/{path:path}", ApiEndpoint(world, {})))
    app = Starlette(routes=routes)
    quirks = world.wire.quirks
    return QuirkLayer(app, quirks) if quirks & {"slash_redirects", "prefixed_ids"} else app


class _OpenApiEndpoint:
    """Serves the API document, which names this sandbox as its server. Needs no key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        described = document() | {"servers": [{"url": connection.api_origin + BASE_PATH}]}
        headers = {"content-type": "application/json"}
        await deliver(HttpAnswer(status=200, body=encode(described), headers=headers), connection, send)


@cache
def _paths() -> dict[str, dict[str, Method]]:
    """The methods of each path, in the order in which paths are tried; the same for all sandboxes."""
    paths: defaultdict[str, dict[str, Method]] = defaultdict(dict)
    for operation in operations():
        paths[operation.path][operation.method] = Method(operation=operation, handle=HANDLERS[operation.id])
    # A path with a fixed word goes before one with a parameter in the same place.
    ordered = sorted(paths, key=lambda path: [step.startswith("{") for step in path.split("/")])
    return {path: _also(path, paths) | paths[path] for path in ordered}


def _also(path: str, paths: Mapping[str, Mapping[str, Method]]) -> dict[str, Method]:
    """The methods of a path that has a parameter in the place of this path's word: `clone` may be the id of a voice."""
    return {
        name: evolve(method, params=params)
        for other, methods in paths.items()
        if (params := _params(path, other))
        for name, method in methods.items()
    }


def _params(path: str, other: str) -> dict[str, str]:
    """The values of the parameters of `other` with which it is this path; empty if it cannot be."""
    steps, others = path.split("/"), other.split("/")
    if len(steps) != len(others):
        return {}
    differing = [(theirs, mine) for theirs, mine in zip(others, steps, strict=True) if theirs != mine]
    if not all(theirs.startswith("{") and not mine.startswith("{") for theirs, mine in differing):
        return {}
    return {theirs.strip("{}"): mine for theirs, mine in differing}
