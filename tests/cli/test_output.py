"""What a person sees on a terminal, and what a program reads elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping

import pytest

from trudy.cli.cells import cell, member
from trudy.cli.failures import CommandError
from trudy.cli.output import show, show_list
from trudy.cli.shell import Shell, Terminal

ROWS: list[Mapping[str, object]] = [
    {"id": "a" * 36, "status": "completed", "name": "Ada", "notes": "x" * 40, "created_at": "2026-06-01T10:00:00Z"},
    {"id": "b" * 36, "status": "failed", "name": "名前", "notes": None, "created_at": None},
]


def shell(*, width: int = 80, terminal: bool = True, encoding: str = "utf-8", **options: object) -> Shell:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Terminal(out=out, err=io.StringIO(), input=io.StringIO(), shows_tables=terminal, width=width)
    return Shell(terminal=console, **options)  # type: ignore[arg-type]


def printed(shell: Shell) -> list[str]:
    shell.terminal.out.seek(0)
    return shell.terminal.out.read().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_table_fits_the_terminal_and_ids_stay_whole(width: int) -> None:
    from rich.cells import cell_len

    here = shell(width=width)
    show_list(here, [ROWS], columns=("id", "status", "name", "notes", "created_at"))
    head, first, second = printed(here)
    assert all(cell_len(line) <= width for line in (head, first, second))
    assert head.split()[0] == "id"
    assert (first.split()[0], second.split()[0]) == ("a" * 36, "b" * 36)


def test_columns_that_are_asked_for_are_narrowed_not_left_out() -> None:
    here = shell(width=60, columns="notes,id,name")
    show_list(here, [ROWS])
    head, first, _ = printed(here)
    assert head.split() == ["notes", "id", "name"]
    assert "a" * 36 in first
    assert "x…" in first


def test_a_column_that_no_row_has_is_misspelt() -> None:
    for terminal in (True, False):
        here = shell(columns="id,stats", terminal=terminal)
        with pytest.raises(CommandError, match="no member stats") as caught:
            show_list(here, [ROWS])
        assert "status" in caught.value.failure.advice
        with pytest.raises(CommandError, match="no member stats"):
            show(here, ROWS[0])
        show_list(here, [[]])


def test_pages_are_shown_as_they_come_below_one_head() -> None:
    here = shell(width=120)
    seen: list[int] = []

    def pages() -> Iterator[list[Mapping[str, object]]]:
        yield ROWS[:1]
        seen.append(len(printed(here)))
        yield ROWS[1:]

    show_list(here, pages(), columns=("id", "status"))
    assert seen == [2]
    assert [line.split()[1] for line in printed(here)] == ["status", "completed", "failed"]


def test_json_lines_are_written_as_pages_come() -> None:
    here = shell(terminal=False)
    seen: list[int] = []

    def pages() -> Iterator[list[Mapping[str, object]]]:
        yield ROWS[:1]
        seen.append(len(printed(here)))
        yield ROWS[1:]

    show_list(here, pages())
    assert seen == [1]
    assert [json.loads(line) for line in printed(here)] == ROWS


def test_no_rows_is_said_to_the_person_only() -> None:
    here = shell()
    show_list(here, [[]])
    assert printed(here) == []
    assert isinstance(here.terminal.err, io.StringIO)
    assert here.terminal.err.getvalue() == "there is none\n"
    pipe = shell(terminal=False)
    show_list(pipe, [[]])
    assert printed(pipe) == []
    assert isinstance(pipe.terminal.err, io.StringIO)
    assert pipe.terminal.err.getvalue() == ""


def test_one_object_is_a_member_a_line_without_the_empty_ones() -> None:
    here = shell(width=40)
    show(here, {"id": "a1", "system_prompt": "Be kind.\nBe brief.", "tools": [], "n": 2.0, "on": False, "gone": None})
    assert printed(here) == [
        "id             a1",
        "system_prompt  Be kind.",
        "               Be brief.",
        "n              2",
        "on             no",
    ]


def test_a_long_member_is_not_broken_so_that_it_can_be_copied() -> None:
    here = shell(width=40)
    show(here, {"url": "https://example.com/" + "x" * 100})
    assert printed(here) == ["url  https://example.com/" + "x" * 100]


def test_prose_is_wrapped_beside_its_name_and_members_of_objects_stand_by_their_paths() -> None:
    here = shell(width=40)
    show(here, {"id": "a1", "summary": "The contact was reached, and said goodbye.", "settings": {"on": True, "x": {}}})
    assert printed(here) == [
        "id           a1",
        "summary      The contact was reached,",
        "             and said goodbye.",
        "settings.on  yes",
    ]


def test_json_is_one_line_for_programs_and_indented_for_eyes() -> None:
    pipe, eyes = shell(terminal=False), shell(json=True)
    show(pipe, {"id": "a1"})
    show(eyes, {"id": "a1"})
    assert printed(pipe) == ['{"id": "a1"}']
    assert printed(eyes) == ["{", '  "id": "a1"', "}"]


def test_json_is_ascii_where_the_output_knows_no_more() -> None:
    narrow, wide = shell(terminal=False, encoding="ascii"), shell(terminal=False)
    show(narrow, {"name": "名前"})
    show(wide, {"name": "名前"})
    assert printed(narrow) == ['{"name": "\\u540d\\u524d"}']
    assert printed(wide) == ['{"name": "名前"}']


def test_ids_alone() -> None:
    for row, found in (
        ({"call_id": "c1", "id": "a1"}, "a1"),
        ({"name": "x", "call_id": "c1"}, "c1"),
        ({"phone_number": "+14155550100"}, "+14155550100"),
    ):
        here = shell(ids_only=True)
        show(here, row)
        assert printed(here) == [found]
    with pytest.raises(CommandError, match="no id"):
        show(shell(ids_only=True), {"name": "x"})


@pytest.mark.parametrize("text", ["\x1b[31mred", "two\nlines", "\x9b2J", "a\u202eb"])
def test_what_a_server_sends_cannot_steer_the_terminal(text: str) -> None:
    assert not set(cell(text)) & set("\x1b\n\x9b\u202e")
    for names in ("id,name", None):
        here = shell(columns=names)
        show_list(here, [[{"id": text, "name": text}]])
        show(here, {text: text, "id": text, "name": text})
        assert not set("".join(printed(here))) & set("\x1b\x9b\u202e")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (24.0, "24"),
        (0.1, "0.1"),
        (0, "0"),
        (["a", 1], "a, 1"),
        ({"a": 1}, '{"a": 1}'),
        ([{"a": 1}], '[{"a": 1}]'),
    ],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_a_member_by_its_path() -> None:
    row = {"call_settings": {"recording_enabled": True}, "id": "a1"}
    assert member(row, "call_settings.recording_enabled") is True
    assert member(row, "id.x") is None
    assert member(row, "gone") is None


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", _Tty())
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Terminal.of_process().has_colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Terminal.of_process().has_colour
    assert Terminal.of_process().shows_tables


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_long_name_leaves_the_other_columns_where_they_are() -> None:
    here = shell(width=80)
    rows = [{**ROWS[0], "name": "Reminders of appointments for dentists in all of Munich and around"}, ROWS[1]]
    show_list(here, [rows], columns=("id", "name", "status"))
    head, first, _ = printed(here)
    assert head.split() == ["id", "name", "status"]
    assert "a" * 36 + "  Reminders of appointments for …" in first
    assert first.endswith("completed")


def test_ids_that_have_no_room_are_cut_so_that_all_else_can_be_read() -> None:
    here = shell(width=63, columns="id,agent_id,status,created_at,phone_number")
    show_list(here, [[{**ROWS[0], "agent_id": "c" * 36, "phone_number": "+14155550100"}]])
    _, first = printed(here)
    assert first.split()[:3] == ["aaaaaaaa…", "cccccccc…", "completed"]
    assert first.split()[-1] == "+14155550100"
    assert first.count("…") == 2


def test_seconds_have_their_unit_where_the_title_does_not_say_it() -> None:
    for names, shown in ((None, ["id duration", "a1 24 s"]), ("id,duration_seconds", ["id duration_seconds", "a1 24"])):
        here = shell(columns=names)
        show_list(here, [[{"id": "a1", "duration_seconds": 24.0}]], columns=("id", "duration_seconds"))
        assert [" ".join(line.split()) for line in printed(here)] == shown


def test_a_list_of_objects_is_an_object_a_line() -> None:
    here = shell(width=60)
    show(here, {"id": "a1", "numbers": [{"id": "n1", "phone_number": "+14155550100"}, {"id": "n2", "label": None}]})
    assert printed(here) == ["id       a1", "numbers  id: n1, phone_number: +14155550100", "         id: n2"]
