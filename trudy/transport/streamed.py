"""An answer whose body is read piece by piece, in constant memory: how files are fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Literal, Self

from trudy.transport.body import Body
from trudy.transport.exceptions import AttemptTrace, connection_error, stranger
from trudy.transport.urls import path_of

if TYPE_CHECKING:
    from trudy.transport.backend import Connection, FileRequest, Pool, Reply


class Streamed:
    """One answer to a request for a file."""

    def __init__(self, pool: Pool, connection: Connection, request: FileRequest) -> None:
        self._pool = pool
        self._connection: Connection | None = connection
        self._request = request
        self._attempt = AttemptTrace()
        self._reply: Reply | None = None
        self._body: Body | None = None
        self._is_clean = False
        self.status = 0
        """The HTTP status."""
        self.headers: Mapping[str, str] = {}
        """Lower-case names."""

    @property
    def redirect_to(self) -> str | None:
        """Where a redirect points."""
        return self.headers.get("location") if self.status in (301, 302, 303, 307, 308) else None

    async def open(self) -> None:
        """Send the request, and wait for the headers of the answer."""
        assert self._connection is not None  # noqa: S101
        try:
            self._reply = await self._connection.send(self._request, self._attempt)
            self.status = self._reply.status
            self.headers = self._reply.headers
            self._body = Body(self._reply, self.headers.get("content-encoding", ""), most=None, limit="")
            return
        except Exception as fault:
            error = self._error(fault)
        raise error

    def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, decompressed if the server compressed it. To be read once.

        Raises:
            APIConnectionError: it broke off.
            APITimeoutError: no piece arrived in time.
        """
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        assert self._reply is not None  # noqa: S101
        assert self._body is not None  # noqa: S101
        try:
            piece = await anext(self._body, None)
            if piece is None:
                self._is_clean = await close_reply(self._reply, keep=True) and self._reply.is_clean
        except Exception as fault:
            error = self._error(fault)
        else:
            if piece is None:
                raise StopAsyncIteration
            return piece
        raise error

    async def aclose(self) -> None:
        """Let go of the connection; unless the file was read to its end, it is closed."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_clean:
            self._pool.give_back(connection)
            return
        try:
            if self._reply is not None:
                await close_reply(self._reply, keep=False)
        finally:
            await self._pool.discard(connection)

    def _error(self, fault: Exception) -> Exception:
        return stranger(fault) or connection_error(
            fault, self._attempt, timeout=self._request.timeout, method="GET", path=path_of(self._request)
        )


async def close_reply(reply: Reply, *, keep: bool) -> bool:
    """Close an answer, whatever is left of it; whether that went well. A fault here would hide the one that matters."""
    from anyio import move_on_after

    with move_on_after(1.0, shield=True):
        try:
            await reply.aclose(keep=keep)
        except Exception as fault:
            if stranger(fault) is not None:
                raise
            return _not_closed(fault)
        return True
    return False


def _not_closed(fault: Exception) -> Literal[False]:
    import logging

    logging.getLogger("trudy").debug("closing an answer failed: %s", type(fault).__name__)
    return False
