from __future__ import annotations

import pytest

from trudy._fictional_numbers import fictional_ending, is_geographic


@pytest.mark.parametrize(
    ("number", "last_two"),
    [("+14155550100", 0), ("+12125550199", 99), ("+442079460007", 7), ("+442079460999", 99)],
)
def test_numbers_kept_for_fiction(number: str, last_two: int) -> None:
    assert fictional_ending(number) == last_two


@pytest.mark.parametrize(
    "number",
    ["+18005550100", "+18885550123", "+19005550100", "+14155550200", "+14155550٠٠", "+442079461000", "4155550100", ""],
)
def test_numbers_that_may_be_somebodys(number: str) -> None:
    assert fictional_ending(number) is None


def test_area_codes_of_places_and_others() -> None:
    assert all(map(is_geographic, ["201", "212", "250", "415", "501", "628", "701", "808", "907", "989"]))
    assert not any(
        map(is_geographic, ["011", "115", "211", "293", "500", "522", "600", "700", "710", "888", "900", "911"])
    )
