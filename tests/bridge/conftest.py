"""Scripts run by a fresh interpreter, for what only a whole process can show: signals, forks, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import trudy

Script = Callable[[str], list[str]]

# Calls inside running loops warn, and so does Python 3.12 at a fork while threads run.
_QUIET = ("-W", "ignore::RuntimeWarning", "-W", "ignore::DeprecationWarning")
_PROLOGUE = """
import asyncio, os, signal, sys, threading, time, warnings
from trudy.bridge import Bridge

def say(*words):
    print(*words, flush=True)

async def answer(word="answered"):
    await asyncio.sleep(0)
    return word

async def hang(seconds_of_cleaning=0.0):
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(seconds_of_cleaning)
        say("cleaned up")

async def hang_for_ever():
    try:
        await hang()
    finally:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

bridge = Bridge()
"""


@pytest.fixture
def script() -> Script:
    """Run a script and return the lines it printed; it must end with code 0 and write nothing to stderr."""

    def run(text: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, *_QUIET, "-c", _PROLOGUE + textwrap.dedent(text)],
            cwd=Path(trudy.__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return run
