"""What the application asks of the way a request came in: over a socket, or in process."""

from __future__ import annotations

from typing import Any, Protocol

EXTENSION = "trudy.sandbox"
"""The ASGI scope's extension that holds the connection."""


class ClientConnection(Protocol):
    """A way in. The application never waits or breaks a connection but through it."""

    @property
    def api_origin(self) -> str:
        """Scheme, host and port of the API, as the caller sees them."""
        ...

    @property
    def media_origin(self) -> str:
        """Scheme, host and port of the recordings: another origin, where no key has any business."""
        ...

    @property
    def is_socket(self) -> bool:
        """Whether the caller is connected already when the application hears of the request."""
        ...

    @property
    def is_media(self) -> bool:
        """Whether this request came to the recordings' origin."""
        ...

    def seconds_for_caller(self, seconds: float) -> float:
        """How long `seconds` on the sandbox's clock are on the caller's."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Let `seconds` pass on the sandbox's clock; False when the caller has given up meanwhile."""
        ...

    async def drop(self) -> None:
        """Break the connection, whatever was answered so far."""
        ...


def connection_of(scope: Any) -> ClientConnection:
    """The connection that a request came through."""
    connection: ClientConnection | None = scope.get("extensions", {}).get(EXTENSION)
    if connection is None:
        raise RuntimeError("the sandbox's application is reached by sandbox.http_client() or sandbox.serve()")
    return connection
