"""The router as an ASGI application: mount it in Starlette, FastAPI or any other, or serve it alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from starlette.routing import Match, Mount

    from trudy.webhooks.router import WebhookRouter

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_MOST_MIDDLEWARE: Final = 20
"""How many wraps are looked through: more than anybody nests, and an end where one wraps itself."""


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
                        del body  # tools that report errors show the variables of each frame
                    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
                    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
                    await send({"type": "http.response.body", "body": answer.body})
            case "lifespan":
                # There is nothing to start or stop; a server that is told nothing may refuse to serve.
                for phase in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{phase}.complete"})
            case kind:
                raise RuntimeError(f"webhooks arrive over HTTP, not over {kind}")


def asgi_app(router: WebhookRouter) -> RouterApp:
    """An application that answers deliveries on any path: `app.mount("/webhooks/truedy", asgi_app(router))`.

    Mounted in Starlette or FastAPI, alone or in middleware, it answers with and without a slash at the end of the path.
    Another route of that very path, whatever its methods, must stand after the mount: of two
    that do not quite fit, Starlette takes the first.
    """
    if find_spec("starlette") is not None:
        _answer_without_slash()
    return RouterApp(router)


async def _read(receive: Receive) -> bytes | None:
    """The body, or the beginning of one that is too large; None when the sender is gone."""
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

    By itself Starlette asks a mounted application for `/hook/...` only, and answers `/hook` with a redirect before that
    application hears of it. The sender follows no redirect, so that each event would be lost. A mount offers no way to
    change this, hence the change to its class; mounts of other applications are as before.
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
        # Partial: a route that the application has for this very path goes first.
        return (match, inner) if match is Match.NONE else (Match.PARTIAL, inner)

    matches.asks_router_apps = True  # type: ignore[attr-defined]
    Mount.matches = matches  # type: ignore[assignment]


def _leads_to_router(app: object) -> bool:
    """Whether it is a `RouterApp`, or middleware around one: that keeps in `app` what it wraps."""
    for _ in range(_MOST_MIDDLEWARE):
        if isinstance(app, RouterApp):
            return True
        app = getattr(app, "app", None)
    return False
