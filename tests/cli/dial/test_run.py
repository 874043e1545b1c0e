"""`trudy dial run`: the yes to a plan, what is shown, and the exit code."""

from __future__ import annotations

import io
import json
import re

import anyio
import pytest

from tests.cli.dial.conftest import FAST, Desk, events_of
from tests.cli.running import trudy
from trudy.cli.app import run
from trudy.cli.exit_codes import ExitCode
from trudy.cli.shell import Shell, Terminal
from trudy.dialer.sql_store import SqlStore


def test_off_a_terminal_it_tells_each_thing_as_a_json_line(desk: Desk) -> None:
    done = desk.of_a_file("run", desk.leads(0, 1, 10, 20), "--yes")
    assert done.code == 0, done.err
    events = events_of(done)
    kinds = [each["event"] for each in events]
    assert (kinds[0], kinds[-1]) == ("planned", "result")
    assert (kinds.count("placed"), kinds.count("ended")) == (4, 4)
    ended = {each["number"]: each["detail"] for each in events if each["event"] == "ended"}
    assert ended == {
        "+1212***0100": "answered",
        "+1213***0101": "answered",
        "+1214***0110": "no_answer",
        "+1215***0120": "busy",
    }
    last = [each for each in events if each["event"] == "progress"][-1]
    assert (last["dialed"], last["live"], last["answered"], last["waiting"]) == (4, 0, 2, 0)
    assert last["rate_window"]["used"] >= 0
    assert last["spent"] == pytest.approx(0.2)
    assert (events[-1]["state"], events[-1]["rows"], events[-1]["exit_code"]) == ("done", {"done": 4}, 0)
    assert "55501" not in done.out + done.err
    assert desk.sandbox.api_key not in done.out + done.err
    desk.sandbox.assert_no_number_dialed_twice()


def test_show_numbers_shows_them(desk: Desk) -> None:
    done = desk.of_a_file("run", desk.leads(0), "--yes", "--show-numbers")
    assert {each["number"] for each in events_of(done) if "number" in each} == {"+12125550100"}


def test_run_again_it_goes_on_and_calls_nobody_twice(desk: Desk) -> None:
    name = desk.leads(*range(4))
    first = desk.of_a_file("run", name, "--yes", "--canary", "2")
    assert first.code == ExitCode.PAUSED
    assert "paused: the canary was called" in first.err
    assert f"trudy dial run {name} --agent {desk.agent}" in first.err
    assert len(desk.sandbox.placed_calls) == 2
    again = desk.of_a_file("run", name, "--yes")
    assert again.code == 0
    assert [each["answered"] for each in events_of(again) if each["event"] == "progress"][-1] == 4
    assert desk.of_a_file("run", name, "--yes").code == 0
    desk.sandbox.assert_no_number_dialed_twice()
    assert len(desk.sandbox.placed_calls) == 4


def test_it_asks_after_the_summary(desk: Desk) -> None:
    name = desk.leads(0)
    for answer in ("n\n", "", "whatever\n"):
        refused = desk.of_a_file("run", name, answer=answer)
        assert refused.code == ExitCode.USAGE
        assert "  to call      1" in refused.err.splitlines()
        assert "Calls 1 people" in refused.err
        assert not desk.sandbox.placed_calls
    assert desk.of_a_file("run", name, answer="y\n").code == 0
    assert len(desk.sandbox.placed_calls) == 1


def test_with_nobody_to_ask_it_wants_the_hash(desk: Desk) -> None:
    name = desk.leads(0)
    refused = desk.of_a_file("run", name)
    assert refused.code == ExitCode.USAGE
    assert "nobody can be asked" in refused.err
    word = re.search(r"--confirm ([0-9a-f]{12})\b", refused.err)
    assert word is not None
    assert not desk.sandbox.placed_calls
    done = desk.of_a_file("run", name, "--confirm", word[1])
    assert done.code == 0
    assert len(desk.sandbox.placed_calls) == 1


def test_another_plan_is_not_confirmed(desk: Desk) -> None:
    name = desk.leads(0)
    word = str(json.loads(desk.of_a_file("plan", name).out)["hash"])

    def refuses(confirm: str) -> None:
        refused = desk.of_a_file("run", name, "--confirm", confirm)
        assert refused.code == ExitCode.USAGE
        assert "is not the hash of this plan" in refused.err
        assert not desk.sandbox.placed_calls

    for other in (word[:11], "", "0" * 64):
        refuses(other)
    desk.leads(0, 1)
    refuses(word)
    desk.leads(0)
    (desk.folder / "fast.toml").write_text("max_live = 1\n[hours]\nanytime = true\n")
    refuses(word)


