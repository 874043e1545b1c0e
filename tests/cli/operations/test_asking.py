"""Every operation from a command line: what rings, buys or deletes waits for a yes, and a dry run sends nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.operations.test_effects import ASKED
from tests.cli.operations.test_tables import OPERATIONS
from tests.cli.running import trudy
from trudy.cli.operations.api_command import ApiArgument, ApiCommand, Kind
from trudy.sandbox import Sandbox

VALUES: dict[str, str] = {
    "phone_number": "+14155550100",
    "contacts": '[{"phone_number": "+14155550100"}]',
    "urls": "https://example.com/",
    "definition": '{"modelToolName": "x"}',
    "knowledge_bases.sources.add_document file": "prices.md",
    "contacts.import_file file": "people.csv",
    "files": "voice.wav",
    "provider_type": "twilio",
    "http_method": "GET",
}
BY_KIND: dict[Kind, str] = {
    "whole": "1",
    "number": "1",
    "seconds": "1s",
    "duration": "1s",
    "instant": "2026-06-01T12:00Z",
    "wholes": "1",
    "secret": "env:CARRIER_TOKEN",
    "mapping": "name=Sam",
    "json": "{}",
    "object": "{}",
    "objects": "{}",
}
MORE = {
    "batch_calls.update": ["--scheduled-at", "2026-06-01T12:00Z"],
    "calls.find": ["--phone-number", "+14155550100"],
    "tools.create": ["--name", "x"],
}
"""What an operation wants of which no argument is required by itself."""
NO_REQUEST_OF_THEIR_OWN = {"calls.create_and_wait": "POST /calls", "calls.watch": "GET /calls/{call_id}"}
"""Helpers that begin with the request of another operation."""


def command_line(operation: ApiCommand) -> list[str]:
    """The words of an operation with what it requires, and no more."""
    words = [part.strip("_").replace("_", "-") for part in operation.name.split(".")]
    for argument in operation.arguments:
        if argument.is_required:
            words += (
                [value_of(operation, argument)]
                if argument.is_positional
                else [f"--{argument.option}", value_of(operation, argument)]
            )
    return [*words, *MORE.get(operation.name, ())]


def value_of(operation: ApiCommand, argument: ApiArgument) -> str:
    usual = (argument.words or (BY_KIND.get(argument.kind, "x1"),))[0]
    return VALUES.get(f"{operation.name} {argument.name}", VALUES.get(argument.name, usual))


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A command line for each operation."""
    monkeypatch.setenv("CARRIER_TOKEN", "hunter2")
    monkeypatch.chdir(tmp_path)
    for name in ("prices.md", "people.csv", "voice.wav"):
        (tmp_path / name).write_text("phone_number\n+14155550100\n")
    return {name: command_line(operation) for name, operation in OPERATIONS.items()}


def test_no_dry_run_of_any_operation_sends_a_request(sandbox: Sandbox, lines: dict[str, list[str]]) -> None:
    for name, line in lines.items():
        ran = trudy(*line, "--dry-run")
        assert (name, ran.code, ran.err) == (name, 0, "dry run: nothing was sent\n")
        shown = json.loads(ran.out)
        verb, path = (OPERATIONS[name].endpoint or NO_REQUEST_OF_THEIR_OWN[name]).split(" ")
        assert shown["method"] == verb
        assert re.search(re.sub(r"\{\w+\}", "[^/]+", path) + r"(\?|$)", shown["url"])
        assert "hunter2" not in ran.out
    assert sandbox.requests == []


def test_what_rings_buys_or_deletes_sends_nothing_before_a_yes(sandbox: Sandbox, lines: dict[str, list[str]]) -> None:
    for name in ASKED:
        for answer in (None, "yesterday\n"):
            ran = trudy(*lines[name], answer=answer)
            assert (name, ran.code, ran.out) == (name, 1, "")
            assert "not confirmed" in ran.err
    assert sandbox.requests == []
    for name in ASKED:
        trudy(*lines[name], "--yes")
        assert sandbox.requests, name
        sandbox.requests.clear()
