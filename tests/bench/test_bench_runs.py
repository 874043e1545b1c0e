"""The benchmarks still run. What they measure is nobody's business here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.report import Table, Target

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.bench", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", BENCHMARKS)
def test_it_runs_and_prints_a_table(name: str) -> None:
    done = run("--quick", name)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "trudy-python-sdk" in done.stdout.splitlines()[1]
    assert "\n---" in done.stdout
    assert "target" in done.stdout or "not installed" in done.stdout


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert "there are get, sync, import, decode, limiter, pages" in done.stderr


def test_a_table_lines_up_and_says_which_target_is_missed() -> None:
    table = Table(
        title="T",
        columns=["client", "us"],
        rows=[["a", "1"], ["longer", "100"]],
        targets=[Target(what="a / b", value=1.5, limit=1.0), Target(what="c", value=1.0, limit=1.0, unit="MB")],
    )
    assert str(table).splitlines()[2:] == [
        "client   us",
        "------  ---",
        "a         1",
        "longer  100",
        "* a / b: 1.50 x, target 1.00 x: MISSED",
        "* c: 1.00 MB, target 1.00 MB: met",
    ]
