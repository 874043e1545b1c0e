"""What a connection answers with, whichever HTTP library is under it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Protocol


class Reply(Protocol):
    """An answer whose headers are there and whose body is yet to be read."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Lower-case names; see `joined`."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in pieces as they arrive, compressed if the server compressed it. To be read once."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection. Only one whose answer was read to its end carries another request."""
        ...


def joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; the values of one that came several times stand behind each other, with commas."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
