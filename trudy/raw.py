"""Answers as they came: status, headers and body beside the parsed object."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import define, field, frozen

if TYPE_CHECKING:
    from trudy.request import Response

T = TypeVar("T")


@frozen(kw_only=True)
class RawResponse(Generic[T]):
    """One answer as it came. `client.raw(client.calls.get, id)` gives one.

    Attributes:
        status: the HTTP status.
        headers: the answer's headers, names in lower case.
        body: the body's bytes, decompressed.
        parsed: what the method itself returns.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    parsed: T


@define
class Capture:
    """Holds the last answer that arrived while it was set in `capture`."""

    response: Response | None = None

    def raw(self, parsed: T) -> RawResponse[T]:
        """The last answer together with what was made of it."""
        if self.response is None:
            raise TypeError("raw() takes a method of this client that sends a request")
        return RawResponse(
            status=self.response.status, headers=self.response.headers, body=self.response.body, parsed=parsed
        )


capture: ContextVar[Capture | None] = ContextVar("trudy_capture", default=None)
