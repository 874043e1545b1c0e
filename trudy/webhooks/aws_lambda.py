"""The router as an AWS Lambda function: behind a function URL, API Gateway (both formats) or a load balancer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from trudy.webhooks.router import WebhookRouter

_NO_BODY: Final = b""


def lambda_handler(router: WebhookRouter) -> Callable[[Mapping[str, Any], object], dict[str, Any]]:
    """A function: `handler = lambda_handler(router)`, which takes Lambda's event and context and returns its answer.

    Each instance of a function has its own memory, and is frozen between requests: give the router a replay guard that
    the instances share, and no `background=True`.
    """

    def handler(event: Mapping[str, Any], _: object) -> dict[str, Any]:
        # Format 1.0 and load balancers name the method at the top, format 2.0 and function URLs inside.
        method: str = event.get("httpMethod") or event["requestContext"]["http"]["method"]
        headers: Mapping[str, Any] = event.get("headers") or event.get("multiValueHeaders") or {}
        answer = router.handle_blocking(method, headers, _body(event))
        return {
            "statusCode": answer.status,
            "headers": dict(answer.headers),
            "body": answer.body.decode(),
            "isBase64Encoded": False,
        }

    return handler


def _body(event: Mapping[str, Any]) -> bytes:
    text: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text)
    except ValueError:
        # The signature does not fit this either, and so it is refused like any other damage.
        return _NO_BODY
