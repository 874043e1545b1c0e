"""A frozen app finds what this package reads: the API document, the inspector's page, time zones, lazy modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trudy._pyinstaller import hook_directories

APP = """
import trudy
from trudy.sandbox import Sandbox
from urllib.request import urlopen

sandbox = Sandbox(speed=0)
with sandbox.client() as client:
    agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    batch = client.batch_calls.create(name="Spring", agent_id=agent.id, timezone="Asia/Kathmandu",
                                      contacts=[{"phone_number": "+14155550100"}])
    client.batch_calls.schedule(batch.id)
with sandbox.serve() as server:
    print(len(urlopen(server.control_url + "/").read()) > 10_000, urlopen(server.base_url + "/openapi.json").status)
"""

NOT_NEEDED = (
    "aiohttp",
    "alembic",
    "cryptography",
    "django",
    "eventlet",
    "fastapi",
    "flask",
    "gevent",
    "holidays",
    "hypothesis",
    "IPython",
    "itsdangerous",
    "jaraco",
    "jinja2",
    "jupyter_client",
    "jwt",
    "keyring",
    "markdown_it",
    "matplotlib",
    "mcp",
    "mypy",
    "numpy",
    "opentelemetry",
    "pandas",
    "phonenumbers",
    "PIL",
    "polars",
    "procrastinate",
    "psycopg",
    "pyarrow",
    "pydantic",
    "pygments",
    "pytest",
    "python_multipart",
    "redis",
    "requests",
    "rich",
    "setuptools",
    "sqlalchemy",
    "tkinter",
    "tornado",
    "trio",
    "typer",
    "urllib3",
    "websockets",
    "werkzeug",
    "yaml",
    "zstandard",
)
"""What only other parts of the package import. To look through it would take minutes."""


@pytest.mark.installs
def test_a_frozen_app_has_a_sandbox(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    command = [sys.executable, "-m", "PyInstaller", "app.py", "--onedir", "--noconfirm", "--log-level", "ERROR"]
    # As the entry point does where the package is installed; here it may be a checkout.
    hooks = [f"--additional-hooks-dir={path}" for path in hook_directories()]
    without = [f"--exclude-module={name}" for name in NOT_NEEDED]
    root = Path(__file__).parents[2]
    subprocess.run([*command, *hooks, *without, f"--paths={root}"], cwd=tmp_path, check=True, capture_output=True)
    # Without a zone database of the machine's own, as on Windows.
    env = {**os.environ, "PYTHONTZPATH": ""}
    done = subprocess.run(
        [tmp_path / "dist" / "app" / "app"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("True 200\n", 0), done.stderr
