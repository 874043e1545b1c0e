"""The router as a Django view, plain or async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from trudy.webhooks.answer import Answer
    from trudy.webhooks.router import WebhookRouter


class DjangoRequest(Protocol):
    """What is used of `django.http.HttpRequest`, which comes without types."""

    @property
    def method(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...
    def read(self, size: int, /) -> bytes: ...


DjangoResponse: TypeAlias = Any
"""A `django.http.HttpResponse`."""

_TOO_LARGE: Final = bytes(MAX_BODY + 1)
"""In place of a body that was not read, as it is larger: the router refuses it by its size."""


def django_view(router: WebhookRouter) -> Callable[[DjangoRequest], DjangoResponse]:
    """A view: `path("webhooks/truedy", django_view(router))`; exempt from the CSRF check, as the signature replaces it.

    Call it once, in `urls.py`. Middleware may read `request.body`, before and after.
    """

    def view(request: DjangoRequest) -> DjangoResponse:
        return _response(router.handle_blocking(request.method or "", request.headers, _read(request)))

    return _csrf_exempt(view)


def django_async_view(router: WebhookRouter) -> Callable[[DjangoRequest], Awaitable[DjangoResponse]]:
    """`django_view` for a server that speaks ASGI."""

    async def view(request: DjangoRequest) -> DjangoResponse:
        return _response(await router.handle(request.method or "", request.headers, _read(request)))

    return _csrf_exempt(view)


def _read(request: DjangoRequest) -> bytes:
    """The body, or more than we look at of one that is too large. Django keeps it for whoever reads it next."""
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit():
        if int(length[:18]) > MAX_BODY:
            return _TOO_LARGE
        try:
            return request.body
        except _django("core.exceptions").RequestDataTooBig:
            pass  # beyond a limit of the application's that is below ours
    if not hasattr(request, "_body"):
        # `request.body` would read to the end, wherever that is. It gives what is left here, and refuses to give what
        # was read in any other way.
        vars(request)["_body"] = request.read(MAX_BODY + 1)
    return request.body


def _response(answer: Answer) -> DjangoResponse:
    return _django("http").HttpResponse(
        answer.body, status=answer.status, headers=dict(answer.headers) or {"content-type": "text/plain"}
    )


def _csrf_exempt(view: Callable[[DjangoRequest], Any]) -> Callable[[DjangoRequest], Any]:
    exempt: Callable[[DjangoRequest], Any] = _django("views.decorators.csrf").csrf_exempt(view)
    return exempt


def _django(module: str) -> Any:
    # Imported when used: it is no dependency of ours, and comes without types.
    return import_module(f"django.{module}")
