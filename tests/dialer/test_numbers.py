"""Numbers as files have them, what spreadsheets do to them, and where they may lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.dialer.numbers import ReadNumber, Unreadable, read_number
from trudy.dialer.zones import zone_named


@pytest.mark.parametrize(
    ("cell", "region", "e164"),
    [
        ("+1 (415) 555-0100", None, "+14155550100"),
        ("415.555.0100", "US", "+14155550100"),
        ("1-415-555-0100", "US", "+14155550100"),
        ("14155550100", "US", "+14155550100"),
        ("'+14155550100", None, "+14155550100"),
        ("\ufeff+14155550100", None, "+14155550100"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("+44 20 7946 0000", "US", "+442079460000"),
        ("tel:+1-415-555-0100", None, "+14155550100"),
    ],
)
def test_spellings(cell: str, region: str | None, e164: str) -> None:
    read = read_number(cell, region)
    assert isinstance(read, ReadNumber)
    assert read.e164 == e164


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        ("1.41555E+10", "US", "scientific_notation"),
        ("1,41555E+10", "US", "scientific_notation"),
        ("14155550100.0", "US", "decimal"),
        (14155550100, "US", "number_as_int"),
        (14155550100.0, "US", "number_as_float"),
        (float("nan"), "US", "empty"),
        (None, "US", "empty"),
        ("  ", "US", "empty"),
        ("442079460000", "US", "lost_plus"),
        ("33 6 12 34 56 78", "US", "lost_plus"),
        ("5551234567", "US", "invalid"),
        ("4155550100", None, "no_country"),
        ("911", "US", "emergency"),
        ("555 0100", "US", "invalid"),
        ("415 555 0100 x12", "US", "extension"),
        ("none", "US", "no_number"),
        (b"+14155550100", "US", "no_text"),
        (True, "US", "number_as_bool"),
    ],
)
def test_damage_is_named(cell: object, region: str | None, reason: str) -> None:
    read = read_number(cell, region)
    assert isinstance(read, Unreadable)
    assert read.reason == reason
    assert read.hint


@pytest.mark.parametrize(
    ("number", "country", "kind", "zones"),
    [
        ("+14155550100", "US", "fixed_line_or_mobile", ("America/Los_Angeles",)),
        ("+12085550100", "US", "fixed_line_or_mobile", ("America/Boise", "America/Denver", "America/Los_Angeles")),
        ("+18005550100", "US", "toll_free", ()),
        ("+442079460000", "GB", "fixed_line", ("Europe/London",)),
        ("+4915123456789", "DE", "mobile", ("Europe/Berlin",)),
        ("+61255053123", "AU", "fixed_line", ("Australia/Lord_Howe", "Australia/Sydney")),
    ],
)
def test_what_a_number_is(number: str, country: str, kind: str, zones: tuple[str, ...]) -> None:
    read = read_number(number, None)
    assert isinstance(read, ReadNumber)
    assert (read.country, read.kind, read.zones) == (country, kind, zones)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.binary(max_size=5), st.sampled_from(["US", "GB", None]))
def test_anything_is_read_or_refused(cell: object, region: str | None) -> None:
    read = read_number(cell, region)
    if isinstance(read, ReadNumber):
        assert read_number(read.e164, None) == read
        assert read.e164 not in repr(read)


@pytest.mark.parametrize(
    ("text", "zone"),
    [("America/New_York", "America/New_York"), (" Europe/Berlin ", "Europe/Berlin"), ("Mars/Base", None), ("", None),
     ("../../etc/passwd", None), ("EST5EDT,M3", None), ("EST", None), ("mst", None), ("UTC", "UTC")],
)  # fmt: skip
def test_zones_of_a_column(text: str, zone: str | None) -> None:
    assert zone_named(text) == zone


@given(st.integers(2_000_000_000, 9_999_999_999))
def test_the_short_way_of_plain_north_american_numbers_comes_to_the_same(national: int) -> None:
    assert read_number(f"+1{national}", "US") == read_number(f"+1 {national}", "US") == read_number(f"{national}", "US")
