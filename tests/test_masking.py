from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy._masking import mask_phone, mask_text


@pytest.mark.parametrize(
    ("number", "masked"),
    [("+14155550123", "+1415***0123"), ("(415) 555-0123", "41555***0123"), ("12", "***"), ("", "***")],
)
def test_a_number(number: str, masked: str) -> None:
    assert mask_phone(number) == masked


@pytest.mark.parametrize(
    "text",
    [
        "GET /agents/7d0c2b1e-0000-4000-8000-000000000001",
        "at 2027-01-15T12:00:00.123456Z",
        "2027-01-15 12:00",
        "2027-01-15T08:01:17.050000+00:00",
        "2027-01-15T08:01:17.050000",
        "on 2027-01-15.",
        "limit 100, wait 60.5 s",
        "00000000-0000-0000-0000-000000000001",
    ],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "secret", ["truedy_abcdEFGH1234", "whsec_abcdef123456", "Bearer abc.def", "eyJhbGciOiJIUzI1NiJ9.e30.x"]
)
def test_secrets_vanish(secret: str) -> None:
    masked = mask_text(f"sent {secret} there")
    assert secret.split()[-1] not in masked
    assert masked.endswith(" there")


@given(st.from_regex(r"\+[1-9][0-9]{9,14}", fullmatch=True), st.text(alphabet=" ,.:;\"'()[]{}=/", max_size=5))
def test_no_number_survives_whole(number: str, around: str) -> None:
    assert number not in mask_text(f"{around} {number} {around}")
