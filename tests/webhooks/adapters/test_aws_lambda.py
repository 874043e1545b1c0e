"""Events as AWS documents them for function URLs, API Gateway (both formats) and load balancers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.webhooks.samples import CALL_ID, NESTED, OTHER, SECRET, pack, signed
from trudy.webhooks import CallEnded, WebhookRouter, lambda_handler

BODY = pack(NESTED)
NO_REQUESTS: list[Any] = [
    {},
    {"key1": "value1"},
    {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
    {"Records": [{"body": "{}"}]},
    {"requestContext": None},
    {"requestContext": {"http": None}},
    {"requestContext": {"http": {"method": 5}}},
    {"httpMethod": "POST", "headers": ["x"], "body": ""},
    {"httpMethod": "POST", "headers": {}, "body": {"event": "call.ended"}},
    [],
    None,
]


def version_2(body: str | None, headers: dict[str, str], *, is_base64: bool = False, method: str = "POST") -> Any:
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/webhooks/truedy",
        "rawQueryString": "",
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "accountId": "123456789012",
            "domainName": "id.lambda-url.eu-west-1.on.aws",
            "http": {"method": method, "path": "/webhooks/truedy", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "stage": "$default",
            "timeEpoch": 1_800_000_000_000,
        },
        **({"body": body} if body is not None else {}),
        "isBase64Encoded": is_base64,
    }


def version_1(body: str | None, headers: dict[str, str], *, is_base64: bool = False, method: str = "POST") -> Any:
    return {
        "resource": "/webhooks/truedy",
        "path": "/webhooks/truedy",
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "requestContext": {"httpMethod": method, "stage": "prod", "requestId": "r"},
        "body": body,
        "isBase64Encoded": is_base64,
    }


def load_balancer(body: str | None, headers: dict[str, str], *, is_base64: bool = False, method: str = "POST") -> Any:
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"}},
        "httpMethod": method,
        "path": "/webhooks/truedy",
        "queryStringParameters": {},
        "multiValueHeaders": {name.lower(): [value] for name, value in headers.items()},
        "body": body or "",
        "isBase64Encoded": is_base64,
    }


@pytest.mark.parametrize("wrap", [version_2, version_1, load_balancer])
@pytest.mark.parametrize("is_base64", [True, False])
def test_all_forms(wrap: Any, is_base64: bool) -> None:
    router, seen = WebhookRouter(secret=SECRET, clock=FakeClock()), []

    @router.on("call.ended")
    async def ended(event: CallEnded) -> None:
        seen.append(event.call_id)

    handler = lambda_handler(router)
    body = base64.b64encode(BODY).decode() if is_base64 else BODY.decode()
    answer = handler(wrap(body, signed(BODY), is_base64=is_base64), object())
    assert answer == {"statusCode": 204, "headers": {}, "body": "", "isBase64Encoded": False}
    assert seen == [CALL_ID]
    assert handler(wrap(body, signed(BODY, secret=OTHER), is_base64=is_base64), None)["statusCode"] == 401
    assert handler(wrap(None, signed(b"")), None)["statusCode"] == 400
    assert handler(wrap(body, signed(BODY), method="GET"), None)["statusCode"] == 405
    assert handler(wrap("no base64!", signed(BODY, at=NOON), is_base64=True), None)["statusCode"] == 401


@pytest.mark.parametrize("name", ["X-Truedy-Timestamp", "X-Truedy-Signature"])
@pytest.mark.parametrize("wrap", [version_2, version_1, load_balancer])
def test_a_header_that_is_null_is_absent(wrap: Any, name: str) -> None:
    handler = lambda_handler(WebhookRouter(secret=SECRET, clock=FakeClock()))
    headers = signed(BODY)
    without = {**headers, name: None}
    assert handler(wrap(BODY.decode(), without), None)["statusCode"] == 401
    early = name.replace("Truedy", "Trudy")
    assert handler(version_2(BODY.decode(), {**without, early: headers[name]}), None)["statusCode"] == 204  # type: ignore[dict-item]


@pytest.mark.parametrize("event", NO_REQUESTS, ids=str)
def test_events_that_are_no_http_request(event: Any) -> None:
    router, seen = WebhookRouter(secret=SECRET, clock=FakeClock()), []
    router.on_any(lambda event: seen.append(event))
    answer = lambda_handler(router)(event, None)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"]) == {"error": {"code": "bad_request"}}
    assert not seen
