"""Charts of a campaign as SVG: text is text, and colours are classes for the style sheet of the page.

Drawn for a width of 360 pixels, so that text is readable on a phone. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Final

from trudy.dialer.statistics import CampaignStatistics

WIDTH: Final = 340
HEIGHT: Final = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 10, 26
_MOST_HOURS: Final = 72
"""Bars of an hour up to so many; a longer time is shown by days, as narrower bars cannot be told apart."""
_MOST_ZONES: Final = 8
_WIDEST: Final = 40
"""Of a bar: a single one would fill the chart."""
_EDGES: Final = (0, 5, 15, 30, 60, 120, 300, 600, 1800)
OUTCOMES: Final = (
    "answered", "voicemail", "no_answer", "busy", "failed", "opted_out", "unknown", "unresolved", "open",
)  # fmt: skip
Stack = Sequence[tuple[str, int]]
"""Class and height of the parts of a bar, from the ground up."""


def outcomes_over_time(found: CampaignStatistics) -> str:
    """Calls by outcome, a bar an hour or a day."""
    times = list(found.by_time)
    if not times:
        return ""
    step = timedelta(hours=1) if times[-1] - times[0] < timedelta(hours=_MOST_HOURS) else timedelta(days=1)
    parts: dict[datetime, dict[str, int]] = {}
    for time, counts in found.by_time.items():
        start = time if step < timedelta(days=1) else time.replace(hour=0)
        into = parts.setdefault(start, {})
        for outcome, count in counts.items():
            into[outcome] = into.get(outcome, 0) + count
    first = min(parts)
    slots = [first + step * index for index in range(round((max(parts) - first) / step) + 1)]
    shown = "%d %b %H:00" if step < timedelta(days=1) else "%d %b"
    return bars(
        "Calls by outcome over time, in UTC",
        [
            (f"{slot:{shown}}", [(name, parts.get(slot, {}).get(name, 0)) for name in OUTCOMES])
            for slot in slots
        ],
    )  # fmt: skip


def attempts_to_reach(found: CampaignStatistics) -> str:
    """Contacts that were reached, by the attempt that did."""
    return bars(
        "Contacts reached, by attempt",
        [(str(n), [("answered", count)]) for n, count in enumerate(found.reached_at, 1)],
    )


def durations(found: CampaignStatistics) -> str:
    """Connected calls by how long they took."""
    if not found.durations:
        return ""
    ends = [*_EDGES[1:], float("inf")]
    counts = [sum(low <= seconds < high for seconds in found.durations) for low, high in zip(_EDGES, ends, strict=True)]
    return bars(
        "Connected calls, by seconds",
        [(f"{low}+", [("voicemail", count)]) for low, count in zip(_EDGES, counts, strict=True)],
    )


def windows_used(used: Mapping[datetime, int], limit: int | None, what: str) -> str:
    """How many rate windows had so many requests, in ten steps up to the limit or the most there were."""
    if not used:
        return ""
    most = max(limit or 0, *used.values())
    step = max(1, -(-most // 10))
    counts = [0] * (most // step + 1)
    for count in used.values():
        counts[count // step] += 1
    label = f"Rate windows, by {what} in them" + ("" if limit is None else f" (limit {limit})")
    return bars(label, [(f"{index * step}", [("busy", count)]) for index, count in enumerate(counts)])


def hours_and_zones(found: CampaignStatistics) -> str:
    """Calls by local hour, a row a zone; the darker, the more."""
    zones = sorted(found.by_local_hour, key=lambda zone: -sum(found.by_local_hour[zone]))[:_MOST_ZONES]
    if not zones:
        return ""
    most = max(max(found.by_local_hour[zone]) for zone in zones)
    row, cell = 34, (WIDTH - 8) / 24
    height = row * len(zones) + 22
    marks: list[str] = []
    for line, zone in enumerate(zones):
        top = line * row
        name = zone.replace("_", " ") or "unknown zones, in UTC"
        marks.append(f'<text x="4" y="{top + 12}">{escape(name)}: {sum(found.by_local_hour[zone]):,}</text>')
        for hour, count in enumerate(found.by_local_hour[zone]):
            opacity = 0.12 if not count else 0.25 + 0.75 * count / most
            marks.append(
                f'<rect class="bar answered" x="{4 + hour * cell:.1f}" y="{top + 16}" width="{cell - 1:.1f}"'
                f' height="14" fill-opacity="{opacity:.2f}"><title>{hour:02}:00 {count:,}</title></rect>'
            )
    marks += [
        f'<text class="tick" x="{4 + hour * cell:.1f}" y="{height - 6}">{hour:02}:00</text>' for hour in (0, 6, 12, 18)
    ]
    return _svg("Calls by local hour and zone", marks, height)


def bars(label: str, columns: Sequence[tuple[str, Stack]]) -> str:
    """Stacked bars; empty where there is nothing to show."""
    most = max((sum(count for _, count in stack) for _, stack in columns), default=0)
    if not most:
        return ""
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    slot = width / len(columns)
    wide = min(slot * 0.8, _WIDEST)
    marks: list[str] = []
    for share in (0, 0.5, 1):
        y = _TOP + height * (1 - share)
        marks.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if share != 0.5 or most % 2 == 0:
            marks.append(f'<text class="tick end" x="{_LEFT - 4}" y="{y + 4:.1f}">{_short(most * share)}</text>')
    longest = max(len(name) for name, _ in columns)
    every = -(-(longest * 7 + 8) // max(1, int(slot)))
    for index, (name, stack) in enumerate(columns):
        x, ground = _LEFT + index * slot, float(_TOP + height)
        for kind, count in stack:
            tall = height * count / most
            ground -= tall
            if count:
                marks.append(
                    f'<rect class="bar {kind}" x="{x + (slot - wide) / 2:.1f}" y="{ground:.1f}" width="{wide:.1f}"'
                    f' height="{tall:.1f}"><title>{escape(name)} {kind} {count:,}</title></rect>'
                )
        middle = x + slot / 2
        if index % every == 0 and middle + longest * 3.3 <= WIDTH:
            marks.append(
                f'<text class="tick middle" x="{max(middle, longest * 3.3):.1f}" y="{HEIGHT - 8}">{escape(name)}</text>'
            )
    return _svg(label, marks, HEIGHT)


def _svg(label: str, marks: Sequence[str], height: int) -> str:
    inner = "\n".join(marks)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">\n{inner}\n</svg>'


def _short(count: float) -> str:
    return f"{count / 1000:g}k" if count >= 10_000 else f"{count:g}"
