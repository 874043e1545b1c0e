"""What `python -m trudy.dialer demo --workers 3` shows, and that nothing of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from trudy.dialer.__main__ import main
from trudy.dialer.fleet import demo as fleet_demo
from trudy.dialer.throwaway_postgres import MISSING


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo has its files; PostgreSQL's user may enter it too."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_three_workers_dial_one_is_killed_and_the_report_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    report = folder / "report.html"
    assert main(["demo", "--workers", "3", "--report", str(report)]) == 0
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert [line for line in lines if len(line) > 80 and str(folder) not in line] == []
    assert "  rows         200" in lines
    assert re.search(r"kill -9 of worker \d;", shown)
    assert re.search(r"The result: done, \d+ done", shown), shown
    assert_adds_up(shown)
    assert len(re.findall(r"worker \d: +[1-9]\d* calls", shown)) >= 2, shown
    assert "  no attempt was placed twice, no number called during another call to it" in lines
    assert "<html" in report.read_text()
    assert [path.name for path in folder.iterdir()] == ["report.html"]


def assert_adds_up(shown: str) -> None:
    """Each of 200 rows was called, refused, or is held."""
    found = [
        re.search(pattern, shown) for pattern in (r"calls to (\d+) numbers", r"(\d+) rows without a call: refused")
    ]
    counts = [int(each[1]) for each in found if each is not None]
    assert len(counts) == 2, shown
    held = sum(int(count) for count in re.findall(r"(\d+) held", shown))
    assert sum(counts) <= 200 <= sum(counts) + held, "a held one may have been called all the same"


@pytest.mark.parametrize("report", ["", "nowhere/report.html"])
def test_a_report_that_cannot_be_written_is_told_before_anything(
    report: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--workers", "2", "--report", str(folder / report)]) == 1
    assert capsys.readouterr().out == f"{folder / report} cannot be written: say --report FILE\n"


def test_a_library_that_lacks_is_told_before_anything(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fleet_demo, "find_spec", lambda name: None if name == "jinja2" else object())
    assert main(["demo", "--workers", "2", "--report", str(folder / "a.html")]) == 1
    assert "It needs jinja2: pip install" in capsys.readouterr().out


def test_ctrl_c_twice_leaves_nothing(folder: Path) -> None:
    command = [sys.executable, "-m", "trudy.dialer", "demo", "--workers", "2", "--report", str(folder / "report.html")]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("The run"):
                break
        demo.send_signal(signal.SIGINT)
        demo.send_signal(signal.SIGINT)
        shown = demo.stdout.read()
        assert demo.wait() == 130, shown
    assert "gone" in shown
    assert not list(folder.iterdir())
    assert not [path for path in Path("/proc").glob("[0-9]*/cwd") if _stands_in(path, folder)]


def _stands_in(link: Path, folder: Path) -> bool:
    try:
        return str(link.readlink()).startswith(str(folder))
    except OSError:  # it has ended
        return False


def test_without_postgres_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fleet_demo, "find_binaries", lambda: None)
    assert main(["demo", "--workers", "2"]) == 1
    assert MISSING in capsys.readouterr().out


@pytest.mark.parametrize("workers", ["0", "-1", "two", "17"])
def test_a_number_of_workers_that_cannot_be_is_refused(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--workers", workers])
    assert caught.value.code == 2
    assert "--workers" in capsys.readouterr().err
