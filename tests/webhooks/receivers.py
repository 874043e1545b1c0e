"""Real servers of real frameworks, each on a loopback port, each with a router behind one of our adapters."""

from __future__ import annotations

import asyncio
import socket
import threading
import wsgiref.simple_server
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from trudy import webhooks
from trudy.webhooks import WebhookRouter

PATH = "/webhooks/truedy"


@contextmanager
def uvicorn_serving(app: Any) -> Iterator[str]:
    """An ASGI application behind uvicorn in a thread; its life cycle is run."""
    import uvicorn

    ready = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        assert ready.wait(60)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def wsgi_serving(app: Any) -> Iterator[str]:
    """A WSGI application behind the standard library's server."""

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PATH}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def asgi(router: WebhookRouter) -> Iterator[str]:
    with uvicorn_serving(webhooks.asgi_app(router)) as url:
        yield url


@contextmanager
def starlette(router: WebhookRouter) -> Iterator[str]:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    with uvicorn_serving(Starlette(routes=[Mount(PATH, webhooks.asgi_app(router))])) as url:
        yield url


@contextmanager
def fastapi(router: WebhookRouter) -> Iterator[str]:
    from fastapi import FastAPI

    app = FastAPI()
    app.mount(PATH, webhooks.asgi_app(router))
    with uvicorn_serving(app) as url:
        yield url


@contextmanager
def fastapi_dependency(router: WebhookRouter) -> Iterator[str]:
    from tests.webhooks.fastapi_route import make_app

    with uvicorn_serving(make_app(router, PATH, [one.handler for _, one in router._handlers])) as url:
        yield url


@contextmanager
def aiohttp(router: WebhookRouter, *, reads_first: bool = False) -> Iterator[str]:
    """With `reads_first`, a middleware has read the body before the handler does, as one that logs bodies would."""
    from aiohttp import web

    @web.middleware
    async def reading(request: web.Request, handler: Any) -> web.StreamResponse:
        await request.read()
        response: web.StreamResponse = await handler(request)
        return response

    address: list[str] = []
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        app = web.Application(middlewares=[reading] if reads_first else [])
        app.router.add_route("*", PATH, webhooks.aiohttp_handler(router))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}")
        loops.append(asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(60)
        yield address[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def flask(router: WebhookRouter, *, reads_first: bool = False, limit: int | None = None) -> Iterator[str]:
    """With `reads_first`, the application has read the body before the view does; `limit` is its own, in bytes."""
    from flask import Flask, request
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None: ...

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = limit
    if reads_first:
        app.before_request(lambda: request.get_data() and None)
    app.add_url_rule(PATH, view_func=webhooks.flask_view(router), methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}{PATH}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def wsgi(router: WebhookRouter) -> Iterator[str]:
    with wsgi_serving(webhooks.wsgi_app(router)) as url:
        yield url


def django_urls(view: Any) -> AbstractContextManager[None]:
    """Django with one view at `PATH`."""
    from django.urls import path

    return django_routes(path(PATH.lstrip("/"), view))


@contextmanager
def django_routes(*routes: Any) -> Iterator[None]:
    """Django with these routes."""
    import django
    from django.conf import settings
    from django.test.utils import override_settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["127.0.0.1"],
            SECRET_KEY="not used",
            MIDDLEWARE=["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"],
            LOGGING_CONFIG=None,
        )
        django.setup()
    with override_settings(ROOT_URLCONF=routes):
        yield


@contextmanager
def django(router: WebhookRouter) -> Iterator[str]:
    from django.core.handlers.wsgi import WSGIHandler

    with django_urls(webhooks.django_view(router)), wsgi_serving(WSGIHandler()) as url:
        yield url


@contextmanager
def django_async(router: WebhookRouter) -> Iterator[str]:
    from django.core.handlers.asgi import ASGIHandler

    live: Any = webhooks.asgi_app(router)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        # Django has no lifespan events.
        await (live if scope["type"] == "lifespan" else handler)(scope, receive, send)

    with django_urls(webhooks.django_async_view(router)):
        handler: Any = ASGIHandler()
        with uvicorn_serving(app) as url:
            yield url


RECEIVERS = {
    "asgi": asgi,
    "starlette": starlette,
    "fastapi": fastapi,
    "fastapi_dependency": fastapi_dependency,
    "aiohttp": aiohttp,
    "flask": flask,
    "wsgi": wsgi,
    "django": django,
    "django_async": django_async,
}
