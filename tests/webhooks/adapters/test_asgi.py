"""The life of the ASGI application, as a server tells it, and where it is mounted; requests are in test_adapters.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.testclient import TestClient

from tests.webhooks.samples import CALL_ID, SECRET
from trudy.testing import make_delivery
from trudy.webhooks import CallEnded, WebhookRouter, asgi_app


def test_lifespan_events_are_answered() -> None:
    told: list[Any] = []
    messages: Iterator[str] = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Any:
        return {"type": next(messages)}

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(asgi_app(WebhookRouter(secret=SECRET))({"type": "lifespan"}, receive, send))
    assert told == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def post(app: Any, path: str) -> httpx.Response:
    """Deliver an event, and follow no redirect."""
    made = make_delivery("call.ended", secret=SECRET, call_id=CALL_ID)

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return await client.post(path, content=made.body, headers=made.headers)

    return asyncio.run(send())


def fastapi_app(receiver: Any) -> Any:
    app = FastAPI()
    app.mount("/hook", receiver)
    return app


def starlette_app(receiver: Any) -> Any:
    app = Starlette()
    app.mount("/hook", receiver)
    return app


def slash_in_the_mount(receiver: Any) -> Any:
    app = FastAPI()
    app.mount("/hook/", receiver)
    return app


def under_a_mount(receiver: Any) -> Any:
    return Starlette(routes=[Mount("/api", routes=[Mount("/hook", receiver)])])


def under_a_router(receiver: Any) -> Any:
    return Mount("/api", Router(routes=[Mount("/hook", receiver)]))


def under_an_app(receiver: Any) -> Any:
    app = FastAPI()
    app.mount("/api", fastapi_app(receiver))
    return app


def in_an_api_router(receiver: Any) -> Any:
    app, router = FastAPI(), APIRouter()
    router.mount("/hook", receiver)
    app.include_router(router)
    return app


def behind_middleware(receiver: Any) -> Any:
    return Starlette(routes=[Mount("/hook", receiver, middleware=[Middleware(GZipMiddleware)])])


def wrapped_in_middleware(receiver: Any) -> Any:
    app = FastAPI()
    app.mount("/hook", GZipMiddleware(CORSMiddleware(receiver, allow_origins=["*"])))
    return app


def without_redirects(receiver: Any) -> Any:
    app = FastAPI(redirect_slashes=False)
    app.mount("/hook", receiver)
    return app


MOUNTS: list[tuple[Callable[[Any], Any], str]] = [
    (fastapi_app, "/hook"),
    (starlette_app, "/hook"),
    (slash_in_the_mount, "/hook"),
    (under_a_mount, "/api/hook"),
    (under_a_router, "/api/hook"),
    (under_an_app, "/api/hook"),
    (in_an_api_router, "/hook"),
    (behind_middleware, "/hook"),
    (wrapped_in_middleware, "/hook"),
    (without_redirects, "/hook"),
]


@pytest.mark.parametrize(("mount", "path"), MOUNTS)
@pytest.mark.parametrize("end", ["", "/", "/deeper"])
def test_mounted_it_answers_with_and_without_a_slash(mount: Callable[[Any], Any], path: str, end: str) -> None:
    router, seen = WebhookRouter(secret=SECRET), []

    @router.on("call.ended")
    def ended(event: CallEnded) -> None:
        seen.append(event.call_id)

    assert post(mount(asgi_app(router)), path + end).status_code == 204
    assert seen == [CALL_ID]


def test_a_route_of_the_very_path_goes_first() -> None:
    async def own(_: Any) -> PlainTextResponse:
        return PlainTextResponse("own")

    receiver = asgi_app(WebhookRouter(secret=SECRET))
    app = Starlette(routes=[Mount("/hook", receiver), Route("/hook", own, methods=["POST"])])
    assert post(app, "/hook").text == "own"
    assert post(app, "/hook/").status_code == 204


def test_a_route_for_another_method_stands_after_the_mount() -> None:
    app = fastapi_app(asgi_app(WebhookRouter(secret=SECRET)))

    @app.get("/hook")
    def health() -> str:
        return "well"

    assert TestClient(app).get("/hook").json() == "well"
    assert post(app, "/hook").status_code == 204


def test_other_mounts_behave_as_before() -> None:
    asgi_app(WebhookRouter(secret=SECRET))

    async def own(_: Any) -> PlainTextResponse:
        return PlainTextResponse("own")

    app = Starlette(routes=[Mount("/other", routes=[Route("/", own, methods=["POST"])])])
    assert (post(app, "/other").status_code, post(app, "/other/").text) == (307, "own")
    assert post(app, "/nowhere").status_code == 404


def test_a_path_that_only_begins_alike_is_another() -> None:
    app = starlette_app(asgi_app(WebhookRouter(secret=SECRET)))
    assert post(app, "/hooks").status_code == 404
