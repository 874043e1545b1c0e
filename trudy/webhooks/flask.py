"""The router as a Flask view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from trudy.webhooks.verify import MAX_BODY

if TYPE_CHECKING:
    import flask

    from trudy.webhooks.router import WebhookRouter


def flask_view(router: WebhookRouter) -> Callable[[], flask.Response]:
    """A view: `app.add_url_rule("/webhooks/truedy", view_func=flask_view(router), methods=["POST"])`."""
    import flask

    def truedy_webhook() -> flask.Response:
        request = flask.request
        body: bytes = request.stream.read(MAX_BODY + 1)
        answer = router.handle_blocking(request.method, request.headers, body)
        return flask.Response(answer.body, status=answer.status, headers=dict(answer.headers))

    return truedy_webhook
