"""The router as a Django view, plain or async."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

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
    def read(self, size: int, /) -> bytes: ...


DjangoResponse: TypeAlias = Any
"""A `django.http.HttpResponse`."""


def django_view(router: WebhookRouter) -> Callable[[DjangoRequest], DjangoResponse]:
    """A view: `path("webhooks/truedy", django_view(router))`; exempt from the CSRF check, as the signature replaces it.

    Call it once, in `urls.py`. Nothing that reads the body may stand before it.
    """

    def view(request: DjangoRequest) -> DjangoResponse:
        return _response(router.handle_blocking(request.method or "", request.headers, request.read(MAX_BODY + 1)))

    return _csrf_exempt(view)


def django_async_view(router: WebhookRouter) -> Callable[[DjangoRequest], Awaitable[DjangoResponse]]:
    """`django_view` for a server that speaks ASGI.

    Django is not told of the server's life. For `background=True` stand before it:

        django, live = get_asgi_application(), asgi_app(router)

        async def application(scope, receive, send):
            await (live if scope["type"] == "lifespan" else django)(scope, receive, send)
    """

    async def view(request: DjangoRequest) -> DjangoResponse:
        return _response(await router.handle(request.method or "", request.headers, request.read(MAX_BODY + 1)))

    return _csrf_exempt(view)


def _response(answer: Answer) -> DjangoResponse:
    return import_module("django.http").HttpResponse(
        answer.body, status=answer.status, headers=dict(answer.headers) or {"content-type": "text/plain"}
    )


def _csrf_exempt(view: Callable[[DjangoRequest], Any]) -> Callable[[DjangoRequest], Any]:
    exempt: Callable[[DjangoRequest], Any] = import_module("django.views.decorators.csrf").csrf_exempt(view)
    return exempt
