"""What the whole demo shows, and the report that it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import trudy
from trudy.cli.demo.showing import NUMBER


def test_an_agent_a_call_a_campaign_and_its_report_in_eighty_columns(tmp_path: Path) -> None:
    done = trudy("demo", "--report", str(tmp_path / "report.html"), terminal=True)
    assert done.code == 0
    assert "trudy dial --help" in done.err
    assert all(len(line) <= 80 for line in done.err.splitlines())
    shown = done.out
    lines = shown.splitlines()
    assert lines[-1] == f"The report: {tmp_path / 'report.html'}"
    assert [line for line in lines[:-1] if len(line) > 80] == []
    for line in (
        "A call to +1646***0100",
        "     0 s  queued",
        "    41 s  completed",
        "  contact  Yes, please. Goodbye.",
        "The result: done, 198 done, 2 rejected",
        "  198 calls to 168 numbers; 30 busy ones were tried a second time",
    ):
        assert line in lines, shown
    assert NUMBER not in shown
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.startswith("<!doctype html>")
    assert "198" in report
    assert "<script" not in report


@pytest.mark.parametrize("name", ["not-there/report.html", "."])
def test_a_report_that_cannot_be_written_is_told_before_the_demo(name: str, tmp_path: Path) -> None:
    done = trudy("demo", "--report", str(tmp_path / name))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: the report cannot be written to ")


def test_without_its_extras_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trudy.cli.demo.command.find_spec", lambda name: None if name == "jinja2" else name)
    done = trudy("demo")
    assert done.code == 2
    assert "not installed: jinja2" in done.err
    assert "pip install 'trudy-python-sdk[cli,dialer,report,sandbox]'" in done.err
