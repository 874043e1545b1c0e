"""What events look like on a terminal."""

from __future__ import annotations

import io
import json
import re

import pytest
from attrs import evolve

from trudy.cli.listen.journal import ForwardAttempt, LoggedEvent
from trudy.cli.listen.screen import EventLines, answer_of, moment_text
from trudy.cli.shell import Shell, Terminal
from trudy.webhooks.sample_events import make_body

NOW = 1_780_315_200.0
CALL = "7d0c2b1e-0000-4000-8000-000000000001"


def event(name: str, **options: str) -> LoggedEvent:
    body = json.dumps(make_body(name, **options))  # type: ignore[arg-type]
    return LoggedEvent(id=12, name=name, about=CALL, moment=NOW, source="listen", body=body)


def attempt(status: int | None = None) -> ForwardAttempt:
    fault = "" if status else "ConnectError"
    return ForwardAttempt(url="http://localhost/hooks", at=NOW, status=status, fault=fault, seconds=0.0123)


def shown(width: int = 80, *, colour: bool = False, names_receivers: bool = False) -> list[str]:
    """An event each of some kinds, and some answers."""
    out = io.StringIO()
    terminal = Terminal(out=out, err=out, input=out, shows_tables=True, has_colour=colour, width=width)
    lines = EventLines(Shell(terminal=terminal), names_receivers=names_receivers, now=lambda: NOW)
    lines.event(event("call.ended"))
    lines.event(event("batch.status.changed", status="active"))
    lines.attempt(event("call.ended"), attempt(204), number=1, is_last=True)
    lines.attempt(event("call.ended"), attempt(), number=2, is_last=False)
    lines.attempt(event("call.ended"), attempt(500), number=5, is_last=True)
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("names_receivers", [False, True])
def test_each_is_one_line_that_fits(width: int, names_receivers: bool) -> None:
    lines = shown(width, names_receivers=names_receivers)
    assert len(lines) == 5
    assert max(map(len, lines)) <= width


def test_at_80_columns_a_call_is_told_whole() -> None:
    ended, batch, accepted, failed, given_up = shown()
    assert ended.split()[-5:] == ["evt_12", "call.ended", "hangup", "24s", CALL]
    assert batch.split()[-3:-1] == ["batch.status.changed", "active"]
    assert accepted.endswith("evt_12    -> 204 in 12 ms")
    assert failed.endswith("-> nobody listens  try 2 of 5")
    for fault in ("ReadTimeout", "TimeoutError"):
        assert answer_of(evolve(attempt(), fault=fault)) == "no answer in 12 ms"
    assert given_up.endswith("-> 500 in 12 ms  given up; trudy events resend evt_12")


def test_colours_are_those_of_the_terminals_palette() -> None:
    text = "".join(shown(colour=True))
    assert {*re.findall("\x1b\\[([0-9;]*)m", text)} == {"0", "1", "2", "31", "32"}
    assert "\x1b" not in "".join(shown())


def test_text_of_strangers_cannot_move_the_cursor() -> None:
    out = io.StringIO()
    lines = EventLines(Shell(terminal=Terminal(out=out, err=out, input=out, shows_tables=True, width=200)))
    body = json.dumps(make_body("call.ended", data={"call": {"endReason": "\x1b[2J\u202e"}}))
    lines.event(LoggedEvent(id=1, name="call.ended", about="c\n1", moment=1.0, source="listen", body=body))
    lines.notice("a\nb")
    assert out.getvalue().count("\n") == 2
    assert "\x1b" not in out.getvalue()


def test_a_time_of_another_day_has_its_date() -> None:
    assert re.fullmatch(r"[0-9:]{8}", moment_text(NOW, NOW))
    assert re.fullmatch(r"2026-05-.. ..:..", moment_text(NOW - 2 * 86_400, NOW))
