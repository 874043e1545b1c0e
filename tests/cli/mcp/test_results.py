"""What an agent sees of an answer."""

from __future__ import annotations

import pytest

from trudy.cli.mcp.results import shown

ID = "3f2b8c1e-0000-4000-8000-123456789012"


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ({"phone_number": "+14155550100"}, {"phone_number": "+1415***0100"}),
        ({"to": 14155550100}, {"to": "1415***0100"}),
        ({"custom_fields": {"mobile": "(415) 555-0100"}}, {"custom_fields": {"mobile": "(415***0100"}}),
        ({"turns": [{"text": "call +1 415 555 0100"}]}, {"turns": [{"text": "call +1415***0100"}]}),
        ({"customer_id": "+14155550100"}, {"customer_id": "+1415***0100"}),
    ],
)
def test_numbers_are_masked_unless_asked_for(value: dict[str, object], masked: dict[str, object]) -> None:
    assert shown(value, show_numbers=False) == masked
    assert shown(value, show_numbers=True) == value


@pytest.mark.parametrize(
    "value",
    [
        {"id": ID, "agent_id": "agt_0123456789012345", "ids": ["call_12345678901234"]},
        {"created_at": "2026-11-30T22:41:02.141366Z", "duration_seconds": 36, "timestamp_ms": 1764542462141},
        {"status": "completed", "is_success": True, "cost_usd": 0.25, "items": []},
        {"credential_id": "cred_1", "max_tokens": 512, "number_of_calls": 12},
    ],
)
def test_what_an_agent_works_with_stays(value: dict[str, object]) -> None:
    assert shown(value, show_numbers=False) == value


@pytest.mark.parametrize("show_numbers", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        {"api_key": "SECRET"},
        {"definition": {"http": {"headers": {"X-Key": "SECRET"}}}},
        {"definition": {"http": {"auth_headers": ["SECRET"]}}},
        {"headers": [{"name": "Accept", "value": "SECRET"}]},
        {"parameters": [{"name": "Authorization", "value": "SECRET"}]},
        {"parameters": [{"key": "access_token", "value": {"literal": "SECRET"}}]},
        {"webhook_secret": "SECRET", "password": "SECRET", "cookie": "SECRET"},
        {"auth": {"pin": 12345}},
        {"text": "the key is truedy_SECRET, the other Bearer SECRET"},
        {"recording_url": "https://media.example.test/a.mp3?signature=SECRET&x=1"},
        {"url": "https://user:SECRET@tools.example.test/hook"},
    ],
)
def test_secrets_are_never_shown(value: dict[str, object], show_numbers: bool) -> None:
    found = str(shown(value, show_numbers=show_numbers))
    assert "SECRET" not in found
    assert "12345" not in found
    assert "***" in found or "//tools.example.test/hook" in found


def test_null_is_left_out_at_any_depth() -> None:
    assert shown({"a": None, "b": [{"c": None, "d": 0}]}, show_numbers=False) == {"b": [{"d": 0}]}
