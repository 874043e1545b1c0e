"""Single values: every spelling the server uses is read, and nothing is read as what it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy import _parse as scalars
from trudy._checks import duration_text
from trudy.errors import InvalidArgumentError
from trudy.models._wire import format_time
from trudy.options import NOT_GIVEN

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("value", "finite", "positive"),
    [
        (1, True, True),
        (0.5, True, True),
        (10**400, False, False),
        (0, True, False),
        (-0.0, True, False),
        (-1, True, False),
        (math.inf, False, False),
        (-math.inf, False, False),
        (math.nan, False, False),
        (True, False, False),
        ("5", False, False),
        (None, False, False),
    ],
)
def test_numbers_of_a_caller(value: object, finite: bool, positive: bool) -> None:
    assert (scalars.is_finite(value), scalars.is_positive(value)) == (finite, positive)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (scalars.text, "", ""),
        (scalars.text, "5", "5"),
        (scalars.identifier, "agt_1", "agt_1"),
        (scalars.identifier, 42, "42"),
        (scalars.number, 3, 3),
        (scalars.number, 1.5, 1.5),
        (scalars.number, "12", 12),
        (scalars.number, " -1.50 ", -1.5),
        (scalars.number, "1e3", 1000.0),
        (scalars.number, 10**400, 10**400),
        (scalars.whole, 12.0, 12),
        (scalars.whole, "12", 12),
        (scalars.whole, "12.0", 12),
        (scalars.boolean, True, True),
        (scalars.boolean, "False", False),
        (scalars.boolean, "true", True),
        (scalars.seconds, 30, 30),
        (scalars.seconds, "30", 30),
        (scalars.seconds, "30s", 30),
        (scalars.seconds, "0.5 s", 0.5),
        (scalars.duration, "1h", "1h"),
        (scalars.duration, 1800, "1800s"),
        (scalars.duration, 0.5, "0.5s"),
        (scalars.duration, 1e20, "100000000000000000000s"),
        (scalars.duration, 10**400, f"{10**400}s"),
    ],
)
def test_readings(read: Callable[[object], object], value: object, expected: object) -> None:
    found = read(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (scalars.text, None),
        (scalars.text, 5),
        (scalars.text, True),
        (scalars.identifier, ""),
        (scalars.identifier, "  "),
        (scalars.identifier, None),
        (scalars.identifier, True),
        (scalars.identifier, 1.5),
        (scalars.number, True),
        (scalars.number, None),
        (scalars.number, ""),
        (scalars.number, "nan"),
        (scalars.number, "inf"),
        (scalars.number, "1e999"),
        (scalars.number, "1_000"),
        (scalars.number, "٣"),
        (scalars.number, "9" * 5000),
        (scalars.number, math.nan),
        (scalars.number, math.inf),
        (scalars.whole, 1.5),
        (scalars.whole, True),
        (scalars.boolean, 1),
        (scalars.boolean, 0),
        (scalars.boolean, "yes"),
        (scalars.boolean, None),
        (scalars.seconds, -1),
        (scalars.seconds, "-1s"),
        (scalars.seconds, "1h"),
        (scalars.seconds, True),
        (scalars.duration, None),
        (scalars.duration, True),
    ],
)
def test_refusals(read: Callable[[object], object], value: object) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        read(value)


WHEN = datetime(2026, 3, 18, 10, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-18T10:00:05", WHEN),
        ("2026-03-18T10:00:05Z", WHEN),
        ("2026-03-18T10:00:05z", WHEN),
        ("2026-03-18t10:00:05z", WHEN),
        ("2026-03-18T10:00:05+00:00", WHEN),
        ("2026-03-18 10:00:05+00:00", WHEN),
        ("2026-03-18T12:00:05+02:00", WHEN),
        (" 2026-03-18T10:00:05Z\n", WHEN),
        ("2026-03-18T10:00:05.1", WHEN.replace(microsecond=100_000)),
        ("2026-03-18T10:00:05.12Z", WHEN.replace(microsecond=120_000)),
        ("2026-03-18T10:00:05.123+00:00", WHEN.replace(microsecond=123_000)),
        ("2026-03-18T10:00:05.1234", WHEN.replace(microsecond=123_400)),
        ("2026-03-18T10:00:05.12345Z", WHEN.replace(microsecond=123_450)),
        ("2026-03-18T10:00:05.123456Z", WHEN.replace(microsecond=123_456)),
        ("2026-03-18T10:00:05.123456789Z", WHEN.replace(microsecond=123_456)),
        (1773828005, WHEN),
        (1773828005.0, WHEN),
        (1773828005000, WHEN),
        ("1773828005", WHEN),
        (" 1773828005.5 ", WHEN.replace(microsecond=500_000)),
        ("1773828005000", WHEN),
        ("1812121212000", datetime(2027, 6, 4, 15, 0, 12, tzinfo=UTC)),
        ("20260318", WHEN.replace(hour=0, minute=0, second=0)),
    ],
)
def test_times(value: object, expected: datetime) -> None:
    found = scalars.instant(value)
    assert found == expected
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-01:00",
        0,
        5,
        -1,
        1e30,
        math.nan,
        10**400,
        "5",
        "-1773828005",
        "1" * 400,
        "1773828005 s",
    ],
)
def test_what_is_no_time(value: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        scalars.instant(value)


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["Z", "+00:00", ""]), st.sampled_from(["T", " "]))
def test_any_time_in_any_spelling(when: datetime, zone: str, separator: str) -> None:
    assert scalars.instant(when.replace(tzinfo=None).isoformat(separator) + zone) == when
    assert scalars.instant(format_time(when)) == when


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_offsets_become_utc(local: datetime, minutes: int) -> None:
    when = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    found = scalars.instant(when.isoformat())
    assert found == when
    assert found.tzinfo is UTC


@given(JSON_VALUES)
@pytest.mark.parametrize(
    "read",
    [
        scalars.text,
        scalars.identifier,
        scalars.number,
        scalars.whole,
        scalars.boolean,
        scalars.instant,
        scalars.seconds,
        scalars.duration,
    ],
)
def test_any_json_is_read_or_refused(read: Callable[[object], object], value: object) -> None:
    try:
        found = read(value)
    except ValueError as fault:
        assert str(fault).startswith("is ")  # noqa: PT017
    else:
        assert found is not None


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_as_text_are_the_same_numbers(value: float) -> None:
    assert scalars.number(str(value)) == value


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(InvalidArgumentError, match="time zone"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("30s", "30s"),
        (30, "30s"),
        (1.5, "1.5s"),
        (0, "0s"),
        (timedelta(hours=1), "3600s"),
        (timedelta(milliseconds=400), "0.4s"),
        (None, None),
        (NOT_GIVEN, NOT_GIVEN),
    ],
)
def test_durations_as_callers_give_them(value: str | float | timedelta | None, expected: object) -> None:
    assert duration_text(value) == expected


@pytest.mark.parametrize("value", [True, -1, math.nan, math.inf, timedelta(seconds=-1)])
def test_durations_that_make_no_sense(value: float | timedelta) -> None:
    with pytest.raises(InvalidArgumentError):
        duration_text(value)
