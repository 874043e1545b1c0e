from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox.domain.number_market import PLACES, is_on_sale, offers
from trudy.sandbox.domain.outcome_by_number import outcome_of


def numbers(**wanted: Any) -> list[str]:
    return [offer.phone_number for offer in offers(wanted)]


def test_all_numbers_for_sale_are_fictional() -> None:
    found = numbers() + numbers(country_code="GB")
    assert len(found) == len(set(found)) == 100 * len(PLACES) + 1000
    assert all(outcome_of(number) is not None and is_on_sale(number) for number in found)


@pytest.mark.parametrize(
    ("wanted", "count", "prefix"),
    [
        ({"area_code": "415"}, 100, "+1415555"),
        ({"locality": "new york"}, 100, "+1212555"),
        ({"administrative_area": "ny", "area_code": None}, 100, "+1212555"),
        ({"country_code": "us", "phone_number_type": "local", "area_code": "303"}, 100, "+1303555"),
        ({"country_code": "GB", "locality": "London"}, 1000, "+442079460"),
        ({"area_code": "999"}, 0, ""),
        ({"country_code": "FR"}, 0, ""),
        ({"phone_number_type": "toll-free"}, 0, ""),
        ({"area_code": "415", "locality": "Boston"}, 0, ""),
    ],
)
def test_searches(wanted: dict[str, Any], count: int, prefix: str) -> None:
    found = numbers(**wanted)
    assert len(found) == count
    assert all(number.startswith(prefix) for number in found)


@pytest.mark.parametrize("number", ["+14155550200", "+16285550100", "+1234567890", "+4915112345678"])
def test_other_numbers_are_not_on_sale(number: str) -> None:
    assert not is_on_sale(number)
