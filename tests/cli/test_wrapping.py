"""Lines for a terminal: broken between words, but for what people copy."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trudy.cli.wrapping import wrapped_advice, wrapped_facts, wrapped_lines

COMMAND = "trudy dial run people.csv --agent 6bfabd07-dfa5-4ad0-b19c-75c005a4d3da --confirm 99646998a4be"


def test_a_command_stays_whole_in_a_line_of_its_own() -> None:
    assert wrapped_lines(f"To go on, and to call those that are left:\n  {COMMAND}", 30).splitlines() == [
        "To go on, and to call those",
        "that are left:",
        f"  {COMMAND}",
    ]
    assert wrapped_advice(f"Read it, then: {COMMAND}", 80) == f"  Read it, then:\n    {COMMAND}"
    assert wrapped_advice("Run it again: trudy doctor", 80) == "  Run it again: trudy doctor"
    assert wrapped_advice("Look whether the id is right", 22) == "  Look whether the id\n  is right"


def test_a_value_is_wrapped_below_itself() -> None:
    plan = "campaign c1, plan p1\n  rows         3\n  hours        2 in America/Chicago, America/New_York: open Tue"
    assert wrapped_facts(plan, 50).splitlines() == [
        "campaign c1, plan p1",
        "  rows         3",
        "  hours        2 in America/Chicago,",
        "               America/New_York: open Tue",
    ]
    opens = "  hours        2 in America/Chicago, America/New_York: open Tue 2026-12-01 16:00 UTC"
    assert wrapped_facts(opens, 80).splitlines() == [
        "  hours        2 in America/Chicago, America/New_York:",
        "               open Tue 2026-12-01 16:00 UTC",
    ]
    assert wrapped_facts("  row 2 of campaign c1: suppressed (on the list)", 40).splitlines() == [
        "  row 2 of campaign c1: suppressed (on",
        "    the list)",
    ]


@given(st.lists(st.text("ab:", min_size=1, max_size=9), max_size=20), st.integers(30, 100))
def test_no_word_is_lost_and_no_line_too_long(words: list[str], width: int) -> None:
    text = " ".join(words)
    for shown in (wrapped_lines(text, width), wrapped_facts(f"  label   {text}", width), wrapped_advice(text, width)):
        assert shown.split()[-len(words) :] == words or not words
        assert all(len(line) <= width for line in shown.splitlines())
