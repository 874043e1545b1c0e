"""No secret and no number in our frames, nor in what is reached from them, when an adapter fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.clock import NOON, FakeClock
from tests.fakes.frames import shown_texts
from tests.webhooks.samples import NUMBER, OTHER, SECRET
from trudy import webhooks
from trudy.errors import ConfigurationError
from trudy.testing import make_delivery
from trudy.webhooks import WebhookRouter

MADE = make_delivery("call.ended", secret=SECRET, sent_at=NOON, data={"phone_number": NUMBER})
assert NUMBER.encode() in MADE.body


class Cut:
    """A body of which all but the end arrives, in two parts."""

    def __init__(self) -> None:
        self.parts = [MADE.body[:-20], MADE.body[-20:-10]]

    def read(self, *_: object) -> bytes:
        if not self.parts:
            raise ConnectionResetError
        return self.parts.pop(0)

    readline = read


class Whole:
    def __init__(self) -> None:
        self.parts = [MADE.body, b""]

    def read(self, *_: object) -> bytes:
        return self.parts.pop(0)

    readline = read


Stream = Cut | Whole
HEADERS = {**MADE.headers, "Content-Length": str(len(MADE.body)), "Content-Type": "application/json"}
ENVIRON = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in MADE.headers.items()}


def environ_of(stream: Stream) -> dict[str, Any]:
    from werkzeug.test import EnvironBuilder

    environ = EnvironBuilder(method="POST", path="/hook", content_type="application/json").get_environ()
    return {**environ, **ENVIRON, "CONTENT_LENGTH": str(len(MADE.body)), "wsgi.input": stream}


def receiver_of(stream: Stream) -> Callable[[], Any]:
    async def receive() -> dict[str, Any]:
        part = stream.read()
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    return receive


def scope_of(**more: Any) -> dict[str, Any]:
    headers = [(name.lower().encode(), value.encode()) for name, value in MADE.headers.items()]
    return {"type": "http", "method": "POST", "path": "/hook", "headers": headers, "query_string": b"", **more}


async def _nowhere(_: object) -> None: ...


def over_asgi(router: WebhookRouter, stream: Stream) -> None:
    asyncio.run(webhooks.asgi_app(router)(scope_of(), receiver_of(stream), _nowhere))


def over_wsgi(router: WebhookRouter, stream: Stream) -> None:
    webhooks.wsgi_app(router)(environ_of(stream), lambda *_: None)  # type: ignore[arg-type,return-value]


def over_flask(router: WebhookRouter, stream: Stream) -> None:
    from flask import Flask

    app = Flask(__name__)
    app.testing = True
    view = webhooks.flask_view(router)
    with app.request_context(environ_of(stream)):
        view()


def over_django(router: WebhookRouter, stream: Stream) -> None:
    webhooks.django_view(router)(django_request(stream))


def over_async_django(router: WebhookRouter, stream: Stream) -> None:
    asyncio.run(webhooks.django_async_view(router)(django_request(stream)))  # type: ignore[arg-type]


def django_request(stream: Stream) -> Any:
    import django
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIRequest

    if not settings.configured:
        settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        django.setup()
    return WSGIRequest(environ_of(stream))


def over_aiohttp(router: WebhookRouter, stream: Stream) -> None:
    from aiohttp.streams import StreamReader
    from aiohttp.test_utils import make_mocked_request

    class Content(StreamReader):
        def __init__(self) -> None: ...

        def at_eof(self) -> bool:
            return False

        async def _parts(self) -> Any:
            while part := stream.read():
                yield part

        def iter_any(self) -> Any:
            return self._parts()

    async def run() -> None:
        request = make_mocked_request("POST", "/hook", headers=HEADERS, payload=Content())
        await webhooks.aiohttp_handler(router)(request)

    asyncio.run(run())


def over_fastapi(router: WebhookRouter, stream: Stream) -> None:
    from fastapi import Request

    async def run() -> None:
        event = webhooks.fastapi_event(router)(Request(scope_of(), receiver_of(stream)))
        await anext(event)

    asyncio.run(run())


def over_lambda(router: WebhookRouter, stream: Stream) -> None:
    body = b"".join(stream.parts).decode() if isinstance(stream, Whole) else stream.read().decode()
    webhooks.lambda_handler(router)({"httpMethod": "POST", "headers": MADE.headers, "body": body}, None)


ADAPTERS = [
    *(over_asgi, over_wsgi, over_flask, over_django, over_async_django),
    *(over_aiohttp, over_fastapi, over_lambda),
]


def assert_hidden(error: BaseException) -> None:
    shown = [where for where, text in shown_texts(error) if NUMBER in text or SECRET in text or OTHER in text]
    assert shown == []


@pytest.mark.parametrize("deliver", ADAPTERS)
def test_a_router_without_a_secret(deliver: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUDY_WEBHOOK_SECRET", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        deliver(WebhookRouter(clock=FakeClock()), Whole())
    assert_hidden(caught.value)


# Django asks its server once for the whole body, and Lambda has it before it calls.
@pytest.mark.parametrize("deliver", [over_asgi, over_wsgi, over_flask, over_aiohttp, over_fastapi])
def test_a_body_that_breaks_off(deliver: Callable[..., None]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each framework has its own
        deliver(WebhookRouter(secret=SECRET, clock=FakeClock()), Cut())
    assert_hidden(caught.value)


@pytest.mark.parametrize("deliver", ADAPTERS)
def test_a_signature_that_cannot_be_checked(deliver: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the middle of the check, where secret and body are in use."""

    def fail(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("hmac.new", fail)
    monkeypatch.setattr("hmac.digest", fail)
    with pytest.raises(MemoryError) as caught:
        deliver(WebhookRouter(secret=[SECRET, OTHER], clock=FakeClock()), Whole())
    assert_hidden(caught.value)
