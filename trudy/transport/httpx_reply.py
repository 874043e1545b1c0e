"""A request and an answer as objects of httpx, or of httpx2, whose names are the same."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from trudy.transport.reply import joined

if TYPE_CHECKING:
    import httpx

    from trudy.options import Timeout
    from trudy.request import Headers
    from trudy.transport.exceptions import Attempt


def httpx_request(
    library: Any, method: str, url: str, headers: Headers, body: bytes | None, timeout: Timeout, attempt: Attempt
) -> httpx.Request:
    """The library's request, which reports to `attempt` how far it came."""
    seconds = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
    request: httpx.Request = library.Request(
        method, url, headers=headers, content=body, extensions={"timeout": seconds, "trace": attempt.trace}
    )
    return request


class HttpxReply:
    """The library's answer."""

    __slots__ = ("_pieces", "_response", "headers", "status")

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._pieces: AsyncIterator[bytes] | None = None
        self.status = response.status_code
        self.headers = joined(response.headers.raw)

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Not `aiter_raw`, whose nested generators would be left to the garbage collector at a fault.
        self._pieces = aiter(cast("AsyncIterable[bytes]", self._response.stream))
        return self._pieces

    async def aclose(self) -> None:
        await self._response.aclose()
        if self._pieces is not None:  # on the closed connection this runs into the end and winds up httpx's generators
            async for _ in self._pieces:
                pass
