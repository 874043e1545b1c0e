"""The web apps place calls on a sandbox, receive its signed events over a socket and print what was said."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import httpx
import pytest
from attrs import frozen

from tests.docs.blocks import ROOT
from trudy.sandbox import Sandbox, SandboxServer

COMMANDS = {
    "fastapi_app": ("-m", "uvicorn", "fastapi_app:app", "--port"),
    "aiohttp_app": ("aiohttp_app.py",),
}
"""The port follows."""
WEBHOOKS = {"fastapi_app": "/webhooks/truedy/", "aiohttp_app": "/webhooks/truedy"}

pytestmark = pytest.mark.parametrize("example", COMMANDS)


@frozen
class App:
    url: str
    lines: Queue[str | None]

    def until(self, pattern: str) -> re.Match[str]:
        """Read what it prints up to the line with this in it."""
        seen: list[str] = []
        while (line := self.lines.get(timeout=60)) is not None:
            seen.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"the app ended without printing {pattern!r}:\n{''.join(seen)}")


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(speed=60)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def app(example: str, server: SandboxServer, tmp_path: Path) -> Iterator[App]:
    """The example in a process of its own, with an agent to call with."""
    sandbox = server.sandbox
    with server.client() as client:
        agent = client.agents.create(
            name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.", greeting="Hello {{name}}, this is Ada."
        )
    with running(COMMANDS[example], {**server.environment, "AGENT_ID": agent.id}) as app:
        sandbox.webhooks.add(app.url + WEBHOOKS[example])
        yield app


@contextmanager
def running(command: tuple[str, ...], environment: dict[str, str]) -> Iterator[App]:
    lines: Queue[str | None] = Queue()
    # Not 0: an old aiohttp prints just that, and not the port it got.
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with subprocess.Popen(
        [sys.executable, "-u", *command, port],
        cwd=ROOT / "examples",
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None

        def read(output: Iterator[str]) -> None:
            for line in output:
                lines.put(line)
            lines.put(None)

        reader = Thread(target=read, args=(process.stdout,))
        reader.start()
        try:
            url = App("", lines).until(r"unning on (http://[\d.]+:\d+)")[1]
            yield App(url, lines)
            process.send_signal(signal.SIGINT)
            process.wait(20)
        finally:
            process.kill()
            reader.join()


def remind(app: App, number: str) -> httpx.Response:
    return httpx.post(f"{app.url}/reminders", json={"phone_number": number, "name": "Sam"}, trust_env=False)


def test_a_call_is_followed_by_its_events(app: App, sandbox: Sandbox) -> None:
    answer = remind(app, "+14155550100")
    assert answer.status_code == 202
    call_id = answer.json()["call_id"]
    app.until(f"^{call_id}: agent: Hello Sam, this is Ada.$")
    app.until("^contact: Yes, please. Goodbye.$")
    kept = httpx.get(f"{app.url}/reminders/{call_id}", trust_env=False).json()["outcome"]
    assert kept.startswith("agent: Hello Sam, this is Ada.\ncontact: ")
    ended = [d for d in sandbox.webhooks.deliveries if d.event == "call.ended"]
    assert [(d.call_id, d.status) for d in ended] == [(call_id, 204)]


def test_a_call_that_nobody_answers(app: App) -> None:
    call_id = remind(app, "+14155550120").json()["call_id"]
    app.until(f"^{call_id}: failed$")


def test_a_call_that_is_refused(app: App) -> None:
    answer = remind(app, "+14155550140")
    assert (answer.status_code, answer.json()["error"]) == (502, "validation_error")


def test_an_event_that_is_not_signed(app: App, example: str) -> None:
    answer = httpx.post(app.url + WEBHOOKS[example], content=b'{"event": "call.ended"}', trust_env=False)
    assert answer.status_code == 401
