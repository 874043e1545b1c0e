"""Routes as the guide writes them answer with and without a slash at the end; a redirect would lose the event."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.docs.blocks import guide
from tests.webhooks.samples import SECRET
from trudy.testing import Delivery, make_delivery
from trudy.webhooks import WebhookRouter, aiohttp_handler, django_async_view, django_view, flask_view, wsgi_app


@cache
def made() -> Delivery:
    """Signed when the first test asks: one that was signed at collection is too old by then."""
    return make_delivery("call.ended", secret=SECRET)


def row(name: str) -> str:
    """The code of the guide's table for a framework."""
    found = re.search(rf"^\| {name} \| `(.+?)`", guide("webhooks").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def over_aiohttp(router: WebhookRouter, path: str) -> int:
    from aiohttp import ClientSession, web

    async def post() -> int:
        app = web.Application()
        eval(row("aiohttp"), {"app": app, "router": router, "aiohttp_handler": aiohttp_handler})  # noqa: S307  # the guide's own
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
            async with (
                ClientSession() as http,
                http.post(url, data=made().body, headers=made().headers, allow_redirects=False) as answer,
            ):
                return answer.status
        finally:
            await runner.cleanup()

    return asyncio.run(post())


def over_flask(router: WebhookRouter, path: str) -> int:
    from flask import Flask

    app = Flask(__name__)
    eval(row("Flask"), {"app": app, "router": router, "flask_view": flask_view})  # noqa: S307  # the guide's own
    return app.test_client().post(path, data=made().body, headers=made().headers).status_code


def django_route(router: WebhookRouter, view: Callable[[WebhookRouter], Any]) -> Any:
    from django.urls import re_path

    return eval(row("Django"), {"router": router, "re_path": re_path, "django_view": view})  # noqa: S307  # the guide's own


def over_django(router: WebhookRouter, path: str) -> int:
    from tests.webhooks.adapters.test_shared_bodies import over_wsgi
    from tests.webhooks.receivers import django_routes

    with django_routes(django_route(router, django_view)):
        from django.core.handlers.wsgi import WSGIHandler

        return over_wsgi(WSGIHandler(), made().body, made().headers, path=path)


def over_django_async(router: WebhookRouter, path: str) -> int:
    from tests.webhooks.adapters.test_shared_bodies import over_asgi
    from tests.webhooks.receivers import django_routes

    with django_routes(django_route(router, django_async_view)):
        from django.core.handlers.asgi import ASGIHandler

        return over_asgi(ASGIHandler(), made().body, made().headers, path=path)


def over_wsgi_mount(router: WebhookRouter, path: str) -> int:
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    from werkzeug.test import Client

    app = DispatcherMiddleware(Flask(__name__), {"/webhooks/truedy": wsgi_app(router)})
    return Client(app).post(path, data=made().body, headers=made().headers).status_code


@pytest.mark.parametrize("post", [over_aiohttp, over_flask, over_django, over_django_async, over_wsgi_mount])
@pytest.mark.parametrize("path", ["/webhooks/truedy", "/webhooks/truedy/"])
def test_with_and_without_a_slash(post: Callable[[WebhookRouter, str], int], path: str) -> None:
    router, seen = WebhookRouter(secret=SECRET), []
    router.on_call_over(lambda event: seen.append(event.call_id))
    assert post(router, path) == 204
    assert len(seen) == 1
