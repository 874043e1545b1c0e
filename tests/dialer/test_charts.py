"""The charts as SVG: what they show, to which scale, and that no text leaves them or covers another."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from trudy.dialer import charts
from trudy.dialer.charts import HEIGHT, OUTCOMES, PLAIN, WIDTH, Chart, short, ticks_up_to
from trudy.dialer.statistics import CampaignStatistics, counted

START = datetime(2026, 6, 5, 14, tzinfo=UTC)
NONE = counted([], {})
LETTER = 7.0
"""Width of a letter of 11 pixels, somewhat more than in any usual font."""


def over_time(*hours: Mapping[str, int], every: timedelta = timedelta(hours=1)) -> CampaignStatistics:
    return evolve(NONE, by_time={START + every * index: counts for index, counts in enumerate(hours)})


@frozen
class Bar:
    """A bar as it was drawn."""

    kind: str
    x: float
    y: float
    wide: float
    tall: float
    title: str


def root(chart: Chart) -> ET.Element:
    return ET.fromstring(chart.svg)  # noqa: S314  # our own


def bars(chart: Chart) -> list[Bar]:
    found: list[Bar] = []
    for each in root(chart).iter("rect"):
        x, y, wide, tall = (float(each.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append(Bar(each.attrib["class"].split()[1], x, y, wide, tall, each.findtext("title") or ""))
    return found


def texts(chart: Chart) -> list[tuple[float, float, float, str]]:
    """Left and right end, height and words of each text, if letters are as wide as in a wide font."""
    shares = {"end": 1.0, "middle": 0.5}
    found: list[tuple[float, float, float, str]] = []
    for each in root(chart).iter("text"):
        words = each.text or ""
        wide = len(words) * LETTER
        share = next((shares[name] for name in each.attrib.get("class", "").split() if name in shares), 0.0)
        left = float(each.attrib["x"]) - wide * share
        found.append((left, left + wide, float(each.attrib["y"]), words))
    return found


def check(chart: Chart) -> None:
    """Everything is inside, and no text touches another on its line."""
    for bar in bars(chart):
        assert bar.wide > 0
        assert 0 <= bar.x <= bar.x + bar.wide <= WIDTH + 0.2
        assert 0 <= bar.y <= bar.y + bar.tall <= float(root(chart).attrib["viewBox"].split()[3])
    lines: dict[float, list[tuple[float, float, str]]] = {}
    for left, right, y, words in texts(chart):
        assert left >= -4, words
        assert right <= WIDTH + 4, words
        lines.setdefault(y, []).append((left, right, words))
    for line in lines.values():
        for (_, right, words), (left, _, others) in pairwise(sorted(line)):
            assert left > right - 3, (words, others)


def test_a_chart_of_nothing_is_empty() -> None:
    kinds = [
        charts.outcomes_over_time([NONE]),
        charts.hours_and_zones([NONE]),
        charts.attempts_to_reach([NONE]),
        charts.durations([NONE]),
        charts.windows_used([({}, "calls")], 100),
        charts.windows_used([({}, "calls")], None),
    ]
    assert [chart.svg for kind in kinds for chart in kind] == [""] * 6


def test_parts_stand_on_each_other_in_one_order_and_to_scale() -> None:
    (chart,) = charts.outcomes_over_time([over_time({"busy": 2, "answered": 4}, {"answered": 10})])
    check(chart)
    answered, busy, second = bars(chart)
    assert [bar.kind for bar in (answered, busy, second)] == ["answered", "busy", "answered"]
    assert answered.y == pytest.approx(busy.y + busy.tall, abs=0.2)
    assert answered.tall == pytest.approx(busy.tall * 2, abs=0.2)
    assert second.tall == pytest.approx((answered.tall + busy.tall) * 10 / 6, abs=0.3)
    assert answered.x == busy.x < second.x
    assert answered.title == "5 Jun 14:00: answered 4"


@pytest.mark.parametrize("count", [1, 7, 10, 83, 12_708, 999_999])
def test_a_bar_reaches_up_to_its_count_on_the_scale(count: int) -> None:
    (chart,) = charts.outcomes_over_time([over_time({"answered": count})])
    (bar,) = bars(chart)
    lines = [float(each.attrib["y1"]) for each in root(chart).iter("line")]
    ticks = ticks_up_to(count)
    assert len(lines) == len(ticks)
    ground, top = lines[0], lines[-1]
    assert bar.y + bar.tall == pytest.approx(ground, abs=0.2)
    assert (ground - bar.y) / (ground - top) == pytest.approx(count / ticks[-1], abs=0.005)
    told = [each.text for each in root(chart).iter("text") if each.attrib["class"] == "tick end"]
    assert told == [short(tick) for tick in ticks]


def test_hours_without_a_call_keep_their_place() -> None:
    (chart,) = charts.outcomes_over_time([over_time({"busy": 1}, {}, {}, {"busy": 1}, {"busy": 1})])
    first, second, third = bars(chart)
    assert second.x - first.x == pytest.approx(3 * (third.x - second.x), abs=0.3)


@pytest.mark.parametrize(
    ("days", "each", "count"), [(0, "an hour", 1), (3, "an hour", 3), (4, "a day", 4), (200, "a week", 29)]
)
def test_a_longer_time_has_longer_bars(days: int, each: str, count: int) -> None:
    (chart,) = charts.outcomes_over_time([over_time(*[{"answered": 1}] * max(1, days), every=timedelta(days=1))])
    check(chart)
    assert each in chart.caption
    assert len(bars(chart)) == count


def test_ticks_are_hours_in_a_day_and_days_in_more() -> None:
    (day,) = charts.outcomes_over_time([over_time({"busy": 1}, {"busy": 1})])
    assert [words for *_, words in texts(day) if ":" in words] == ["14:00", "15:00"]
    (days,) = charts.outcomes_over_time([over_time(*[{"busy": 1}] * 40)])
    check(days)
    assert [words for *_, words in texts(days) if "Jun" in words] == ["5 Jun", "6 Jun", "7 Jun"]


def test_two_sides_have_one_scale_and_one_step() -> None:
    few, many = over_time({"answered": 5}), over_time(*[{"answered": 50}] * 5, every=timedelta(days=1))
    left, right = charts.outcomes_over_time([few, many])
    assert left.caption == right.caption
    assert bars(right)[0].tall == pytest.approx(10 * bars(left)[0].tall, rel=0.01)


def test_hours_and_zones() -> None:
    hours = tuple(10 if 10 <= hour < 18 else 0 for hour in range(24))
    zones = {"America/North_Dakota/New_Salem": hours, "": tuple(each // 2 for each in hours)}
    (chart,) = charts.hours_and_zones([evolve(NONE, by_local_hour=zones)])
    check(chart)
    assert len(bars(chart)) == 48
    assert "10 an hour" in chart.caption
    words = [words for *_, words in texts(chart)]
    assert words[:2] == ["America/North Dakota/New Salem: 80", "unknown zones, in UTC: 40"]
    assert words[-4:] == ["00:00", "06:00", "12:00", "18:00"]
    shades = re.findall(r'fill-opacity="([\d.]+)"', chart.svg)
    assert [shades[10], shades[9], shades[24 + 10]] == ["1.00", "0.12", "0.65"]


def test_zones_beyond_the_most_called_are_counted() -> None:
    zones = {f"Zone/{index}": (index, *[0] * 23) for index in range(1, 12)}
    (chart,) = charts.hours_and_zones([evolve(NONE, by_local_hour=zones)])
    check(chart)
    words = [words for *_, words in texts(chart)]
    assert words[0] == "Zone/11: 11"
    assert words[-1] == "and 3 more zones: 6"


def test_names_are_escaped() -> None:
    zones = {"<script>&": (1, *[0] * 23)}
    (chart,) = charts.hours_and_zones([evolve(NONE, by_local_hour=zones)])
    assert "<script>" not in chart.svg
    assert texts(chart)[0][3] == "<script>&: 1"


def test_each_duration_is_in_the_bar_that_begins_at_or_before_it() -> None:
    (chart,) = charts.durations([evolve(NONE, durations=(0.0, 4.9, 5.0, 59.9, 60.0, 1799.0, 1800.0, 9999.0))])
    check(chart)
    told = {bar.title for bar in bars(chart)}
    assert told == {
        "0 to 5 s: 2",
        "5 to 15 s: 1",
        "30 to 60 s: 1",
        "60 to 120 s: 1",
        "600 to 1800 s: 1",
        "1800 s and more: 2",
    }
    assert [words for *_, words in texts(chart) if words[-1] in "sm+"] == [
        "0s", "5s", "15s", "30s", "1m", "2m", "5m", "10m", "30m+",
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [None, 1, 7, 100, 1_000])
def test_windows_by_how_full_they_were(limit: int | None) -> None:
    used = {START + timedelta(minutes=minute): count for minute, count in enumerate((1, 10, 11, 75, 75))}
    (chart,) = charts.windows_used([(used, "requests")], limit)
    check(chart)
    assert ("limit" in chart.caption) is (limit is not None)
    total = 0
    for bar in bars(chart):
        low, high, count = map(int, re.findall(r"\d+", bar.title))
        assert count == sum(low <= each <= high for each in used.values())
        total += count
    assert total == len(used)
    if limit == 100:
        assert [bar.title for bar in bars(chart)] == [
            "1 to 10 requests: 2",
            "11 to 20 requests: 1",
            "71 to 80 requests: 2",
        ]


def test_who_was_reached_by_which_attempt() -> None:
    (chart,) = charts.attempts_to_reach([evolve(NONE, reached_at=(300, 20, 1))])
    check(chart)
    assert [bar.title for bar in bars(chart)] == [
        "attempt 1: answered 300",
        "attempt 2: answered 20",
        "attempt 3: answered 1",
    ]


@given(st.integers(0, 10**9))
def test_a_scale_is_round_and_fits(most: int) -> None:
    ticks = ticks_up_to(most)
    steps = {later - earlier for earlier, later in pairwise(ticks)}
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 6
    assert len(steps) == 1
    (step,) = steps
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert most <= ticks[-1] < most + step or most == 0


@given(st.integers(0, 10**9))
def test_a_tick_is_short_and_true(most: int) -> None:
    for tick in ticks_up_to(most):
        words = short(tick)
        assert len(words) <= 6
        factor = {"k": 1_000, "M": 1_000_000}.get(words[-1], 1)
        assert float(words.rstrip("kM").replace(",", "")) * factor == pytest.approx(tick)


counts = st.dictionaries(st.sampled_from(OUTCOMES), st.integers(0, 10**6), max_size=9)


@given(st.lists(counts, min_size=1, max_size=60), st.sampled_from([timedelta(hours=1), timedelta(days=1)]))
def test_whatever_happened_fits_and_adds_up(made: list[Mapping[str, int]], every: timedelta) -> None:
    (chart,) = charts.outcomes_over_time([over_time(*made, every=every)])
    total = sum(sum(each.values()) for each in made)
    if not total:
        assert chart.svg == ""
        return
    check(chart)
    assert sum(int(bar.title.rsplit(" ", 1)[1].replace(",", "")) for bar in bars(chart)) == total


@given(
    st.lists(st.integers(0, 10**7), min_size=1, max_size=30),
    st.lists(st.floats(0, 10**5), max_size=30),
    st.lists(st.integers(1, 10**4), min_size=1, max_size=30),
    st.none() | st.integers(1, 10**5),
)
def test_any_figures_fit(
    reached: Sequence[int], seconds: Sequence[float], windows: Sequence[int], limit: int | None
) -> None:
    found = evolve(NONE, reached_at=tuple(reached), durations=tuple(sorted(seconds)))
    used = {START + timedelta(minutes=minute): count for minute, count in enumerate(windows)}
    drawn = [
        charts.attempts_to_reach([found]),
        charts.durations([found]),
        charts.windows_used([(used, "calls")], limit),
    ]
    for (chart,) in drawn:
        if chart.svg:
            check(chart)
            assert all(bar.kind in (PLAIN, "answered") for bar in bars(chart))
            assert all(bar.y + bar.tall <= HEIGHT for bar in bars(chart))
