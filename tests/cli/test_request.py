"""`trudy request`: any endpoint."""

from __future__ import annotations

import json

import pytest

from tests.cli.running import trudy
from trudy.sandbox import Sandbox


def test_a_list_is_json_lines_off_a_terminal(sandbox: Sandbox) -> None:
    ran = trudy("request", "get", "/voices")
    assert ran.code == 0
    assert [json.loads(line)["id"] for line in ran.lines] == [voice.id for voice in sandbox.voices]


def test_ids_alone(sandbox: Sandbox) -> None:
    assert trudy("request", "GET", "/voices", "-q").lines == [voice.id for voice in sandbox.voices]


def test_a_table_on_a_terminal(sandbox: Sandbox) -> None:
    ran = trudy("request", "GET", "/voices", "--columns", "id,name", terminal=True)
    assert ran.lines[0].split() == ["id", "name"]
    assert ran.lines[1].split()[0] == sandbox.voices[0].id


@pytest.mark.usefixtures("sandbox")
def test_what_changes_something_asks_first() -> None:
    body = json.dumps({"name": "Friends"})
    refused = trudy("request", "POST", "/contacts/folders", "--body", body)
    assert (refused.code, refused.out) == (1, "")
    assert "POST /contacts/folders" in refused.err
    assert "--yes" in refused.err
    declined = trudy("request", "POST", "/contacts/folders", "--body", body, answer="n\n")
    assert declined.code == 1
    assert trudy("request", "GET", "/contacts/folders").out == ""
    assert trudy("request", "POST", "/contacts/folders", "--body", body, answer="y\n").code == 0
    assert json.loads(trudy("request", "GET", "/contacts/folders").out)["name"] == "Friends"


def test_a_dry_run_shows_the_request_and_sends_nothing(sandbox: Sandbox) -> None:
    ran = trudy("request", "POST", "/contacts/folders", "--body", '{"name": "Friends"}', "--dry-run")
    assert ran.code == 0
    shown = json.loads(ran.out)
    assert (shown["method"], shown["body"]) == ("POST", {"name": "Friends"})
    assert shown["url"].endswith("/contacts/folders")
    assert sandbox.api_key not in ran.out + ran.err
    assert trudy("request", "GET", "/contacts/folders").out == ""


@pytest.mark.usefixtures("sandbox")
def test_an_error_is_two_lines_with_the_request_id() -> None:
    ran = trudy("request", "GET", "/calls/none")
    assert ran.code == 6
    first, second = ran.err.splitlines()
    assert first.startswith("error: 404 ")
    assert "request id " in first
    assert second.startswith("  ")
