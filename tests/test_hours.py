from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy._hours import WorkingHours

ZONES = ["UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
WEEK = frozenset({1, 2, 3, 4, 5})


def hours(
    zone: str = "UTC", days: frozenset[int] = WEEK, start: str = "09:00", end: str | None = "17:00"
) -> WorkingHours:
    last = None if end is None else time.fromisoformat(end)
    return WorkingHours(zone=ZoneInfo(zone), days=days, start=time.fromisoformat(start), end=last)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2025-06-16T12:00:00", "2025-06-16T12:00:00"),
        ("2025-06-16T09:00:00", "2025-06-16T09:00:00"),
        ("2025-06-16T08:59:59", "2025-06-16T09:00:00"),
        ("2025-06-16T17:00:00", "2025-06-17T09:00:00"),
        ("2025-06-20T17:00:00", "2025-06-23T09:00:00"),
        ("2025-06-21T12:00:00", "2025-06-23T09:00:00"),
    ],
)
def test_days_and_hours(moment: str, opening: str) -> None:
    assert hours().opens(unix(moment)) == unix(opening)


def test_hours_are_told_in_the_zone() -> None:
    assert hours("America/New_York").opens(unix("2025-01-06T12:00:00")) == unix("2025-01-06T14:00:00")
    assert hours("America/New_York").opens(unix("2025-07-07T12:00:00")) == unix("2025-07-07T13:00:00")
    # Monday there, Sunday in UTC.
    assert hours("Asia/Kolkata", start="00:00").opens(unix("2025-06-15T00:00:00")) == unix("2025-06-15T18:30:00")


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2025-06-16T21:00:00", "2025-06-16T22:00:00"),
        ("2025-06-16T23:00:00", "2025-06-16T23:00:00"),
        ("2025-06-17T01:59:59", "2025-06-17T01:59:59"),
        ("2025-06-17T02:00:00", "2025-06-17T22:00:00"),
        # Friday's hours end on Saturday, and Monday's do not begin on Sunday night.
        ("2025-06-21T01:00:00", "2025-06-21T01:00:00"),
        ("2025-06-21T02:00:00", "2025-06-23T22:00:00"),
        ("2025-06-23T01:00:00", "2025-06-23T22:00:00"),
    ],
)
def test_hours_over_midnight_are_those_of_the_day_they_begin_on(moment: str, opening: str) -> None:
    assert hours(start="22:00", end="02:00").opens(unix(moment)) == unix(opening)


@pytest.mark.parametrize(
    ("start", "end", "moment", "opening"),
    [
        # New York, 9 March 2025: from 02:00 to 03:00 at 07:00 UTC.
        ("02:30", "04:00", "2025-03-09T06:00:00", "2025-03-09T07:00:00"),
        ("02:10", "02:50", "2025-03-09T06:00:00", "2025-03-16T06:10:00"),
        ("09:00", "17:00", "2025-03-09T06:00:00", "2025-03-09T13:00:00"),
        # 2 November 2025: from 02:00 back to 01:00 at 06:00 UTC.
        ("01:30", "01:45", "2025-11-02T05:50:00", "2025-11-02T06:30:00"),
        ("00:30", "01:15", "2025-11-02T05:20:00", "2025-11-02T06:00:00"),
        ("09:00", "17:00", "2025-11-02T05:00:00", "2025-11-02T14:00:00"),
    ],
)
def test_when_clocks_change(start: str, end: str, moment: str, opening: str) -> None:
    sundays = hours("America/New_York", frozenset({7}), start, end)
    assert sundays.opens(unix(moment)) == unix(opening)


def test_the_next_day_begins_at_midnight_or_where_midnight_would_be() -> None:
    assert hours("America/New_York").next_day(unix("2025-03-09T06:00:00")) == unix("2025-03-10T04:00:00")
    # Santiago, 7 September 2025: from 00:00 to 01:00 at 04:00 UTC.
    santiago = hours("America/Santiago")
    assert santiago.next_day(unix("2025-09-06T12:00:00")) == unix("2025-09-07T04:00:00")
    assert str(santiago.day_of(unix("2025-09-07T04:00:00"))) == "2025-09-07"


def test_no_days_are_no_hours() -> None:
    with pytest.raises(ValueError, match="days"):
        hours(days=frozenset())


@given(
    zone=st.sampled_from(ZONES),
    days=st.frozensets(st.integers(1, 7), min_size=1),
    bounds=st.lists(st.integers(0, 47), min_size=2, max_size=2, unique=True),
    until_midnight=st.booleans(),
    moment=st.one_of(
        st.integers(int(unix("2025-01-01T00:00:00")), int(unix("2026-01-01T00:00:00"))),
        # Around the days on which these zones change their clocks.
        st.sampled_from(
            ["2025-03-09", "2025-03-30", "2025-04-05", "2025-09-06", "2025-10-04", "2025-10-26", "2025-11-02"]
        )
        .map(lambda day: int(unix(day)))
        .flatmap(lambda day: st.integers(day - 86_400, day + 172_800)),
    ),
)
def test_it_opens_at_the_first_half_hour_that_a_wall_clock_allows(
    zone: str, days: frozenset[int], bounds: list[int], until_midnight: bool, moment: int
) -> None:
    start, end = (time(half // 2, 30 * (half % 2)) for half in bounds)
    last = None if until_midnight else end
    place = ZoneInfo(zone)

    def is_open(instant: float) -> bool:
        wall = datetime.fromtimestamp(instant, place)
        day_before = wall.isoweekday() - 1 or 7
        begun = wall.isoweekday() in days and wall.time() >= start
        if last is None or start < last:
            return begun and (last is None or wall.time() < last)
        return begun or (day_before in days and wall.time() < last)

    opening = WorkingHours(zone=place, days=days, start=start, end=last).opens(moment)
    assert opening >= moment
    assert is_open(opening)
    if opening > moment:
        # All these zones, and all these hours, begin at half hours of UTC.
        steps = range(moment // 1800 * 1800 + 1800, int(opening), 1800)
        assert opening % 1800 == 0
        assert not any(is_open(step) for step in [moment, *steps])
