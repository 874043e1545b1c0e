"""The router as an ASGI application: mount it in Starlette, FastAPI or another framework, or serve it alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from trudy._hidden import forgetful
from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from starlette.routing import Match, Mount

    from trudy.webhooks.router import WebhookRouter

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_MAX_MIDDLEWARE: Final = 20
"""Layers of middleware that are looked through: more than apps have, and a limit for one that wraps itself."""


class RouterApp:
    """An ASGI application that answers deliveries on any path."""

    def __init__(self, router: WebhookRouter) -> None:
        self._router = router

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                body = await _read(receive)
                if body is not None:
                    try:
                        answer = await self._router.handle(scope["method"], scope["headers"], body)
                    finally:
                        del body  # error reporters send the variables of each frame
                    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
                    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                    await send({"type": "http.response.body", "body": answer.body})
            case "lifespan":
                # Nothing starts or stops, but some servers do not serve until they are answered.
                for phase in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{phase}.complete"})
            case kind:
                raise RuntimeError(f"webhooks arrive over HTTP, not over {kind}")


def asgi_app(router: WebhookRouter) -> RouterApp:
    """Make an application that answers deliveries on any path: `app.mount("/webhooks/truedy", asgi_app(router))`.

    Mounted in Starlette or FastAPI, alone or in middleware, it answers with and without a slash at the end of the path.
    If the app has a route of its own at the same path, for any method, add that route after the mount: Starlette
    prefers the first of two partial matches.
    """
    if find_spec("starlette") is not None:
        _answer_without_slash()
    return RouterApp(router)


@forgetful
async def _read(receive: Receive) -> bytes | None:
    """The body, or the beginning of one that is too large; None if the sender has disconnected."""
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _answer_without_slash() -> None:
    """Have Starlette hand `POST /hook` to a `RouterApp` mounted at `/hook`.

    By itself Starlette sends only `/hook/...` to a mounted application, and answers `/hook` with a redirect. Truedy
    follows no redirects, so each event would be lost. A mount has no setting for this, so its class is changed; mounts
    of other applications behave as before.
    """
    from starlette.routing import Match, Mount

    original = Mount.matches
    if getattr(original, "asks_router_apps", False):
        return

    def matches(mount: Mount, scope: Message) -> tuple[Match, Message]:
        found = original(mount, scope)
        if found[0] is not Match.NONE or scope["type"] != "http" or not _leads_to_router(mount.app):
            return found
        match, inner = original(mount, {**scope, "path": f"{scope['path']}/"})
        # Partial, so that a route of the application for the same path and method is preferred.
        return (match, inner) if match is Match.NONE else (Match.PARTIAL, inner)

    matches.asks_router_apps = True  # type: ignore[attr-defined]
    Mount.matches = matches  # type: ignore[assignment]


def _leads_to_router(app: object) -> bool:
    """Whether it is a `RouterApp`, or middleware around one. Middleware keeps the application it wraps in `app`."""
    for _ in range(_MAX_MIDDLEWARE):
        if isinstance(app, RouterApp):
            return True
        app = getattr(app, "app", None)
    return False
