"""The README's first command, as it stands there, in a checkout where nothing was ever installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import README, ROOT, blocks_of

pytestmark = [pytest.mark.installs, pytest.mark.timeout(300)]


def test_set_up_and_run_the_main_job(tmp_path: Path) -> None:
    block = next(block for block in blocks_of(README) if block.language == "sh")
    assert block.output is not None
    assert "call completed" in block.output
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("trudy", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    # `python3` is the Python that runs this test, and nothing of its environment shines through.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", block.source],  # noqa: S607  # whichever bash there is
        cwd=tmp_path,
        env={**kept, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"\n{block.output}")
