"""Follows 307 and 308 within the same origin; every other redirect becomes an error."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from attrs import evolve

from trudy.pipeline.middleware_guard import seal

if TYPE_CHECKING:
    from trudy.request import CallNext, Request, Response

_MOST = 3
"""Redirects followed in a row: one adds or drops a slash, more may be a circle."""
_LONGEST_SHOWN = 300
"""Characters of a target shown in an error, so that it stays readable."""


class RedirectStep:
    """Sends the request again, method and body included, to where the server points on its own origin."""

    scope = "attempt"

    async def __call__(self, request: Request, call_next: CallNext) -> Response:
        followed = 0
        while True:
            if request.idempotency_key is not None:
                seal(request)
            response = await call_next(request)
            target = redirect_target(request.url, response)
            if target is None or followed == _MOST:
                return response
            followed += 1
            request = evolve(request, url=target)


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


def why_not_followed(url: str, response: Response) -> str:
    """Where a redirect points, without its query, and why it was not followed."""
    location = response.headers.get("location")
    if not location:
        return "the redirect was not followed: it names no target"
    try:
        parts = urlsplit(urljoin(url, location))
        is_elsewhere = origin(urljoin(url, location)) != origin(url)
    except ValueError:
        return "the redirect was not followed: its target is no URL"
    target = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"[:_LONGEST_SHOWN]
    if is_elsewhere:
        why = "it leads to another scheme, host or port, which the key must not reach"
    elif response.status in (307, 308):
        why = f"it came after {_MOST} others"
    else:
        why = f"after a {response.status} the request would not be the same; only 307 and 308 are followed"
    return f"the redirect to {target} was not followed: {why}; is base_url right?"


def address_of(url: str) -> str | None:
    """Host and port of a URL, such as `api.truedy.ai:443`; None where it is no URL."""
    try:
        _, host, port = origin(url)
    except ValueError:
        return None
    return f"[{host}]:{port}" if host is not None and ":" in host else f"{host}:{port}"


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
