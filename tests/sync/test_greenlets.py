"""gevent and eventlet: many greenlets call at once, and those that do something else go on."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import trudy
from tests.fakes.loopback import Answer, Loopback, Silence

ROW = Answer(b'{"data": {"id": "a-1", "name": "Ada"}}', delay=0.1)
GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent
spawn, sleep = gevent.spawn, gevent.sleep
def results(jobs):
    return [job.get(timeout=50) for job in jobs]
"""
# httpcore loads trio where it is installed, and trio does not load under eventlet.
EVENTLET = """
import sys, warnings
sys.modules["trio"] = None
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
spawn, sleep = eventlet.spawn, eventlet.sleep
def results(jobs):
    return [job.wait() for job in jobs]
"""
PROLOGUE = """
import os, threading, time, warnings
import trudy
warnings.simplefilter("ignore", RuntimeWarning)
def make(**options):
    return trudy.TrudyClient("a-key", base_url=os.environ["TEST_URL"], rate_limit=False, **options)
def name(client, agent_id="a-1"):
    return client.agents.get(agent_id).name
"""
LIBRARIES = {"gevent": GEVENT, "eventlet": EVENTLET}


def run(library: str, server: Loopback, text: str) -> list[str]:
    """The lines that a script prints; it must end with code 0 within a minute."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"needs {library}")
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES[library] + PROLOGUE + textwrap.dedent(text)],
        cwd=Path(trudy.__file__).parents[1],
        env={**os.environ, "TEST_URL": server.url.replace("127.0.0.1", "localhost")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize("library", LIBRARIES)
def test_thirty_greenlets_call_at_once_while_others_go_on(library: str) -> None:
    with Loopback(ROW) as server:
        assert run(
            library,
            server,
            """
            client = make()
            ticks = []
            def tick():
                while True:
                    sleep(0.01)
                    ticks.append(None)
            spawn(tick)
            print(name(client))
            before, started = len(ticks), time.monotonic()
            print(set(results([spawn(name, client) for _ in range(30)])))
            print(time.monotonic() - started < 30 * 0.1, len(ticks) > before)
            client.close()
        """,
        ) == ["Ada", "{'Ada'}", "True True"]
        server.wait(lambda: server.open_connections == 0)
        assert server.accepted == 30


@pytest.mark.parametrize("library", LIBRARIES)
def test_hooks_that_wait_or_call_do_not_mix_the_loops_up(library: str) -> None:
    with Loopback(ROW) as server:
        assert run(
            library,
            server,
            """
            inner = make()
            def hook(event):
                time.sleep(0.005)
                if isinstance(event, trudy.RequestStarted) and event.path.endswith("a-2"):
                    assert name(inner) == "Ada"
            client = make(hooks=[hook])
            print(set(results([spawn(name, client, "a-2") for _ in range(10)])))
            print(name(client))
            client.close()
            inner.close()
        """,
        ) == ["{'Ada'}", "Ada"]
        server.wait(lambda: server.open_connections == 0)


def test_aiohttp_under_gevent() -> None:
    with Loopback(ROW) as server:
        assert run(
            "gevent",
            server,
            """
            client = make(http_backend="aiohttp")
            print(set(results([spawn(name, client) for _ in range(10)])))
            client.close()
        """,
        ) == ["{'Ada'}"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_trio_beside_the_patches(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """httpcore loads trio, which loads under gevent and not under eventlet; aiohttp needs none."""
    pytest.importorskip("trio")
    monkeypatch.setitem(LIBRARIES, "eventlet", EVENTLET.replace('sys.modules["trio"] = None', ""))
    with Loopback(ROW) as server:
        lines = run(
            library,
            server,
            """
            for backend in ("httpx", "httpx", "aiohttp"):
                client = make(http_backend=backend)
                try:
                    print(name(client))
                except trudy.ConfigurationError as error:
                    print(error)
                client.close()
        """,
        )
    if library == "gevent":
        assert lines == ["Ada"] * 3
    else:
        assert 'uninstall trio, or give http_backend="aiohttp"' in lines[0]
        assert lines == [lines[0], lines[0], "Ada"]


def test_a_gevent_timeout_ends_a_call_and_the_client_goes_on() -> None:
    with Loopback(ROW) as server:
        server.script.extend([ROW, Silence()])
        assert run(
            "gevent",
            server,
            """
            client = make()
            print(name(client))
            try:
                with gevent.Timeout(0.5):
                    name(client)
            except gevent.Timeout:
                print("timeout")
            print(name(client))
            client.close()
        """,
        ) == ["Ada", "timeout", "Ada"]


def test_calls_in_the_requests_of_a_gevent_server() -> None:
    with Loopback(ROW) as server:
        assert run(
            "gevent",
            server,
            """
            import urllib.request
            from gevent.pywsgi import WSGIServer
            client = make()
            def app(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [name(client).encode()]
            server = WSGIServer(("127.0.0.1", 0), app, log=None)
            server.start()
            def ask():
                with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/") as answer:
                    return answer.read()
            print(set(results([spawn(ask) for _ in range(10)])))
            server.stop()
            client.close()
        """,
        ) == ["{b'Ada'}"]
