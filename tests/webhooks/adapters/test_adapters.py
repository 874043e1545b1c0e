"""Each adapter in its real framework, over a real socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from io import BytesIO
from typing import Any

import httpx
import pytest

from tests.webhooks.receivers import RECEIVERS, aiohttp, flask
from tests.webhooks.samples import CALL_ID, OTHER, SECRET, signed
from trudy.testing import make_delivery
from trudy.webhooks import CallEnded, WebhookRouter, flask_view
from trudy.webhooks.verify import MAX_BODY

Serve = Callable[[WebhookRouter], AbstractContextManager[str]]


class Receiver:
    """A running server, what its handler saw, and how often the handler shall fail."""

    def __init__(self, kind: str | Serve, router: WebhookRouter, servers: ExitStack) -> None:
        self.seen: list[str | None] = []
        self.failures = 0
        router.on("call.ended")(self.handle)
        serve = RECEIVERS[kind] if isinstance(kind, str) else kind
        self.url = servers.enter_context(serve(router))
        # A connection each, as uvicorn drops one over which an application's exception went out as a 500.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.http = servers.enter_context(httpx.Client(trust_env=False, timeout=60, limits=alone))

    def handle(self, event: CallEnded) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("database is away")
        self.seen.append(event.call_id)

    def send(self, **options: Any) -> int:
        made = make_delivery("call.ended", **{"secret": SECRET, "call_id": CALL_ID, **options})
        return self.post(made.body, made.headers)

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        return self.http.post(self.url, content=body, headers=headers).status_code


@pytest.fixture(params=RECEIVERS)
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    with ExitStack() as servers:
        yield Receiver(request.param, WebhookRouter(secret=SECRET), servers)


def test_takes_what_is_signed_once(receiver: Receiver) -> None:
    assert [receiver.send() for _ in range(3)] == [204] * 3
    assert receiver.send(call_id="ä ☎") == 204
    assert receiver.seen == [CALL_ID, "ä ☎"]


def test_refuses_the_rest(receiver: Receiver) -> None:
    assert receiver.send(secret=OTHER) == 401
    assert receiver.send(sent_at=1_700_000_000) == 401
    assert receiver.post(b"{}", {}) == 401
    made = make_delivery("batch.completed", secret=SECRET)
    assert receiver.post(made.body + b" ", made.headers) == 401
    assert receiver.post(b"[1]", make_headers(b"[1]")) == 400
    assert receiver.post(b"", make_headers(b"")) == 400
    assert receiver.http.get(receiver.url).status_code == 405
    assert not receiver.seen


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind != "fastapi_dependency"])
def test_a_refusal_says_why_in_one_word(kind: str) -> None:
    with ExitStack() as servers:
        receiver = Receiver(kind, WebhookRouter(secret=SECRET), servers)
        answer = receiver.http.post(receiver.url, content=b"{}")
        assert answer.json() == {"error": {"code": "missing_header"}}
        assert answer.headers["content-type"] == "application/json"


def test_the_fastapi_dependency_refuses_as_fastapi_does() -> None:
    """A dependency cannot choose the body: the handlers of the application do, and they go by `HTTPException`."""
    with ExitStack() as servers:
        receiver = Receiver("fastapi_dependency", WebhookRouter(secret=SECRET), servers)
        answer = receiver.http.post(receiver.url, content=b"{}")
        assert (answer.status_code, answer.json()) == (401, {"detail": "missing_header"})


def make_headers(body: bytes) -> dict[str, str]:
    import time

    return signed(body, at=time.time())


def test_a_failed_handler_is_a_500_and_runs_again(receiver: Receiver) -> None:
    receiver.failures = 1
    assert [receiver.send() for _ in range(3)] == [500, 204, 204]
    assert receiver.seen == [CALL_ID]


def test_large_bodies(receiver: Receiver) -> None:
    assert receiver.send(data={"filler": "x" * 900_000}) == 204
    try:
        status = receiver.send(call_id="large", data={"filler": "x" * MAX_BODY})
    except httpx.TransportError:
        pass  # hung up on: nobody reads on to the end of it
    else:
        assert status == 400
    assert receiver.seen == [CALL_ID]


@pytest.mark.parametrize("server", [aiohttp, flask])
def test_a_body_that_something_else_has_read_before(server: Any) -> None:
    with ExitStack() as servers:
        serve = partial(server, reads_first=True)
        receiver = Receiver(serve, WebhookRouter(secret=SECRET), servers)
        assert receiver.send() == 204
        assert receiver.send(secret=OTHER) == 401
        assert receiver.seen == [CALL_ID]


def test_the_limit_is_ours_and_not_that_of_flask() -> None:
    with ExitStack() as servers:
        receiver = Receiver(partial(flask, limit=1_000), WebhookRouter(secret=SECRET), servers)
        assert receiver.send(data={"filler": "x" * 900_000}) == 204


@pytest.mark.parametrize("has_length", [True, False])
def test_a_body_too_large_for_flask_is_refused_as_everywhere(has_length: bool) -> None:
    """In process, as a server may hang up."""
    from flask import Flask

    app = Flask(__name__)
    app.add_url_rule("/", view_func=flask_view(WebhookRouter(secret=SECRET)), methods=["POST"])
    body = b"x" * (MAX_BODY + 1)
    sent: dict[str, Any] = {"data": body} if has_length else {"input_stream": BytesIO(body)}
    answer = app.test_client().post("/", environ_overrides={"wsgi.input_terminated": True}, **sent)
    assert (answer.status_code, answer.json) == (400, {"error": {"code": "bad_payload"}})


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind not in ("wsgi", "django")])
def test_bodies_without_a_length(kind: str) -> None:
    """Sent in chunks, which the standard library's WSGI server does not read."""
    with ExitStack() as servers:
        receiver = Receiver(kind, WebhookRouter(secret=SECRET), servers)
        made = make_delivery("call.ended", secret=SECRET, call_id=CALL_ID)
        halves = iter((made.body[:100], made.body[100:]))
        answer = receiver.http.post(receiver.url, content=halves, headers=made.headers)
        assert answer.status_code == 204
        assert receiver.seen == [CALL_ID]


@pytest.mark.parametrize("framework", ["aiohttp", "flask", "django", "fastapi", "starlette", "redis", "httpx"])
def test_frameworks_are_imported_by_their_own_adapter_only(framework: str) -> None:
    names = "WebhookRouter, asgi_app, wsgi_app, lambda_handler, unwrap, SQLiteReplayGuard"
    script = f"import sys; from trudy.webhooks import {names}; print({framework!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_the_core_imports_no_webhooks() -> None:
    script = "import sys, trudy.client, trudy.event_source; print(any('webhooks' in name for name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
