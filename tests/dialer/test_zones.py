"""Zones of numbers and of regions."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from trudy.dialer.zones import _PARTS, region_named, zone_named, zones_in, zones_of


def test_the_union_over_an_area_code() -> None:
    assert zones_of(1, "2125550100") == ("America/New_York",)
    assert zones_of(1, "8505550100") == ("America/Chicago", "America/New_York"), "Florida's panhandle"
    assert zones_of(1, "8005550100") == ()


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [
        ("FL", "US", "US-FL"),
        ("fl", "US", "US-FL"),
        (" Florida ", "US", "US-FL"),
        ("US-FL", "CA", "US-FL"),
        ("us-fl", None, "US-FL"),
        ("ON", "CA", "CA-ON"),
        ("Scotland", "GB", "GB-SCT"),
        ("FL", None, None),
        ("FL", "CA", None),
        ("West", "US", None),
        ("US-ZZ", "US", None),
        ("ZZ-ZZ", "US", None),
        ("", "US", None),
        ("-", "US", None),
    ],
)
def test_regions_by_code_or_name(text: str, country: str | None, region: str | None) -> None:
    assert region_named(text, country) == region


def test_the_zones_of_a_region() -> None:
    assert zones_in("US-NY") == ("America/New_York",)
    assert zones_in("US-TX") == ("America/Chicago", "America/Denver")
    assert zones_in("US-ID") == ("America/Boise", "America/Los_Angeles")
    assert zones_in("AU-QLD") == ("Australia/Brisbane",)
    assert zones_in("GB-SCT") == ()
    assert zones_in("US-ZZ") == ()


def test_every_state_has_a_zone_and_every_zone_exists() -> None:
    states = {part for parts in _PARTS["US"].values() for part in parts.split()}
    assert len(states) == 50 + 6, "with DC and five territories"
    assert len({part for parts in _PARTS["CA"].values() for part in parts.split()}) == 13
    for zones in _PARTS.values():
        for zone in zones:
            assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize("text", ["", "Mars/Base", "../etc/passwd", "EST5EDT7", "\0", "America/New_York/x"])
def test_what_is_no_zone(text: str) -> None:
    assert zone_named(text) is None
