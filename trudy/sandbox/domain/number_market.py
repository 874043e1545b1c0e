"""The phone numbers for sale: 100 fictional ones in each of a few places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from trudy.sandbox.domain.outcome_by_number import outcome_of

PLACES: Mapping[str, tuple[str, str]] = {
    "212": ("New York", "NY"),
    "303": ("Denver", "CO"),
    "305": ("Miami", "FL"),
    "312": ("Chicago", "IL"),
    "404": ("Atlanta", "GA"),
    "415": ("San Francisco", "CA"),
    "512": ("Austin", "TX"),
    "617": ("Boston", "MA"),
}
"""Locality and administrative area of each area code on sale."""

_LONDON = "20"
_MONTHLY_USD = 1.15


@frozen(kw_only=True)
class Offer:
    """A number for sale."""

    phone_number: str = field(repr=False)
    country_code: str
    area_code: str
    locality: str
    administrative_area: str

    def present(self) -> dict[str, Any]:
        """The documented form."""
        return {
            "phone_number": self.phone_number,
            "phone_number_type": "local",
            "range": None,
            "region_information": [
                {"region_type": "country_code", "region_name": self.country_code},
                {"region_type": "locality", "region_name": self.locality},
                {"region_type": "administrative_area", "region_name": self.administrative_area},
            ],
            "features": [{"name": "voice"}],
            "cost_information": {"currency": "USD", "monthly_cost": _MONTHLY_USD, "upfront_cost": 0.0},
        }


def offers(wanted: Mapping[str, Any]) -> Iterator[Offer]:
    """The numbers a search finds, in a fixed order. A member that is absent or null does not narrow the search."""
    kind = (wanted.get("phone_number_type") or "local").replace("-", "_")
    country = wanted.get("country_code", "US").upper()
    if kind != "local":
        return
    for offer in _all(country):
        if all(
            wanted.get(name) is None or wanted[name].casefold() == getattr(offer, name).casefold()
            for name in ("area_code", "locality", "administrative_area")
        ):
            yield offer


def is_on_sale(number: str) -> bool:
    """Whether that number is for sale, unless the account has it already."""
    if outcome_of(number) is None:
        return False
    return number.startswith("+44") or number[2:5] in PLACES


def _all(country: str) -> Iterator[Offer]:
    if country == "US":
        for area_code, (locality, area) in PLACES.items():
            for line in range(100, 200):
                number = f"+1{area_code}555{line:04d}"
                yield Offer(
                    phone_number=number,
                    country_code="US",
                    area_code=area_code,
                    locality=locality,
                    administrative_area=area,
                )
    elif country == "GB":
        for line in range(1000):
            yield Offer(
                phone_number=f"+442079460{line:03d}",
                country_code="GB",
                area_code=_LONDON,
                locality="London",
                administrative_area="England",
            )
