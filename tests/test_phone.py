"""Numbers as people write them become E.164."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy import ConfigurationError, InvalidArgumentError
from trudy._checks import e164
from trudy.phone import to_e164


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(415) 555-0123", "US", "+14155550123"),
        ("415.555.0123", "US", "+14155550123"),
        ("1-415-555-0123", "US", "+14155550123"),
        ("+1 415 555 0123", None, "+14155550123"),
        ("+1 415 555 0123", "GB", "+14155550123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("00 44 20 7946 0123", "DE", "+442079460123"),
        ("030 123456", "DE", "+4930123456"),
        ("tel:+14155550123", None, "+14155550123"),
    ],
)
def test_spellings(number: str, region: str | None, expected: str) -> None:
    assert to_e164(number, region=region) == expected
    e164(expected, "number")


@pytest.mark.parametrize(
    ("number", "region", "why"),
    [
        ("(415) 555-0123", None, "pass region="),
        ("hello", "US", "is no phone number"),
        ("", "US", "is no phone number"),
        ("12", "US", "too short or too long"),
        ("+1 415 555 0123 44", None, "too short or too long"),
        ("+1 415 555 0123 ext. 7", None, "extension"),
        ("(415) 555-0123", "us", "region must be"),
        ("(415) 555-0123", "USA", "region must be"),
        (4155550123, "US", "read the column as text"),
        (4155550123.0, "US", "read the column as text"),
        ("4.15555E+09", "US", "read the column as text"),
        ("4155550123.0", "US", "read the column as text"),
        (float("nan"), "US", "the cell is empty"),
        (None, "US", "must be text"),
    ],
)
def test_what_is_none(number: Any, region: str | None, why: str) -> None:
    with pytest.raises(InvalidArgumentError, match=why) as caught:
        to_e164(number, region=region)
    assert caught.value.argument in ("number", "region")
    assert "0123" not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from([None, "US", "DE", "IN"]))
def test_any_text_is_e164_or_a_clear_error(number: str, region: str | None) -> None:
    try:
        made = to_e164(number, region=region)
    except InvalidArgumentError:
        return
    e164(made, "number")
    assert to_e164(made) == made


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ConfigurationError, match=r"trudy-python-sdk\[phone\]"):
        to_e164("+14155550123")
