"""The Starlette application: which path is served by which handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Route

from trudy.sandbox import media
from trudy.sandbox.desk import BASE_PATH, Endpoint
from trudy.sandbox.routes import agents, calls, voices

if TYPE_CHECKING:
    from trudy.sandbox.sandbox import Sandbox

_PATHS = {
    "/agents": agents.COLLECTION,
    "/agents/{agent_id}": agents.ITEM,
    "/calls": calls.COLLECTION,
    "/calls/bulk-delete": calls.BULK_DELETE,
    "/calls/{call_id}": calls.ITEM,
    "/calls/{call_id}/transcript": calls.TRANSCRIPT,
    "/calls/{call_id}/recording": calls.RECORDING,
    "/voices": voices.COLLECTION,
    "/voices/{voice_id}": voices.ITEM,
}


def build_app(sandbox: Sandbox) -> Starlette:
    """An application over one sandbox's state. It must be entered through one of the sandbox's doors."""
    routes = [Route(BASE_PATH + path, Endpoint(sandbox, methods)) for path, methods in _PATHS.items()]
    routes.append(Route(media.PATH, media.MediaEndpoint(sandbox)))
    # What no path serves is still counted, authenticated and refused in the documented form.
    routes.append(Route("/{path:path}", Endpoint(sandbox, {})))
    return Starlette(routes=routes)
