"""The text of an argument as the value of the method."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from trudy.cli.failures import CommandError
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, Kind
from trudy.cli.operations.arguments import arguments_of
from trudy.cli.operations.values import Reader
from trudy.cli.shell import Shell, Terminal
from trudy.models import HttpTool, ToolParameter

NOW = 1_780_000_000.0
SHELL = Shell(terminal=Terminal(out=io.StringIO(), err=io.StringIO(), input=io.StringIO("from outside")))


def value(kind: Kind, text: object, **more: object) -> object:
    """What an argument of this kind gives for what stands in the command line."""
    argument = evolve(ApiArgument(name="what", kind=kind), **more)
    operation = ApiCommand(name="things.do", summary="", endpoint="", result="one", model="Call", arguments=(argument,))
    return arguments_of(operation, {"what": text}, SHELL)["what"]


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("text", "plain", "plain"),
        ("text", "@plain", "@plain"),
        ("prose", "plain", "plain"),
        ("prose", "@@plain", "@plain"),
        ("prose", "@-", "from outside"),
        ("whole", 3, 3),
        ("flag", False, False),
        ("seconds", "1h30m", 5400.0),
        ("seconds", "2.5", 2.5),
        ("duration", "10m", "600s"),
        ("duration", "0.4s", "0.4s"),
        ("texts", ["a,b", "c"], ["a,b", "c"]),
        ("ids", ["a,b", "c"], ["a", "b", "c"]),
        ("wholes", ["1,2", "3"], [1, 2, 3]),
        ("path", "a/b.wav", Path("a/b.wav")),
        ("paths", ["a", "b"], [Path("a"), Path("b")]),
        ("json", "[1, null]", [1, None]),
        ("mapping", ["a=1", "b:=1", '{"c": true}', "url=x=y"], {"a": "1", "b": 1, "c": True, "url": "x=y"}),
        ("objects", ['{"a": 1}', '[{"b": 2}]', '{"c": 3}\n{"d": 4}\n'], [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]),
        ("contacts", '[{"phone_number": "+1"}]', [{"phone_number": "+1"}]),
    ],
)
def test_each_kind(kind: Kind, text: object, found: object) -> None:
    SHELL.terminal.input.seek(0)
    assert value(kind, text) == found


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("seconds", "soon"),
        ("seconds", "-5"),
        ("duration", "5 m"),
        ("duration", "١s"),
        ("instant", "tomorrow"),
        ("instant", "2026-13-01"),
        ("wholes", ["1,x"]),
        ("json", "{"),
        ("mapping", ["=1"]),
        ("mapping", ["name"]),
        ("mapping", ["a:={"]),
        ("mapping", ["[1]"]),
        ("objects", ["1"]),
        ("objects", ["[1]"]),
        ("contacts", "name,age\nSam,3\n"),
        ("secret", "hunter2"),
        ("secret", "-"),
        ("secret", "env:TRUDY_NO_SUCH_VARIABLE"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_option(kind: Kind, text: object) -> None:
    with pytest.raises(CommandError) as caught:
        value(kind, text)
    assert caught.value.failure.what.startswith("--what")
    assert caught.value.failure.code == 1
    assert "hunter2" not in str(caught.value.failure)


def test_a_file_may_hold_it(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("\ufeffBe kind.\nBe brief.\n", encoding="utf-8")
    (tmp_path / "key").write_text("hunter2\n")
    (tmp_path / "vars.json").write_text('{"name": "Sam"}')
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert value("prose", f"@{tmp_path}/prompt.txt") == "Be kind.\nBe brief.\n"
    assert value("secret", f"@{tmp_path}/key") == "hunter2"
    assert value("mapping", [f"@{tmp_path}/vars.json", "age:=3"]) == {"name": "Sam", "age": 3}
    with pytest.raises(CommandError, match="no text in UTF-8"):
        value("prose", f"@{tmp_path}/binary")
    with pytest.raises(FileNotFoundError):
        value("prose", f"@{tmp_path}/gone")


def test_a_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARRIER_TOKEN", "hunter2")
    assert value("secret", "env:CARRIER_TOKEN") == "hunter2"


def test_people_of_a_csv_file(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("Phone,First Name,City\n+14155550100,Sam,Oslo\n+14155550101,,\n")
    assert value("contacts", f"@{tmp_path}/people.csv") == [
        {"phone_number": "+14155550100", "first_name": "Sam", "custom_fields": {"City": "Oslo"}},
        {"phone_number": "+14155550101"},
    ]


SETTINGS = (
    ApiArgument(name="recording_enabled", kind="flag"),
    ApiArgument(name="max_duration", kind="duration"),
    ApiArgument(name="note", kind="json"),
)


def settings(given: Mapping[str, object]) -> object:
    argument = ApiArgument(name="call_settings", kind="object", model="CallSettings", members=SETTINGS)
    operation = ApiCommand(name="things.do", summary="", endpoint="", result="one", model="Call", arguments=(argument,))
    return arguments_of(operation, given, SHELL).get("call_settings")


def test_an_object_whole_by_its_members_or_both() -> None:
    assert settings({}) is None
    assert settings({"call_settings": '{"greeting": "Hi"}'}) == {"greeting": "Hi"}
    assert settings({"call_settings__recording_enabled": False}) == {"recording_enabled": False}
    assert settings(
        {"call_settings": '{"greeting": "Hi", "max_duration": "1s"}', "call_settings__max_duration": "5m"}
    ) == {
        "greeting": "Hi",
        "max_duration": "300s",
    }
    with pytest.raises(CommandError, match=r"--call-settings\.max-duration"):
        settings({"call_settings__max_duration": "soon"})
    with pytest.raises(CommandError, match=r"--call-settings\.note"):
        settings({"call_settings__note": "{"})
    with pytest.raises(CommandError, match="must be a JSON object"):
        settings({"call_settings": "[]"})


def tool(given: Mapping[str, object]) -> object:
    members = tuple(
        ApiArgument(name=name, kind=kind)
        for name, kind in (("url", "text"), ("method", "text"), ("parameters", "json"))
    )  # type: ignore[arg-type]
    argument = ApiArgument(name="definition", kind="object", model="HttpTool", members=members)
    operation = ApiCommand(
        name="tools.create", summary="", endpoint="", result="one", model="Tool", arguments=(argument,)
    )
    return arguments_of(operation, given, SHELL)["definition"]


def test_the_definition_of_a_tool_by_its_members() -> None:
    given = {"definition__url": "https://a.example", "definition__parameters": '[{"name": "city"}]'}
    assert tool(given) == HttpTool(url="https://a.example", parameters=[ToolParameter(name="city")])
    assert tool({"definition": '{"type": "http"}'}) == {"type": "http"}
    for bad in (
        {**given, "definition": "{}"},
        {"definition__method": "GET"},
        {"definition__url": "https://a.example", "definition__parameters": "{}"},
        {"definition__url": "https://a.example", "definition__parameters": '[{"nom": "city"}]'},
        {"definition__url": "https://a.example", "definition__parameters": "[1]"},
    ):
        with pytest.raises(CommandError, match="--definition"):
            tool(bad)


def test_clear_sets_to_null_what_can_be_null() -> None:
    arguments = (
        ApiArgument(name="greeting", kind="prose", is_nullable=True),
        ApiArgument(name="time_exceeded_message", kind="prose", is_nullable=True),
        ApiArgument(name="model", kind="text"),
    )
    operation = ApiCommand(name="things.do", summary="", endpoint="", result="one", model="", arguments=arguments)
    found = arguments_of(operation, {"clear": ["greeting", "time-exceeded-message"]}, SHELL)
    assert found == {"greeting": None, "time_exceeded_message": None}
    with pytest.raises(CommandError, match="model cannot be cleared"):
        arguments_of(operation, {"clear": ["model"]}, SHELL)
    with pytest.raises(CommandError, match="both given"):
        arguments_of(operation, {"clear": ["greeting"], "greeting": "Hi"}, SHELL)


def test_a_reader_keeps_what_no_rule_changes() -> None:
    reader = Reader(shell=SHELL, now=NOW)
    assert reader.text(ApiArgument(name="x", kind="text"), "1e3", "--x") == "1e3"
