from __future__ import annotations

import json
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.redaction import LONGEST_SHOWN, redacted, shown_body, shown_query, shown_text

TOOL: dict[str, Any] = {
    "http": {"baseUrlPattern": "https://ada:hush-1@tools.example/find?key=hush-2#hush-3", "httpMethod": "GET"},
    "staticParameters": [{"name": "X-Key", "location": "PARAMETER_LOCATION_HEADER", "value": "hush-4"}],
    "headers": {"X-Whatever": "hush-5"},
    "authTokens": {"practice": "hush-6"},
    "X-API-Key": "hush-7",
}


def test_keys_that_a_tool_sends_are_not_shown() -> None:
    shown = redacted(TOOL)
    assert "hush" not in json.dumps(shown)
    assert shown["http"] == {"baseUrlPattern": "https://***@tools.example/find?***", "httpMethod": "GET"}
    assert shown["staticParameters"][0]["name"] == "X-Key"
    assert shown["headers"] == {"X-Whatever": "***"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://x.example/a and b", "see https://x.example/a and b"),
        ("https://u:p@ss@x.example", "https://***@x.example"),
        ("(http://x.example/?a=1) 'wss://x/?t=2'", "(http://x.example/?*** 'wss://x/?***'"),
        ("https://x.example/#t=1 +14155550100", "https://x.example/#*** +1415***0100"),
        ("mail me@x.example :// ?a=1", "mail me@x.example :// ?***"),
    ],
)
def test_of_a_link_only_the_place_is_shown(text: str, shown: str) -> None:
    assert shown_text(text) == shown
    assert shown_body(text.encode()) == shown


def test_what_is_no_secret_is_shown() -> None:
    value = {"max_tokens": 100, "token": None, "secret": "", "headers": [1], "staticParameters": ["a"], "name": "b"}
    assert redacted(value) == value


def test_queries() -> None:
    query = b"search=%2B14155550100&api_key=hush&page=2&link=https%3A%2F%2Fu%3Ahush@x%2F&flag"
    assert shown_query(query) == "search=+1415***0100&api_key=***&page=2&link=https://***@x/&flag="


def test_a_long_text_without_links_is_masked_in_little_time() -> None:
    text = ":/" * (LONGEST_SHOWN // 4) + "a" * (LONGEST_SHOWN // 2)
    assert shown_text(text) == text


def test_the_inspector_shows_no_secret_of_a_tool_or_a_receiver(sandbox: Sandbox) -> None:
    from trudy.sandbox.http import snapshot

    sandbox.webhooks.add("http://ada:hush-8@127.0.0.1:9/?hush-9")
    with sandbox.client() as client:
        client.tools.create(name="find", definition=TOOL)
    shown = json.dumps(snapshot.state(sandbox.world, limit=100))
    assert "tools.example" in shown
    assert "127.0.0.1:9" in shown
    assert "hush" not in shown
