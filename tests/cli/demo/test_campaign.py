"""What `python -m trudy.dialer demo` shows."""

from __future__ import annotations

import pytest

from trudy.dialer.__main__ import main


def test_the_demo_plans_runs_and_reports_in_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    shown = capsys.readouterr().out
    assert [line for line in shown.splitlines() if len(line) > 80] == []
    for line in (
        "  rows         200",
        "  rejected     2 (empty 1, scientific_notation 1)",
        "The result: done, 198 done, 2 rejected",
        "    42  answered",
        "    30  busy         no attempts are left",
        "  198 calls to 168 numbers; 30 busy ones were tried a second time",
        "  no attempt was placed twice, no number called during another call to it",
    ):
        assert line in shown.splitlines(), shown
    assert "+1214***0191" in shown
    assert "+12145550191" not in shown


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dial"])
    assert caught.value.code == 2
    assert "demo" in capsys.readouterr().err
