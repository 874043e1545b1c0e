"""The router as a Flask view."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    import flask

    from trudy.webhooks.router import WebhookRouter


def flask_view(router: WebhookRouter) -> Callable[[], flask.Response]:
    """Make a view: `app.add_url_rule("/webhooks/truedy", view_func=flask_view(router), methods=["POST"])`."""
    import flask

    def truedy_webhook() -> flask.Response:
        request = flask.request
        answer = router.handle_blocking(request.method, request.headers, _read(request))
        return flask.Response(answer.body, status=answer.status, headers=dict(answer.headers))

    return truedy_webhook


def _read(request: flask.Request) -> bytes:
    """The body, also if middleware has read it before; for one that is too large, zeros of too large a size."""
    from werkzeug.exceptions import RequestEntityTooLarge

    # Flask before 3.1 has no limit of a request, only the application's.
    with suppress(AttributeError):
        request.max_content_length = MAX_BODY
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        return bytes(MAX_BODY + 1)
