"""`trudy dial run` in a real terminal: the question, the view, Ctrl-C once and twice."""

from __future__ import annotations

import re
import sys

from tests.cli.dial.conftest import Desk
from tests.cli.tmux import window


def command(desk: Desk, name: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "trudy", "dial", "run", name, *desk.options, *more]


def test_a_yes_starts_it_and_ctrl_c_ends_it_in_order(desk: Desk) -> None:
    # Six real seconds between two calls: enough to press a key, however busy the machine is.
    (desk.folder / "fast.toml").write_text((desk.folder / "fast.toml").read_text().replace("gap = 0.0", "gap = 3600.0"))
    name = desk.leads(*range(3))
    with window(command(desk, name), width=100, height=30) as terminal:
        terminal.wait_for("Go on? [y/N]")
        assert not desk.sandbox.placed_calls
        terminal.press("y", "Enter")
        terminal.wait_for("placed ")
        terminal.press("C-c")
        screen = terminal.wait_for("exit=")
        assert "exit=3" in screen
        assert "paused: interrupted; run the same plan again to go on" in screen
        assert f"trudy dial run {name} --agent {desk.agent}" in screen
        for shown in ("dialed", "answered", "waiting", "rate window", "ends", "spend"):
            assert re.search(rf"(?m)^  {shown} +\S", screen), screen
        assert "5550100" not in screen
    assert len(desk.sandbox.placed_calls) < 3
    with window(command(desk, name, "--yes")) as terminal:
        screen = terminal.wait_for("exit=")
        assert "exit=0" in screen
        assert "100 %, 3 of 3 done" in screen
    desk.sandbox.assert_no_number_dialed_twice()
    assert len(desk.sandbox.placed_calls) == 3


def test_the_first_ctrl_c_waits_for_the_wire_and_the_second_does_not_on_a_tiny_screen(desk: Desk) -> None:
    (desk.folder / "fast.toml").write_text("max_live = 1\n" + (desk.folder / "fast.toml").read_text())
    # The second call has no answer.
    desk.sandbox.faults.add(method="POST", path="/calls", nth=2, delay=1e9)
    name = desk.leads(*range(4))
    with window(command(desk, name, "--yes"), width=30, height=7, environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_until(lambda: len(desk.sandbox.placed_calls) >= 2, "second call")
        terminal.wait_for("dialed")
        assert all(len(line) <= 30 for line in terminal.visible())
        terminal.press("C-c")
        terminal.wait_for("Ctrl-C: nothing more is")
        assert "exit=" not in terminal.screen()
        terminal.resize(90, 30)
        terminal.wait_for("Ctrl-C once more ends at once.")
        assert not re.search(r"\x1b\[(3|4|9)[0-7]", terminal.screen(with_colours=True))
        terminal.press("C-c")
        screen = terminal.wait_for("exit=")
        assert "exit=3" in screen
        assert "To go on:" in screen
    assert len(desk.sandbox.placed_calls) == 2
