"""Remembers the requests that a sandbox received, for tests."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

KEPT_REQUESTS = 20_000
"""How many requests are remembered, the newest: more than a test makes, and bounded for a long-lived server."""
KEPT_BYTES = 64 * 1024 * 1024
"""The most bytes of all their bodies together, as uploads are large. The newest is kept whatever its size."""

_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@frozen(kw_only=True)
class RecordedRequest:
    """A request as it arrived.

    Attributes:
        path: below the base URL, such as `/agents`; the whole path for a request to the recordings' origin.
        status: the status of the answer; None if the connection was dropped without one.
        headers: values by name in lower case, credentials masked.
        received_at: Unix seconds of the sandbox's clock.
    """

    method: str
    path: str
    query: str = field(repr=False)
    status: int | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
    request_id: str

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@frozen
class Arrival:
    """A request as it is kept: cheap to make, as there are many and few are looked at."""

    method: str
    path: str
    query: bytes
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    received_at: float
    request_id: str
    status: int | None

    def record(self) -> RecordedRequest:
        """The record that tests are given."""
        return RecordedRequest(
            method=self.method,
            path=self.path,
            query=self.query.decode("latin-1"),
            status=self.status,
            headers={name: mask_header(name, value) for name, value in self.headers().items()},
            body=self.body,
            received_at=datetime.fromtimestamp(self.received_at, UTC),
            request_id=self.request_id,
        )

    def headers(self) -> dict[str, str]:
        """Header values by name in lower case, unmasked."""
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.raw_headers}


class ArrivalLog:
    """The newest requests, within the limits above. Not thread-safe by itself."""

    def __init__(self) -> None:
        self._kept: deque[Arrival] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Arrival]:
        return iter(self._kept)

    def __reversed__(self) -> Iterator[Arrival]:
        return reversed(self._kept)

    def append(self, arrival: Arrival) -> None:
        """Keep one more request, and forget the oldest ones beyond the limits."""
        self._kept.append(arrival)
        self._bytes += len(arrival.body)
        while len(self._kept) > KEPT_REQUESTS or (self._bytes > KEPT_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().body)


def mask_header(name: str, value: str) -> str:
    """Keep the scheme of a credential and hide the rest."""
    if name not in _SECRET_HEADERS:
        return value
    scheme, _, rest = value.partition(" ")
    return f"{scheme} ***" if rest else "***"
