from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox.domain import values
from trudy.sandbox.http.problems import Problem


@pytest.mark.parametrize(
    "text", ["2025-06-15T15:07:00Z", "2025-06-15T15:07:00", "2025-06-15T17:07:00+02:00", "2025-06-15T15:07:00.000000"]
)
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert values.moment(text) == 1_750_000_020


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("0.5s", 0.5), ("86400s", 86_400)])
def test_durations(text: str, seconds: float) -> None:
    values.check_durations({"x": text, "y": None}, "x", "y", "z")
    assert values.seconds(text) == seconds


@pytest.mark.parametrize("text", ["30", "s", "-1s", "30S", "1e3s", "30s ", "\u0661s", ""])
def test_texts_that_are_no_duration(text: str) -> None:
    with pytest.raises(Problem) as caught:
        values.check_durations({"x": text}, "x", prefix="call_settings.")
    assert (caught.value.status, caught.value.details["field"]) == (422, "call_settings.x")
    with pytest.raises(ValueError, match="duration"):
        values.seconds(text)


@pytest.mark.parametrize("text", ["86400.1s", "9" * 400 + "s"])
def test_a_duration_is_a_day_at_most(text: str) -> None:
    with pytest.raises(Problem, match="day at most"):
        values.check_durations({"x": text}, "x")


def test_base64() -> None:
    assert values.decoded("aGk=", "data") == b"hi"
    faulty: list[Any] = ["a", "aGk", "a Gk=", "\u00e4\u00e4\u00e4\u00e4"]
    for text in faulty:
        with pytest.raises(Problem) as caught:
            values.decoded(text, "data")
        assert caught.value.details == {"field": "data", "reason": "must be base64"}
