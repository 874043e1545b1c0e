"""What signal handlers raise during a call, seen by the user of a client: who gets it, and what the log says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import trudy
from tests.fakes.loopback import Answer, Loopback
from tests.sync.conftest import Scripts

CALL = {"id": "c-1", "agent_id": "a-1", "phone_number": "+14155550123", "status": "queued"}
PLACED = Answer(json.dumps({"data": CALL}).encode())
LOGGED = """
        import logging
        class Log(logging.Handler):
            def emit(self, record):
                say(record.levelname, record.getMessage())
        logging.getLogger("trudy").addHandler(Log())
        class Limit(Exception):
            pass
        def on_alarm(number, frame):
            raise Limit("soft")
        signal.signal(signal.SIGALRM, on_alarm)
        def create(client):
            return client.calls.create(agent_id="a-1", phone_number="+14155550123", idempotency_key="k-1")
"""
IS_PLACED = (
    "WARNING calls.create was answered, but its caller was interrupted and did not get the answer; the call is placed"
    " (id c-1, idempotency key k-1)"
)
MAY_BE_PLACED = (
    "WARNING calls.create ended without an answer after it was sent; the call may be placed (idempotency key k-1)"
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no alarm")


@pytest.mark.parametrize("name", ["SIGALRM", "SIGINT", "SIGTERM"])
@pytest.mark.parametrize("event", ["RequestEnded", "AttemptEnded"])
def test_raised_in_a_hook_after_the_answer_the_placed_call_is_logged(
    scripts: Scripts, server: Loopback, name: str, event: str
) -> None:
    server.script.append(PLACED)
    lines = scripts.run(f"""
        {LOGGED}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        def hook(event):
            if type(event).__name__ == {event!r} and event.operation == "calls.create":
                signal.raise_signal(signal.{name})
        client = make(hooks=[hook])
        try:
            create(client)
        except BaseException as error:
            say(repr(error))
        say(client.agents.get("a-2").name)
    """)
    raised = {"SIGALRM": "Limit('soft')", "SIGINT": "KeyboardInterrupt()", "SIGTERM": "SystemExit(3)"}[name]
    warnings = [line for line in lines if line.startswith("WARNING")]
    # What is no Exception leaves the hook after the attempt at once; an Exception does not, and the answer is read.
    assert warnings == [IS_PLACED]
    assert lines[-2:] == [raised, "Ada"]


def test_raised_as_the_result_is_handed_over_the_placed_call_is_logged(scripts: Scripts, server: Loopback) -> None:
    server.script.append(PLACED)
    assert scripts.run(f"""
        {LOGGED}
        from trudy.bridge.private_loops import PrivateLoops
        give_back = PrivateLoops.give_back
        def striking(self, loop, *, usable):
            signal.raise_signal(signal.SIGALRM)
            give_back(self, loop, usable=usable)
        PrivateLoops.give_back = striking
        try:
            create(client)
        except Limit as error:
            say(repr(error))
    """) == [IS_PLACED, "Limit('soft')"]


def test_raised_while_the_answer_is_awaited_the_key_is_logged_once(scripts: Scripts, server: Loopback) -> None:
    server.script.append(Answer(PLACED.body, delay=60))
    text = f"""
        {LOGGED}
        try:
            create(client)
        except Limit as error:
            say(repr(error))
        say(client.agents.get("a-2").name)
    """
    with scripts.running(text) as process:
        server.wait(lambda: len(server.seen) == 1, 60)
        process.send_signal(signal.SIGALRM)
        assert scripts.lines(process) == [MAY_BE_PLACED, "Limit('soft')", "Ada"]


def test_an_interrupted_call_that_placed_nothing_logs_nothing(scripts: Scripts) -> None:
    assert scripts.run(f"""
        {LOGGED}
        def hook(event):
            if type(event).__name__ == "RequestStarted":
                signal.raise_signal(signal.SIGALRM)
        for ask in (create, lambda client: client.agents.get("a-1")):
            try:
                ask(make(hooks=[hook]))
            except Limit as error:
                say(repr(error))
    """)[-1:] == ["Limit('soft')"]


def test_a_hook_that_blocks_is_ended_at_once(scripts: Scripts) -> None:
    assert scripts.run(f"""
        {LOGGED}
        import time
        def hook(event):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            time.sleep(60)
        started = time.monotonic()
        try:
            make(hooks=[hook]).agents.get("a-1")
        except Limit as error:
            say(repr(error), time.monotonic() - started < 30)
    """)[-1:] == ["Limit('soft') True"]


def test_sys_exit_in_a_handler_ends_the_process_with_its_code(scripts: Scripts, server: Loopback) -> None:
    server.script.append(Answer(delay=60))
    text = """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        make(deadline=30).agents.get("a-1")
    """
    with scripts.running(text) as process:
        server.wait(lambda: len(server.seen) == 1, 60)
        process.terminate()
        assert (process.communicate(timeout=60), process.returncode) == (("", ""), 7)


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
def test_a_few_alarms_at_random_moments(backend: str) -> None:
    strike(backend, 300)


@pytest.mark.soak
@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
@pytest.mark.timeout(3600)
def test_20000_alarms_at_random_moments(backend: str) -> None:
    strike(backend, 20_000)


def strike(backend: str, calls: int) -> None:
    """Each alarm reaches the caller, and each call that the server placed was returned or logged."""
    sent: list[str] = []

    class Place(BaseHTTPRequestHandler):
        """Answers each create with another call."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(self.headers["X-Idempotency-Key"])
            body = json.dumps({"data": {**CALL, "id": f"c-{len(sent)}"}}).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            with suppress(ConnectionError):  # the client was interrupted
                self.wfile.write(head.encode() + body)

        def handle_one_request(self) -> None:
            with suppress(ConnectionError):
                super().handle_one_request()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Place) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            [sys.executable, "-m", "tests.sync.alarms", backend, str(calls), "8"],
            cwd=Path(trudy.__file__).parents[1],
            env={**os.environ, "TEST_URL": f"http://localhost:{server.server_port}"},
            capture_output=True,
            text=True,
            timeout=3000,
            check=False,
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["lost"], told["changed"], done.stderr if told["changed"] else "") == (0, 0, "")
    # A handler may still raise between the last instruction that we guard and the caller's: nobody can tell of those.
    assert len(set(sent) - set(told["keys"])) <= calls / 100
    assert told["fired"] > calls / 20
    assert told["longest"] < 5
