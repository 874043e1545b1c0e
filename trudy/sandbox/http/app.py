"""The Starlette application: every operation of the API document, and which handler serves it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from attrs import evolve
from starlette.applications import Starlette
from starlette.routing import Route

from trudy.sandbox.http import control, media
from trudy.sandbox.http import openapi_document as description
from trudy.sandbox.http.api_endpoint import ApiEndpoint, Handler, Method
from trudy.sandbox.http.contract import BASE_PATH, operations
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
    from trudy.sandbox.sandbox import Sandbox

HANDLERS: dict[str, Handler] = {
    name: handler
    for module in (agents, batch_calls, calls, contacts, knowledge_bases, telephony, tools, voices, webrtc)
    for name, handler in module.HANDLERS.items()
}
"""By the document's name of the operation."""


def build_app(sandbox: Sandbox) -> App:
    """An application over one sandbox's state. It must be entered through one of the sandbox's doors."""
    routes = [Route(BASE_PATH + path, ApiEndpoint(sandbox, methods)) for path, methods in _paths().items()]
    routes.append(Route(BASE_PATH + description.PATH, description.OpenApiEndpoint()))
    routes.append(Route(media.PATH, media.MediaEndpoint(sandbox)))
    routes += [
        Route(path, control.ControlEndpoint(sandbox)) for path in (control.PREFIX, control.PREFIX + "/{path:path}")
    ]
    # What no path serves is still counted, authenticated and refused in the documented form.
    routes.append(Route("/{path:path}", ApiEndpoint(sandbox, {})))
    app = Starlette(routes=routes)
    quirks = sandbox.wire.quirks
    return QuirkLayer(app, quirks) if quirks & {"slash_redirects", "prefixed_ids"} else app


@cache
def _paths() -> dict[str, dict[str, Method]]:
    """What stands behind each path, in the order in which they are tried; the same for all sandboxes."""
    paths: defaultdict[str, dict[str, Method]] = defaultdict(dict)
    for operation in operations():
        paths[operation.path][operation.method] = Method(operation=operation, handle=HANDLERS[operation.id])
    # A name in a path goes before a parameter in the same place, for the methods it knows.
    ordered = sorted(paths, key=lambda path: [step.startswith("{") for step in path.split("/")])
    return {path: _also(path, paths) | paths[path] for path in ordered}


def _also(path: str, paths: Mapping[str, Mapping[str, Method]]) -> dict[str, Method]:
    """The methods of paths with a parameter where this one has a name: `clone` may be the id of a voice."""
    return {
        name: evolve(method, params=params)
        for other, methods in paths.items()
        if (params := _params(path, other))
        for name, method in methods.items()
    }


def _params(path: str, other: str) -> dict[str, str]:
    """What the parameters of `other` are where its path is this one's; empty where it never is."""
    steps, others = path.split("/"), other.split("/")
    if len(steps) != len(others):
        return {}
    differing = [(theirs, mine) for theirs, mine in zip(others, steps, strict=True) if theirs != mine]
    if not all(theirs.startswith("{") and not mine.startswith("{") for theirs, mine in differing):
        return {}
    return {theirs.strip("{}"): mine for theirs, mine in differing}
