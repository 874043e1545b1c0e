"""Signed events from the sandbox to URLs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import anyio
import pytest

from trudy.sandbox import Sandbox
from trudy.webhooks.unwrapping import unwrap


class Inbox:
    """A receiver behind a port, that answers with the statuses it is told, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        answers, inbox = iter(statuses), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with inbox.arrived:
                    inbox.received.append((dict(self.headers.items()), body))
                    inbox.arrived.notify_all()
                self.send_response(next(answers, 204))
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    inbox = Inbox(503)
    yield inbox
    inbox.close()


@pytest.mark.parametrize("connection", ["deliver", "deliver_async"])
def test_a_url_gets_signed_events(sandbox: Sandbox, api: Any, inbox: Inbox, connection: str) -> None:
    sandbox.webhooks.add(inbox.url, events=["call.ended"])
    call_id = anyio.run(api.call)["id"]
    sandbox.advance(minutes=5)
    assert (sandbox.webhooks.deliver() if connection == "deliver" else anyio.run(sandbox.webhooks.deliver_async)) == 2
    assert [one.status for one in sandbox.webhooks.deliveries] == [503, 204]
    for headers, body in inbox.received:
        # A URL's receiver has a clock of its own: the sandbox's stands in the past here.
        event = unwrap(body, headers, secret=sandbox.webhook_secret, strict=True)
        assert (event.type, getattr(event, "call_id", None)) == ("call.ended", call_id)


@pytest.mark.parametrize("connection", ["deliver", "deliver_async"])
def test_a_url_that_nobody_listens_at(sandbox: Sandbox, api: Any, connection: str) -> None:
    inbox = Inbox()
    inbox.close()
    sandbox.webhooks.add(inbox.url, events=["call.ended"], tries=2)
    anyio.run(api.call)
    sandbox.advance(minutes=5)
    assert (sandbox.webhooks.deliver() if connection == "deliver" else anyio.run(sandbox.webhooks.deliver_async)) == 2
    assert [(one.status, one.fault) for one in sandbox.webhooks.deliveries] == [(None, "ConnectError")] * 2


def test_a_served_sandbox_sends_by_itself(inbox: Inbox) -> None:
    sandbox = Sandbox(speed=60, rate_limit=None)
    sandbox.webhooks.add(inbox.url, events=["call.started"])
    with sandbox.serve() as server, server.client() as client:
        assert server.environment["TRUDY_WEBHOOK_SECRET"] == sandbox.webhook_secret
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        with inbox.arrived:
            assert inbox.arrived.wait_for(lambda: len(inbox.received) == 2, 20)  # the first was answered 503
