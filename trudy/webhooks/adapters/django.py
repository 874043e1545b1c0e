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
    """The part of `django.http.HttpRequest` that is used here; Django has no types."""

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
"""Stands for a body that is too large to read; the router refuses it by its size."""


def django_view(router: WebhookRouter) -> Callable[[DjangoRequest], DjangoResponse]:
    """Make a view: `re_path(r"^webhooks/truedy/?$", django_view(router))`.

    It is exempt from the CSRF check, as the signature replaces it. Call it once, in `urls.py`. Middleware may read
    `request.body`, before and after.
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
    """The body; of one that is too large, just enough for the router to refuse it. Django keeps what was read."""
    length = request.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit():
        if int(length[:18]) > MAX_BODY:
            return _TOO_LARGE
        try:
            return request.body
        except _django("core.exceptions").RequestDataTooBig:
            pass  # the application's own limit is smaller than ours
    if not hasattr(request, "_body"):
        # `request.body` would read a body of any size. It returns what is stored here, and raises if the stream was
        # read without storing it.
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
    # Imported when used: Django is no dependency of this package, and has no types.
    return import_module(f"django.{module}")
