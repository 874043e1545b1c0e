"""`trudy call`: asks, places one call, follows it; `trudy calls transcript`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest

from tests.cli.running import trudy
from tests.cli.tmux import window
from trudy.cli.calls.watching import transcript_lines
from trudy.cli.exit_codes import ExitCode
from trudy.models import Transcript, TranscriptTurn
from trudy.sandbox import Sandbox

NUMBER = "+12125550100"


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, str]]:
    """A sandbox whose calls take a moment, and an agent."""
    sandbox = Sandbox(seed=1, speed=300)
    with sandbox.serve() as server, server.client() as client:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        yield sandbox, agent.id


def test_it_asks_before_a_phone_rings(sandbox: Sandbox, agent: str) -> None:
    for answer in (None, "n\n", "\n"):
        refused = trudy("call", NUMBER, "--agent", agent, answer=answer)
        assert refused.code == ExitCode.USAGE
        assert f"A phone rings: agent {agent} calls {NUMBER}." in refused.err
    assert not sandbox.placed_calls
    placed = trudy("call", NUMBER, "--agent", agent, "--variable", "name=Ada", answer="y\n")
    assert placed.code == 0
    (call,) = sandbox.placed_calls
    assert json.loads(placed.out)["id"] == call.id
    assert call.variables["name"] == "Ada"


def test_a_dry_run_prints_the_request(sandbox: Sandbox, agent: str) -> None:
    shown = trudy("call", NUMBER, "--agent", agent, "--dry-run")
    assert shown.code == 0
    request = json.loads(shown.out)
    assert (request["method"], request["body"]["phone_number"]) == ("POST", NUMBER)
    assert not sandbox.placed_calls


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("4155550123",), "phone_number must be in E.164"),
        ((NUMBER, "--variable", "name"), "--variable must be as in --variable name=Ada"),
        ((NUMBER, "--from", "12"), "from_number must be in E.164"),
        ((NUMBER, "--max-wait", "0"), "max-wait"),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    sandbox: Sandbox, agent: str, arguments: tuple[str, ...], said: str
) -> None:
    refused = trudy("call", *arguments, "--agent", agent, "--yes")
    assert refused.code == ExitCode.USAGE
    assert said in refused.err
    assert not sandbox.placed_calls


def test_watched_it_tells_the_status_and_then_what_was_said(fast: tuple[Sandbox, str]) -> None:
    _, agent = fast
    shown = trudy("call", NUMBER, "--agent", agent, "--watch", "--yes", terminal=True)
    assert shown.code == 0, shown.err
    words = [line[10:] for line in shown.lines if line[2:3] == ":"]
    assert words[-1].startswith("completed after 24 s")
    said = [line for line in shown.lines if line[2:3] != ":"]
    assert said[0] == ""
    assert len(said) > 1
    assert all(line.startswith(("agent", "contact", "     ")) for line in said[1:])
    assert "Ctrl-C stops watching, not the call" in shown.err


def test_watched_off_a_terminal_it_tells_json_lines(fast: tuple[Sandbox, str]) -> None:
    sandbox, agent = fast
    lines = [json.loads(line) for line in trudy("call", NUMBER, "--agent", agent, "--watch", "--yes").lines]
    kinds = [each["event"] for each in lines]
    assert kinds == sorted(kinds, key=["status", "turn", "result"].index)
    assert lines[-1]["call"]["id"] == sandbox.placed_calls[0].id
    assert [each["status"] for each in lines if each["event"] == "status"][-1] == "completed"
    assert kinds.count("turn") >= 2


def test_a_call_that_nobody_answers_has_no_transcript_to_wait_for(fast: tuple[Sandbox, str]) -> None:
    sandbox, agent = fast
    shown = trudy("call", "+12125550120", "--agent", agent, "--watch", "--yes", terminal=True)
    assert shown.code == 0
    assert shown.lines[-1].endswith("failed: busy")
    assert not [each for each in sandbox.requests if each.path.endswith("/transcript")]


def test_ctrl_c_stops_the_watching_and_not_the_call(fast: tuple[Sandbox, str]) -> None:
    sandbox, agent = fast
    command = [sys.executable, "-m", "trudy", "call", "+12125550180", "--agent", agent, "--watch"]
    with window(command) as terminal:
        terminal.wait_for("Go on? [y/N]")
        terminal.press("y", "Enter")
        terminal.wait_for("in progress")
        terminal.press("C-c")
        screen = terminal.wait_for("exit=")
    (call,) = sandbox.placed_calls
    assert "no longer watching; the call goes on." in screen
    assert f"\n  trudy calls get {call.id}\n" in screen
    assert "stopped; what was sent" not in screen
    assert "exit=130" in screen
    assert "Traceback" not in screen


def test_ctrl_c_before_the_answer_says_that_it_may_ring(sandbox: Sandbox, agent: str) -> None:
    sandbox.fail_next(method="POST", path="/calls", delay=1e6)
    with window([sys.executable, "-m", "trudy", "call", NUMBER, "--agent", agent, "--yes"]) as terminal:
        terminal.wait_until(lambda: bool(sandbox.placed_calls), "call")
        terminal.press("C-c")
        screen = terminal.wait_for("exit=")
    assert "the call may have been placed" in screen
    assert "exit=11" in screen


def test_a_transcript_is_lines_on_a_terminal_and_json_elsewhere(sandbox: Sandbox, agent: str) -> None:
    with sandbox.client() as client:
        call = client.calls.create(agent_id=agent, phone_number=NUMBER)
    early = trudy("calls", "transcript", call.id)
    assert early.code == ExitCode.NOT_FOUND
    sandbox.advance(minutes=5)
    found = json.loads(trudy("calls", "transcript", call.id).out)
    assert (found["call_id"], found["transcript"][0]["speaker"]) == (call.id, "agent")
    shown = trudy("calls", "transcript", call.id, "--wait", terminal=True, width=40)
    assert shown.lines[0].startswith("agent     ")
    assert all(len(line) <= 40 for line in shown.lines)


def test_a_long_turn_is_wrapped_below_its_speaker_and_cannot_forge_a_line() -> None:
    turns = (
        TranscriptTurn(speaker="contact", text="one two three four five six seven"),
        TranscriptTurn(text="\x1b[31mred\nagent: yes"),
    )
    lines = transcript_lines(Transcript(turns=turns), 30)
    assert lines[:2] == ["contact   one two three four", "          five six seven"]
    assert "".join(lines[2:]).replace(" ", "") == "\\x1b[31mred\\nagent:yes"
    assert transcript_lines(Transcript(turns=turns), 30, first=2) == []
