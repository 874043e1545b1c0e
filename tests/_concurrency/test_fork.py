"""Forks and the imports of a first operation do not block each other."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import trudy
from tests.fakes.loopback import Answer, Loopback

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")

ROOT = Path(trudy.__file__).parents[1]
ROW = b'{"data": {"id": "a-1", "name": "Ada"}}'
CLIENTS = {"sync": "TrudyClient", "async": "AsyncTrudyClient"}


def run(url: str, text: str) -> list[str]:
    """The lines that a script prints; it must end with code 0 within a minute."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(text)],
        cwd=ROOT,
        env={**os.environ, "TEST_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


CALLS = """
import asyncio, os, sys, threading, time
import trudy

def make():
    return trudy.{client}("a-key", base_url=os.environ["TEST_URL"], http_backend="{backend}", rate_limit=False)

def call(client):
    async def main():
        await client.agents.get("a-1")
        await client.tools.delete("t-1")
    if isinstance(client, trudy.TrudyClient):
        client.agents.get("a-1")
        client.tools.delete("t-1")
    else:
        asyncio.run(main())
"""


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_children_forked_during_first_calls_make_calls(client: str, backend: str) -> None:
    with Loopback(Answer(ROW)) as server:
        lines = run(
            server.url.replace("127.0.0.1", "localhost"),
            CALLS.format(client=client, backend=backend)
            + textwrap.dedent("""
            threads = [threading.Thread(target=lambda: call(make())) for _ in range(4)]
            for thread in threads:
                thread.start()
            children = []
            for _ in range(15):
                child = os.fork()
                if not child:
                    call(make())
                    os._exit(0)
                children.append(child)
                time.sleep(0.01)
            for thread in threads:
                thread.join()
            print({os.waitpid(child, 0)[1] for child in children})
        """),
        )
    assert lines == ["{0}"]


@pytest.mark.parametrize("backend", ["httpx", "aiohttp"])
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_everything_that_a_call_imports_is_known(client: str, backend: str) -> None:
    with Loopback(Answer(ROW)) as server:
        busy = Answer(b'{"error": {"code": "unavailable"}}', status=503, headers=[("Retry-After", "0.01")])
        server.script.extend([busy, Answer(status=404)])
        lines = run(
            server.url.replace("127.0.0.1", "localhost"),
            CALLS.format(client=client, backend=backend)
            + textwrap.dedent("""
            client = make()
            ended = threading.Event()
            beside = threading.Thread(target=ended.wait)
            beside.start()
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
            ended.set()
            beside.join()
            loaded = set(sys.modules)
            try:
                call(client)
            except trudy.NotFoundError:
                pass
            call(client.with_options(deadline=30))
            print(*sorted(set(sys.modules) - loaded))
            client.close() if isinstance(client, trudy.TrudyClient) else asyncio.run(client.aclose())
        """),
        )
    assert lines == [""]


def test_a_fork_without_other_threads_imports_nothing() -> None:
    assert run(
        "http://127.0.0.1",
        """
        import os, sys, trudy
        client = trudy.TrudyClient("a-key")
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        print("httpx" in sys.modules)
        client.close()
    """,
    ) == ["False"]
