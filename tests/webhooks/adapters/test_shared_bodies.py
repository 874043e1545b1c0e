"""A body that others read too, before the adapter and after it, each in the way of its framework."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import httpx
import pytest

from tests.webhooks.fastapi_route import make_reading_app
from tests.webhooks.receivers import PATH, django_urls
from tests.webhooks.samples import CALL_ID, OTHER, SECRET
from trudy.testing import Delivery, make_delivery
from trudy.webhooks import (
    CallEnded,
    WebhookRouter,
    aiohttp_handler,
    django_async_view,
    django_view,
    flask_view,
    wsgi_app,
)
from trudy.webhooks.verify import MAX_BODY

Post = Callable[[bytes, dict[str, str]], int]
Serve = Callable[[WebhookRouter, list[bytes], str, int | None], Any]


def made(filler: int = 2_000) -> Delivery:
    """A delivery signed now: one that was signed when the tests were collected is too old by their turn."""
    return make_delivery("call.ended", secret=SECRET, call_id=CALL_ID, data={"filler": "x" * filler})


BEFORE, AFTER, BOTH = "before", "after", "before and after"


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """What httpx sends without a length."""
    for start in range(0, len(body), 1_000):
        yield body[start : start + 1_000]


def over_asgi(app: Any, body: bytes, headers: dict[str, str], *, is_measured: bool = True, path: str = PATH) -> int:
    async def post() -> int:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            content = body if is_measured else in_pieces(body)
            return (await client.post(path, content=content, headers=headers)).status_code

    return asyncio.run(post())


def over_wsgi(app: Any, body: bytes, headers: dict[str, str], *, path: str = PATH) -> int:
    transport = httpx.WSGITransport(app, raise_app_exceptions=False)
    with httpx.Client(transport=transport, base_url="http://127.0.0.1") as client:
        return client.post(path, content=body, headers=headers).status_code


class ReadingDjango:
    """A Django middleware that reads `request.body`."""

    seen: list[bytes]
    when: str

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        if BEFORE in self.when:
            self.seen.append(request.body)
        response = self.get_response(request)
        if AFTER in self.when:
            self.seen.append(request.body)
        return response


@contextmanager
def django(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    ReadingDjango.seen, ReadingDjango.when = seen, when
    middleware = {"MIDDLEWARE": [f"{__name__}.ReadingDjango"], "DATA_UPLOAD_MAX_MEMORY_SIZE": limit}
    with django_urls(django_view(router)), override_settings(**middleware):
        app = WSGIHandler()
        yield lambda body, headers: over_wsgi(app, body, headers)


@contextmanager
def django_async(
    router: WebhookRouter, seen: list[bytes], when: str, limit: int | None, *, is_measured: bool = True
) -> Iterator[Post]:
    from django.core.handlers.asgi import ASGIHandler
    from django.test.utils import override_settings

    ReadingDjango.seen, ReadingDjango.when = seen, when
    middleware = {"MIDDLEWARE": [f"{__name__}.ReadingDjango"], "DATA_UPLOAD_MAX_MEMORY_SIZE": limit}
    with django_urls(django_async_view(router)), override_settings(**middleware):
        app: Any = ASGIHandler()
        yield lambda body, headers: over_asgi(app, body, headers, is_measured=is_measured)


@contextmanager
def django_in_pieces(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    with django_async(router, seen, when, limit, is_measured=False) as post:
        yield post


@contextmanager
def fastapi(
    router: WebhookRouter, seen: list[bytes], when: str, limit: int | None, *, is_measured: bool = True
) -> Iterator[Post]:
    handlers = [one.handler for _, one in router._handlers]
    app = make_reading_app(
        router, PATH, handlers, before=seen if BEFORE in when else None, after=seen if AFTER in when else None
    )
    yield lambda body, headers: over_asgi(app, body, headers, is_measured=is_measured)


@contextmanager
def fastapi_in_pieces(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    with fastapi(router, seen, when, limit, is_measured=False) as post:
        yield post


@contextmanager
def flask(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    from flask import Flask, request

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = limit
    app.add_url_rule(PATH, view_func=flask_view(router), methods=["POST"])

    @app.before_request
    def before() -> None:
        if BEFORE in when:
            seen.append(request.get_data())

    @app.after_request
    def after(response: Any) -> Any:
        if AFTER in when:
            seen.append(request.get_data())
        return response

    yield lambda body, headers: over_wsgi(app, body, headers)


@contextmanager
def wsgi(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    inner = wsgi_app(router)

    def app(environ: Any, start_response: Any) -> Any:
        if BEFORE in when:
            seen.append(environ["wsgi.input"].read())
            environ["wsgi.input"] = BytesIO(seen[-1])
        answer = inner(environ, start_response)
        if AFTER in when:
            seen.append(environ["wsgi.input"].read())
        return answer

    yield lambda body, headers: over_wsgi(app, body, headers)


@contextmanager
def aiohttp(
    router: WebhookRouter, seen: list[bytes], when: str, limit: int | None, *, is_measured: bool = True
) -> Iterator[Post]:
    from aiohttp import ClientSession, web

    @web.middleware
    async def reading(request: web.Request, handler: Any) -> web.StreamResponse:
        if BEFORE in when:
            seen.append(await request.read())
        response: web.StreamResponse = await handler(request)
        if AFTER in when:
            seen.append(await request.read())
        return response

    async def posted(body: bytes, headers: dict[str, str]) -> int:
        app = web.Application(middlewares=[reading], client_max_size=1024**2 if limit is None else limit)
        app.router.add_post(PATH, aiohttp_handler(router))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with ClientSession() as session:
                data = BytesIO(body) if is_measured else in_pieces(body)
                url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
                async with session.post(url, data=data, headers=headers) as answer:
                    return answer.status
        finally:
            await runner.cleanup()

    yield lambda body, headers: asyncio.run(posted(body, headers))


@contextmanager
def aiohttp_in_pieces(router: WebhookRouter, seen: list[bytes], when: str, limit: int | None) -> Iterator[Post]:
    with aiohttp(router, seen, when, limit, is_measured=False) as post:
        yield post


SERVERS: dict[str, Serve] = {
    "django": django,
    "django_async": django_async,
    "django_in_pieces": django_in_pieces,
    "fastapi": fastapi,
    "fastapi_in_pieces": fastapi_in_pieces,
    "flask": flask,
    "wsgi": wsgi,
    "aiohttp": aiohttp,
    "aiohttp_in_pieces": aiohttp_in_pieces,
}


class Sent:
    """A server, and what its handlers and its other readers saw."""

    def __init__(self, kind: str, when: str, *sent: Delivery, limit: int | None = None) -> None:
        self.handled: list[str | None] = []
        self.seen: list[bytes] = []
        router = WebhookRouter(secret=SECRET, replay_guard=None)

        @router.on("call.ended")
        def ended(event: CallEnded) -> None:
            self.handled.append(event.call_id)

        with SERVERS[kind](router, self.seen, when, limit) as post:
            self.statuses = [post(one.body, one.headers) for one in sent]


@pytest.mark.parametrize("when", [BEFORE, AFTER, BOTH])
@pytest.mark.parametrize("kind", SERVERS)
def test_everybody_reads_the_whole_body(kind: str, when: str) -> None:
    delivery = made()
    sent = Sent(kind, when, delivery)
    assert sent.statuses == [204]
    assert sent.handled == [CALL_ID]
    assert sent.seen == [delivery.body] * (2 if when == BOTH else 1)


@pytest.mark.parametrize("when", [BEFORE, AFTER, BOTH])
@pytest.mark.parametrize(
    ("kind", "limit"),
    [(kind, 10 * MAX_BODY) for kind in SERVERS] + [("aiohttp", 0), ("aiohttp_in_pieces", 0)],
)
def test_also_where_the_application_allows_more(kind: str, limit: int, when: str) -> None:
    delivery = made()
    sent = Sent(kind, when, delivery, limit=limit)
    assert (sent.statuses, sent.handled) == ([204], [CALL_ID])
    assert sent.seen == [delivery.body] * (2 if when == BOTH else 1)


@pytest.mark.parametrize("kind", ["django", "django_async", "aiohttp", "aiohttp_in_pieces"])
def test_what_reads_it_after_an_event_beyond_its_limit_does_no_harm(kind: str) -> None:
    delivery = made()
    sent = Sent(kind, AFTER, delivery, limit=500)
    assert (sent.statuses, sent.handled, sent.seen) == ([204], [CALL_ID], [delivery.body])


@pytest.mark.parametrize("kind", [kind for kind in SERVERS if not kind.startswith("fastapi")])
def test_of_a_refused_one_too(kind: str) -> None:
    forged = make_delivery("call.ended", secret=OTHER)
    sent = Sent(kind, AFTER, forged)
    assert sent.statuses == [401]
    assert sent.seen == [forged.body]


@pytest.mark.parametrize("kind", SERVERS)
def test_a_body_that_is_too_large_is_not_read_to_its_end(kind: str) -> None:
    sent = Sent(kind, "", made(MAX_BODY))
    assert sent.statuses == [400]
    assert sent.handled == []


@pytest.mark.parametrize("kind", ["django", "django_async", "flask", "aiohttp"])
def test_a_limit_of_the_application_below_ours_costs_no_event(kind: str) -> None:
    sent = Sent(kind, "", made(), limit=500)
    assert sent.statuses == [204]
    assert sent.handled == [CALL_ID]
