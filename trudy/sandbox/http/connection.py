"""The application's view of the connection of a request: over a socket, or in process."""

from __future__ import annotations

from typing import Any, Protocol

EXTENSION = "trudy.sandbox"
"""The ASGI scope's extension that holds the connection."""


class ClientConnection(Protocol):
    """The connection of a request. The application waits and drops connections only through it."""

    @property
    def api_origin(self) -> str:
        """Scheme, host and port of the API, as the client sees them."""
        ...

    @property
    def media_origin(self) -> str:
        """Scheme, host and port of the recordings: another origin, to which no key must be sent."""
        ...

    @property
    def is_socket(self) -> bool:
        """Whether it is a socket, so that the client is connected before the application sees the request."""
        ...

    @property
    def is_media(self) -> bool:
        """Whether this request was sent to the recordings' origin."""
        ...

    def seconds_for_caller(self, seconds: float) -> float:
        """Convert seconds of the sandbox's clock into seconds of the client's clock."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Wait for `seconds` of the sandbox's clock; False if the client hung up meanwhile."""
        ...

    async def drop(self) -> None:
        """Drop the connection, also in the middle of an answer."""
        ...


def connection_of(scope: Any) -> ClientConnection:
    """The connection of a request."""
    connection: ClientConnection | None = scope.get("extensions", {}).get(EXTENSION)
    if connection is None:
        raise RuntimeError("the sandbox's application is reached by sandbox.http_client() or sandbox.serve()")
    return connection
