"""The router as an AWS Lambda function: behind a function URL, API Gateway (both formats) or a load balancer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from trudy.webhooks.answer import problem
from trudy.webhooks.payload import Node, child

if TYPE_CHECKING:
    from trudy.webhooks.router import WebhookRouter

_NO_BODY: Final = b""
_NO_REQUEST: Final = problem(400, "bad_request")


def lambda_handler(router: WebhookRouter) -> Callable[[Mapping[str, Any], object], dict[str, Any]]:
    """Make a function of Lambda's event and context that returns Lambda's answer: `handler = lambda_handler(router)`.

    Each instance of a function has its own memory, and is frozen between requests: give the router a replay guard that
    the instances share. A Lambda event that is no HTTP request, such as a test event, is answered 400.
    """

    def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
        request = _request(event)
        try:
            answer = _NO_REQUEST if request is None else router.handle_blocking(*request)
        finally:
            del event, request  # error reporters send the variables of each frame
        return {
            "statusCode": answer.status,
            "headers": dict(answer.headers),
            "body": answer.body.decode(),
            "isBase64Encoded": False,
        }

    return handler


def _request(event: object) -> tuple[str, Mapping[str, Any], bytes] | None:
    """Method, headers and body; None for an event that is no HTTP request, such as one of a schedule or a test."""
    if not isinstance(event, dict):
        return None
    found = cast("Node", event)
    # Format 1.0 and load balancers have the method at the top, format 2.0 and function URLs in `requestContext`.
    method = found.get("httpMethod") or child(child(found, "requestContext"), "http").get("method")
    headers: object = found.get("headers") or found.get("multiValueHeaders") or {}
    text = found.get("body") or ""
    if not (isinstance(method, str) and isinstance(headers, Mapping) and isinstance(text, str)):
        return None
    return method, cast("Mapping[str, Any]", headers), _body(text, is_base64=bool(found.get("isBase64Encoded")))


def _body(text: str, *, is_base64: bool) -> bytes:
    if not is_base64:
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text)
    except ValueError:
        # No signature fits these bytes, so the router refuses them like any other damaged body.
        return _NO_BODY
