"""Each adapter in its real framework, over a real socket."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.webhooks.receivers import RECEIVERS
from tests.webhooks.samples import CALL_ID, OTHER, SECRET, signed
from trudy.testing import make_delivery
from trudy.webhooks import CallEnded, WebhookRouter
from trudy.webhooks.verify import MAX_BODY


class Receiver:
    """A running server, what its handler saw, and how often the handler shall fail."""

    def __init__(self, kind: str, router: WebhookRouter, servers: ExitStack) -> None:
        self.seen: list[str | None] = []
        self.failures = 0
        router.on("call.ended")(self.handle)
        self.url = servers.enter_context(RECEIVERS[kind](router))
        # A connection each, as uvicorn drops one over which an application's exception went out as a 500.
        alone = httpx.Limits(max_keepalive_connections=0)
        self.http = servers.enter_context(httpx.Client(trust_env=False, timeout=10, limits=alone))

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


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind != "fastapi_dependency"])
def test_in_the_background_until_the_server_has_stopped(kind: str) -> None:
    router = WebhookRouter(secret=SECRET, background=True)
    with ExitStack() as servers:
        receiver = Receiver(kind, router, servers)
        assert [receiver.send(call_id=str(number)) for number in range(20)] == [204] * 20
    # The servers of blocking frameworks tell nobody that they stop.
    router.close()
    assert sorted(map(str, receiver.seen), key=int) == [str(number) for number in range(20)]


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
