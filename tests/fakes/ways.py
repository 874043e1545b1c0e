"""The event loops and HTTP libraries the client runs on; the behaviour tests run on each."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tests.fakes.answers import OPTIONS
from trudy.options import Timeout
from trudy.request import Endpoint, Request, RetryClass
from trudy.transport.transport import Backend


@frozen
class Way:
    """A loop as anyio's pytest plugin names it, and the backend on it."""

    loop: str
    backend: Backend

    def __str__(self) -> str:
        return f"{self.loop}-{self.backend}"


WAYS: Final = (Way("asyncio", "httpx"), Way("asyncio", "aiohttp"), Way("trio", "httpx"))

_GET: Final = Endpoint(name="things.get", method="GET", path="/things/{id}")
_POST: Final = Endpoint(name="things.create", method="POST", path="/things", retry=RetryClass.ONCE)


def make_request(
    base: str,
    path: str = "/things/1",
    *,
    method: str = "GET",
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (("Authorization", "Bearer truedy_secret"),),
    body: bytes | None = None,
    timeout: Timeout | None = None,
) -> Request:
    """A request as the pipeline makes them."""
    return Request(
        endpoint=_GET if method == "GET" else _POST,
        method=method,
        url=f"{base}{path}{query}",
        path=path,
        headers=headers,
        body=body,
        options=OPTIONS,
        timeout=timeout or Timeout(connect=5, read=5, write=5, pool=5),
    )
