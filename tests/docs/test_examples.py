"""Every example runs, and says what it is expected to say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.docs.blocks import README, ROOT, blocks_of
from trudy.sandbox import Sandbox

EXAMPLES = ROOT / "examples"
NUMBERS = {"answered": "+14155550101", "unanswered": "+14155550111", "refused": "+14155550141"}


def run(name: str, *arguments: str, sandbox: Sandbox | None = None) -> subprocess.CompletedProcess[str]:
    """Run an example as a user would, against a sandbox behind a port."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    if sandbox is None:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    with sandbox.serve() as server:
        env = {**os.environ, "TRUDY_BASE_URL": server.base_url, "TRUDY_API_KEY": sandbox.api_key}
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_no_example_is_left_out() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"} == {
        "aiohttp_app.py",
        "fastapi_app.py",
        "main_job.py",
        "quick_start.py",
        "quick_start_async.py",
    }


def test_main_job() -> None:
    done = run("main_job.py")
    assert (done.returncode, done.stderr) == (0, "")
    shown = [block.output for block in blocks_of(README) if "examples/main_job.py" in block.source]
    assert shown == [done.stdout]


def test_quick_start() -> None:
    sandbox = Sandbox(speed=60)
    done = run("quick_start.py", sandbox.voices[0].id, NUMBERS["answered"], sandbox=sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("completed after 24 s\nagent: Hello, this is Ada.")


def test_quick_start_without_credit() -> None:
    sandbox = Sandbox(speed=60)
    sandbox.payment_required = "trial_expired"
    done = run("quick_start.py", sandbox.voices[0].id, NUMBERS["answered"], sandbox=sandbox)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("no call was placed: trial_expired, see https://")


@pytest.mark.parametrize("example", ["quick_start.py", "quick_start_async.py"])
def test_quick_start_without_key(example: str) -> None:
    done = run(example, "VOICE_UUID", NUMBERS["answered"])
    assert done.returncode == 1
    assert "set TRUDY_API_KEY" in done.stderr


def test_quick_start_async() -> None:
    sandbox = Sandbox(speed=60)
    done = run("quick_start_async.py", sandbox.voices[0].id, *NUMBERS.values(), sandbox=sandbox)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{NUMBERS['answered']}: completed",
        f"{NUMBERS['unanswered']}: failed",
        f"{NUMBERS['refused']}: validation_error",
    ]
    sandbox.assert_no_number_dialed_twice()
