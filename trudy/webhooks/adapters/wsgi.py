"""The router as a WSGI application."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from trudy._hidden import forgetful
from trudy.webhooks.answer import BODILESS
from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from trudy.webhooks.router import WebhookRouter


def wsgi_app(router: WebhookRouter) -> WSGIApplication:
    """Make an application that answers deliveries on any path."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = router.handle_blocking(environ["REQUEST_METHOD"], environ, _read(environ))
        length = {} if answer.status in BODILESS else {"content-length": str(len(answer.body))}
        start_response(f"{answer.status} {_phrase(answer.status)}", list({**answer.headers, **length}.items()))
        return [answer.body]

    return app


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unnamed"


@forgetful
def _read(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    length: str = environ.get("CONTENT_LENGTH") or ""
    if length.isascii() and length.isdigit():
        # Reading past the end of the body may wait for the next request.
        left = min(int(length[:18]), MAX_BODY + 1)
    else:
        left = MAX_BODY + 1 if environ.get("wsgi.input_terminated") else 0
    parts: list[bytes] = []
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    body = b"".join(parts)
    environ["wsgi.input"] = BytesIO(body)  # for middleware that reads it after us
    return body
