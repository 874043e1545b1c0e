"""Charts of a campaign as SVG: text is text, and colours are classes for the style sheet of the page.

Each draws the same thing for one campaign or several beside each other, to one scale. Drawn for a width of 360 pixels,
so that text is readable on a phone. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise
from typing import Final, TypeAlias

from attrs import frozen

from trudy.dialer.statistics import CampaignStatistics

WIDTH: Final = 340
HEIGHT: Final = 190
"""In the units of SVG, pixels unless the page is zoomed: wider does not fit a phone, lower leaves no room for ticks."""
_RIGHT, _TOP, _BOTTOM = 8, 10, 24
_LETTER: Final = 6.6
"""Width of a letter of a tick, in the widest of the usual fonts: less lets labels overlap, more leaves some out."""
_STEPS: Final = (
    (timedelta(hours=1), 72, "an hour"),
    (timedelta(days=1), 120, "a day"),
    (timedelta(days=7), 1_000, "a week"),
)
"""What one bar stands for, and how many there may be: with more they cannot be told apart."""
_MOST_ZONES: Final = 8
"""Zones with a bar of their own: more would leave no room for their names."""
_WIDEST: Final = 40
"""Of a bar: a single one would fill the chart."""
_DURATIONS: Final = {0: "0s", 5: "5s", 15: "15s", 30: "30s", 60: "1m", 120: "2m", 300: "5m", 600: "10m", 1800: "30m+"}
"""Where the bars of durations begin, in seconds, and their ticks."""
OUTCOMES: Final = (
    "answered", "voicemail", "no_answer", "busy", "failed", "opted_out", "unknown", "unresolved", "open",
)  # fmt: skip
PLAIN: Final = "plain"
"""The class of bars that stand for no outcome."""
Stack: TypeAlias = Sequence[tuple[str, int]]
"""Class and height of the parts of a bar, from the ground up."""


@frozen(kw_only=True)
class Bar:
    """One bar: what stands under it if there is room, what a pointer is told, and its parts."""

    tick: str
    title: str
    parts: Stack

    @property
    def height(self) -> int:
        """Of all parts."""
        return sum(count for _, count in self.parts)


@frozen(kw_only=True)
class Chart:
    """A chart with its caption; `svg` is empty where there is nothing to show."""

    caption: str
    svg: str


def outcomes_over_time(sides: Sequence[CampaignStatistics]) -> list[Chart]:
    """Calls by outcome, a bar an hour, a day or a week."""
    spans = [max(found.by_time) - min(found.by_time) for found in sides if found.by_time]
    longest = max(spans, default=timedelta())
    step, _, each = next((known for known in _STEPS if longest < known[0] * known[1]), _STEPS[-1])
    return _charts(f"Outcomes over time, calls {each} (UTC)", [_bars_over_time(found, step) for found in sides])


def attempts_to_reach(sides: Sequence[CampaignStatistics]) -> list[Chart]:
    """Contacts that were reached, by the attempt that did."""
    columns = [
        [
            Bar(tick=str(n), title=f"attempt {n}", parts=[("answered", count)])
            for n, count in enumerate(found.reached_at, 1)
        ]
        for found in sides
    ]
    return _charts("Contacts reached, by attempt", columns)


def durations(sides: Sequence[CampaignStatistics]) -> list[Chart]:
    """Connected calls by how long they took."""
    return _charts("Connected calls, by length", [_bars_of_durations(found.durations) for found in sides])


def windows_used(sides: Sequence[tuple[Mapping[datetime, int], str]], limit: int | None) -> list[Chart]:
    """How many rate windows had so many of what a side counts, in ten steps up to the limit or the most there were."""
    most = max([limit or 0, *(count for used, _ in sides for count in used.values())])
    step = max(1, -(-most // 10))
    steps = -(-most // step)
    told = "" if limit is None else f"; the limit is {limit:,} requests"
    drawn = _charts("Rate windows", [_bars_of_windows(used, step, steps, what) for used, what in sides])
    return [
        Chart(caption=f"Rate windows, by {what} in them{told}", svg=chart.svg)
        for (_, what), chart in zip(sides, drawn, strict=True)
    ]


def hours_and_zones(sides: Sequence[CampaignStatistics]) -> list[Chart]:
    """Calls by local hour, a row a zone; the darker, the more."""
    most = max((max(hours) for found in sides for hours in found.by_local_hour.values()), default=0)
    caption = f"Calls by local hour and zone; the darkest are {most:,} an hour"
    return [Chart(caption=caption, svg=_hours_and_zones(found, most)) for found in sides]


def _bars_over_time(found: CampaignStatistics, step: timedelta) -> list[Bar]:
    if not found.by_time:
        return []
    is_hourly, is_short = step < timedelta(days=1), len({time.date() for time in found.by_time}) == 1
    first = min(found.by_time)
    first = first if is_hourly else first.replace(hour=0)
    counts: list[dict[str, int]] = [{} for _ in range((max(found.by_time) - first) // step + 1)]
    for time, outcomes in found.by_time.items():
        into = counts[(time - first) // step]
        for outcome, count in outcomes.items():
            into[outcome] = into.get(outcome, 0) + count
    bars: list[Bar] = []
    for index, outcomes in enumerate(counts):
        at = first + step * index
        day = f"{at.day} {at:%b}"
        is_new_day = not is_hourly or index == 0 or at.hour == 0
        bars.append(
            Bar(
                tick=f"{at:%H:%M}" if is_short and is_hourly else day if is_new_day else "",
                title=f"{day} {at:%H:%M}" if is_hourly else day,
                parts=[(name, outcomes.get(name, 0)) for name in OUTCOMES],
            )
        )
    return bars


def _bars_of_durations(seconds: Sequence[float]) -> list[Bar]:
    edges = [*_DURATIONS, float("inf")]
    return [
        Bar(
            tick=_DURATIONS[int(low)],
            title=f"{low} to {high} s" if high < float("inf") else f"{low} s and more",
            parts=[(PLAIN, sum(low <= each < high for each in seconds))],
        )
        for low, high in pairwise(edges)
    ]


def _bars_of_windows(used: Mapping[datetime, int], step: int, steps: int, what: str) -> list[Bar]:
    counts = [0] * steps
    for count in used.values():
        counts[-(-count // step) - 1] += 1
    return [
        Bar(
            tick=str(high) if step == 1 else f"\N{LESS-THAN OR EQUAL TO}{high}",
            title=f"{high - step + 1} to {high} {what}",
            parts=[(PLAIN, count)],
        )
        for high, count in zip(range(step, step * steps + 1, step), counts, strict=True)
    ]


def _hours_and_zones(found: CampaignStatistics, most: int) -> str:
    if not found.by_local_hour or not most:
        return ""
    zones = sorted(found.by_local_hour, key=lambda zone: (-sum(found.by_local_hour[zone]), zone))
    shown, left_out = zones[:_MOST_ZONES], zones[_MOST_ZONES:]
    row, cell = 34, (WIDTH - 8) / 24
    height = row * len(shown) + 22 + (18 if left_out else 0)
    marks: list[str] = []
    for line, zone in enumerate(shown):
        top = line * row
        name = zone.replace("_", " ") or "unknown zones, in UTC"
        marks.append(f'<text x="4" y="{top + 12}">{escape(name)}: {sum(found.by_local_hour[zone]):,}</text>')
        for hour, count in enumerate(found.by_local_hour[zone]):
            opacity = 0.12 if not count else 0.3 + 0.7 * count / most
            marks.append(
                f'<rect class="bar {PLAIN}" x="{4 + hour * cell:.1f}" y="{top + 16}" width="{cell - 1:.1f}"'
                f' height="14" fill-opacity="{opacity:.2f}"><title>{hour:02}:00 {count:,}</title></rect>'
            )
    under = row * len(shown) + 14
    marks += [
        f'<text class="tick" x="{4 + hour * cell:.1f}" y="{under}">{hour:02}:00</text>' for hour in range(0, 24, 6)
    ]
    if left_out:
        calls = sum(sum(found.by_local_hour[zone]) for zone in left_out)
        marks.append(f'<text class="tick" x="4" y="{under + 18}">and {len(left_out)} more zones: {calls:,}</text>')
    return _svg("Calls by local hour and zone", marks, height)


def _charts(caption: str, sides: Sequence[Sequence[Bar]]) -> list[Chart]:
    """Bars of each side, all to the scale of the highest."""
    most = max((bar.height for bars in sides for bar in bars), default=0)
    return [Chart(caption=caption, svg=_drawn(caption, bars, ticks_up_to(most))) for bars in sides]


def _drawn(label: str, bars: Sequence[Bar], ticks: Sequence[int]) -> str:
    """Stacked bars; empty where there is nothing to show."""
    if not any(bar.height for bar in bars):
        return ""
    left = max(len(short(tick)) for tick in ticks) * _LETTER + 8
    width, height, top = WIDTH - left - _RIGHT, HEIGHT - _TOP - _BOTTOM, ticks[-1]
    slot = width / len(bars)
    wide = min(slot * 0.8, _WIDEST)
    marks: list[str] = []
    for tick in ticks:
        y = _TOP + height * (1 - tick / top)
        marks.append(f'<line class="grid" x1="{left:.1f}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        marks.append(f'<text class="tick end" x="{left - 4:.1f}" y="{y + 4:.1f}">{short(tick)}</text>')
    free_from = 0.0
    for index, bar in enumerate(bars):
        middle, ground = left + (index + 0.5) * slot, float(_TOP + height)
        for kind, count in bar.parts:
            tall = height * count / top
            ground -= tall
            if count:
                marks.append(
                    f'<rect class="bar {kind}" x="{middle - wide / 2:.1f}" y="{ground:.1f}" width="{wide:.1f}"'
                    f' height="{tall:.1f}"><title>{escape(bar.title)}: {told(kind, count)}</title></rect>'
                )
        half = len(bar.tick) * _LETTER / 2
        at = min(max(middle, half), WIDTH - half)
        if bar.tick and at - half >= free_from and abs(at - middle) <= max(slot, half):
            marks.append(f'<text class="tick middle" x="{at:.1f}" y="{HEIGHT - 8}">{escape(bar.tick)}</text>')
            free_from = at + half + _LETTER
    return _svg(label, marks, HEIGHT)


def told(kind: str, count: int) -> str:
    """A count with the name of its outcome, if it is of one."""
    return f"{count:,}" if kind == PLAIN else f"{kind.replace('_', ' ')} {count:,}"


def ticks_up_to(most: int) -> list[int]:
    """From 0 to the most or somewhat above, in at most five round steps."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if most <= step * 5:
                return [step * index for index in range(max(1, -(-most // step)) + 1)]
        size *= 10


def short(count: int) -> str:
    """A count in few letters."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * unit or (count >= unit and letter == "M"):
            return f"{count / unit:,.10g}{letter}"
    return f"{count:,}"


def _svg(label: str, marks: Sequence[str], height: int) -> str:
    inner = "\n".join(marks)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">\n{inner}\n</svg>'
