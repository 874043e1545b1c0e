"""What a backend provides: pools, which lend connections, which send requests and return replies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen

from trudy._hidden import Hidden, hide_text

if TYPE_CHECKING:
    from trudy.options import Timeout
    from trudy.request import Headers
    from trudy.transport.exceptions import AttemptTrace


class Outgoing(Protocol):
    """What is sent. URL, headers and body stand in no repr, so that no traceback with local variables shows them."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def timeout(self) -> Timeout: ...


@frozen(kw_only=True)
class FileRequest:
    """A GET of a file, whose link may be signed."""

    _url: Hidden[str] = field(alias="url", converter=hide_text, repr=False)
    headers: Headers = field(default=(), repr=False)
    timeout: Timeout
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The link."""
        return self._url.reveal()


class Reply(Protocol):
    """An answer whose headers are there and whose body is yet to be read."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names; see `combine_headers`."""
        ...

    @property
    def is_clean(self) -> bool:
        """Whether the answer came to its end and no byte came after it; False before the end."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, compressed if the server compressed it. To be read once."""
        ...

    async def aclose(self, *, keep: bool) -> None:
        """Let go of the connection; it stays open if that is wished and the answer is clean."""
        ...


class Connection(Protocol):
    """What carries one request at a time."""

    async def send(self, request: Outgoing, attempt: AttemptTrace) -> Reply:
        """Send; returns when the headers of the answer are there. Tells `attempt` how far it came."""
        ...


class Pool(Protocol):
    """The connections of one loop. Only ever touched on that loop."""

    async def take(self, origin: str, timeout: float | None) -> Connection | None:
        """A connection for `https://host:port`; None if none came free within `timeout` seconds."""
        ...

    def give_back(self, connection: Any) -> None:
        """The answer was read to its end; the connection may carry the next request."""
        ...

    async def discard(self, connection: Any) -> None:
        """The attempt broke off: nothing of its connection may be used again. Not cancellable."""
        ...

    async def drop_connections(self) -> None:
        """Use no connection again that stands now: close the idle ones, and the others after their answer."""
        ...

    async def aclose(self) -> None:
        """Close every connection, requests in flight included. May be called again, and goes on where it stopped."""
        ...


def combine_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; the values of one that came several times stand behind each other, with commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
