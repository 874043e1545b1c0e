"""What the whole demo shows, and the report that it leaves."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import trudy
from trudy.cli.demo.first_call import NUMBER


def test_an_agent_a_call_a_campaign_and_its_report_in_eighty_columns(tmp_path: Path) -> None:
    done = trudy("demo", "--report", str(tmp_path / "report.html"), terminal=True)
    assert (done.code, done.err) == (0, "")
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