def test_a_dry_run_shows_the_summary_and_calls_nobody(desk: Desk) -> None:
    done = desk.of_a_file("run", desk.leads(0), "--dry-run")
    assert done.code == 0
    assert "  to call      1" in done.err.splitlines()
    assert "nobody was called" in done.err
    assert json.loads(done.out)["to_call"] == 1
    assert not desk.sandbox.placed_calls


def test_the_breaker_has_its_own_exit_code(desk: Desk) -> None:
    (desk.folder / "fast.toml").write_text(
        "max_live = 1\n[hours]\nanytime = true\n[retry]\nfailed = false\n[breaker]\nfailed_share = 0.5\nof_last = 2\n"
    )
    done = desk.of_a_file("run", desk.leads(50, 51, 52), "--yes")
    assert done.code == ExitCode.BREAKER, done.err
    events = events_of(done)
    assert [each["detail"] for each in events if each["event"] == "breaker"] == ["2 of the last 2 attempts failed"]
    assert events[-1]["exit_code"] == 4
    assert "row" not in next(each for each in events if each["event"] == "breaker")


def test_a_refused_key_pauses(desk: Desk) -> None:
    desk.sandbox.payment_required = "insufficient_credits"
    done = desk.of_a_file("run", desk.leads(0), "--yes")
    assert done.code == ExitCode.PAUSED
    assert "402" in done.err


def test_a_held_row_is_told_and_has_its_exit_code(desk: Desk) -> None:
    (desk.folder / "fast.toml").write_text("unresolved_after = 1\n[hours]\nanytime = true\n")
    # The call is never placed, and its answer is lost.
    desk.sandbox.faults.add(method="POST", path="/calls", reset="before", times=1)
    desk.sandbox.faults.add(method="POST", path="/calls", nth=1, status=500)
    done = desk.of_a_file("run", desk.leads(0), "--yes")
    events = events_of(done)
    assert events[-1]["rows"] == {"unresolved": 1}, done.out
    assert done.code == ExitCode.PAUSED
    assert "rows held: 1;" in done.err
    assert "trudy dial resolve" in done.err


def test_hours_that_the_real_api_refuses_are_said_to_be_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trudy._checks.is_truedys_own", lambda base_url: True)
    refused = desk.of_a_file("run", desk.leads(0), "--yes")
    assert refused.code == ExitCode.USAGE
    assert "i_know_the_law = true" in refused.err


def test_on_a_terminal_the_last_view_stays(desk: Desk) -> None:
    done = desk.of_a_file("run", desk.leads(0, 48), "--yes", terminal=True)
    assert done.code == 0, done.err
    last = done.out[done.out.rindex("campaign ") :]
    for shown in ("done", "100 %, 2 of 2 done", "dialed       1", "answered     1", "waiting      0", "spend"):
        assert shown in last, done.out
    assert "rate window" in last
    assert "refused" in done.out
    assert "5550100" not in done.out


def test_a_store_from_which_another_process_dials_has_its_own_exit_code(desk: Desk) -> None:
    name = desk.leads(0)
    assert desk.of_a_file("plan", name).code == 0
    held = SqlStore("dial.db", clock=desk.sandbox.clock)

    async def hold() -> None:
        await held.open()
        await held.lock("another process")

    anyio.run(hold)
    try:
        refused = desk.of_a_file("run", name, "--yes")
    finally:
        anyio.run(held.close)
    assert refused.code == ExitCode.STORE_BUSY
    assert "another process" in refused.err
    assert not desk.sandbox.placed_calls


class CutOff(io.StringIO):
    """An output whose reader goes away after some lines, as `head` does."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._left = lines

    def write(self, text: str) -> int:
        if not self._left:
            raise BrokenPipeError
        self._left -= 1
        return super().write(text)


@pytest.mark.parametrize("lines", [0, 3, 6])
def test_a_reader_who_goes_away_ends_it_as_ctrl_c_does(desk: Desk, lines: int) -> None:
    leads = desk.leads(*range(8))
    (desk.folder / "fast.toml").write_text(FAST.replace("gap = 0.0", "gap = 5.0"))
    terminal = Terminal(out=CutOff(lines), err=io.StringIO(), input=io.StringIO())
    code = run(["dial", "run", leads, *desk.options, "--yes"], Shell(terminal=terminal))
    assert code == ExitCode.PIPE_CLOSED
    (status,) = events_of(trudy("dial", "status"))
    state, reason = ("paused", "interrupted; run the same plan again to go on") if lines else ("planned", None)
    assert (status["state"], status["reason"]) == (state, reason)
    assert status["waiting"] > 0
    if lines:
        assert "Nobody reads the output any more" in terminal.err.getvalue()  # type: ignore[attr-defined]
