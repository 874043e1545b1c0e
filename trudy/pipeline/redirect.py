"""Follows 307 and 308 within the same origin; every other redirect is no success and goes nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from attrs import evolve

from trudy.pipeline.record import seal

if TYPE_CHECKING:
    from trudy.request import CallNext, Request, Response

_MOST = 3


class RedirectStep:
    """Repeats the request, method and body included, where the server points to on its own origin."""

    scope = "attempt"

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        response = await call_next(request)
        for _ in range(_MOST):
            target = redirect_target(request.url, response)
            if target is None:
                break
            request = evolve(request, url=target)
            seal(request)
            response = await call_next(request)
        return response


def redirect_target(url: str, response: Response) -> str | None:
    """Where a 307 or 308 leads, if that is on the same scheme, host and port; else None."""
    location = response.headers.get("location")
    if response.status not in (307, 308) or not location:
        return None
    try:
        target = urljoin(url, location)
        return target if origin(target) == origin(url) else None
    except ValueError:
        return None


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
