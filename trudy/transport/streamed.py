"""The answer to a request for a file, read piece by piece in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Self

from attrs import evolve

from trudy.errors import APIConnectionError
from trudy.transport.body import Body, close_reply
from trudy.transport.exceptions import connection_error, stranger
from trudy.transport.pool_by_loop import AttemptTrace, path_of

if TYPE_CHECKING:
    from trudy.transport.pool_by_loop import Connection, FileRequest, Pool, Reply


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

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names."""
        return {} if self._reply is None else self._reply.headers

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
        """Release the connection; unless the file was read to its end, it is closed."""
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


def resolve(request: FileRequest, answer: Streamed) -> FileRequest:
    """The request for the file at the place that an answer redirects to."""
    from urllib.parse import urljoin

    try:
        return evolve(request, url=urljoin(request.url, answer.redirect_to))
    except ValueError:
        pass
    raise APIConnectionError("a redirect leads to no URL", method="GET", path=path_of(request))
