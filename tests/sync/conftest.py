"""A server on this machine, reached by its name, and scripts run against it by a fresh interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import trudy
from tests.fakes.loopback import Answer, Loopback

AGENT = {"data": {"id": "a-1", "name": "Ada"}, "meta": {"request_id": "r-1"}}

# The calls inside running loops warn, and so does Python 3.12 of a fork beside threads.
_QUIET = ("-W", "ignore::RuntimeWarning", "-W", "ignore::DeprecationWarning")
_PROLOGUE = """
import asyncio, atexit, gc, os, signal, sys, threading, traceback, trudy

def say(*words):
    print(*words, flush=True)

def make(**options):
    return trudy.TrudyClient("a-key", base_url=os.environ["TEST_URL"], **options)

client = make()
"""


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(Answer(json.dumps(AGENT).encode())) as server:
        yield server


@pytest.fixture
def url(server: Loopback) -> str:
    """The server by a name that has to be resolved."""
    return server.url.replace("127.0.0.1", "localhost")


@pytest.fixture
def client(url: str) -> Generator[trudy.TrudyClient]:
    with trudy.TrudyClient("a-key", base_url=url) as client:
        yield client


class Scripts:
    """Runs scripts that have a client; each must end with code 0 and say nothing on stderr."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, text: str) -> list[str]:
        """The lines it printed."""
        with self.running(text) as process:
            return self.lines(process)

    @contextmanager
    def running(self, text: str) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [sys.executable, *_QUIET, "-c", _PROLOGUE + textwrap.dedent(text)],
            cwd=Path(trudy.__file__).parents[1],
            env={**os.environ, "TEST_URL": self._url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @staticmethod
    def lines(process: subprocess.Popen[str], told: str = "") -> list[str]:
        """The lines it printed, all together, after it was told something."""
        out, err = process.communicate(told, timeout=60)
        assert (process.returncode, err) == (0, "")
        return out.splitlines()


@pytest.fixture
def scripts(url: str) -> Scripts:
    return Scripts(url)
