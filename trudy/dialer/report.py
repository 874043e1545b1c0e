"""A campaign as one HTML file, before, during and after its run: no script, no link elsewhere, numbers masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import frozen

from trudy._masking import mask_phone
from trudy.dialer import charts
from trudy.dialer.audit import reason_told
from trudy.dialer.export import whole_file
from trudy.dialer.statistics import AttemptTally, CampaignStatistics
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.dialer.records import CampaignRecord
    from trudy.dialer.rehearsal import Rehearsal
    from trudy.dialer.store import Store

MOST_HELD: Final = 200
"""Held rows that are listed: more belong into an export, and make the page slow to print."""
MOST_WAITS: Final = 60
"""Waits that are listed: a campaign of months has some each day."""
_LEAST: Final = 0.005
"""A share that would be told as none."""
_NONE: Final = "-"
"""In a cell of what a side does not know."""
Time: TypeAlias = Callable[[datetime | None], str]


async def write_report(
    store: Store, campaign: str, path: Path, *, rehearsal: Rehearsal | None, now: float, limit: int | None
) -> None:
    """Read the campaign and write the page; a file of that name is either whole or the old one."""
    found = await store.campaign(campaign)
    tally = AttemptTally()
    async for attempt in store.export_attempts(campaign):
        tally.add(attempt)
    statistics = tally.of(await store.reasons(campaign), await store.uncalled(campaign))
    held = await store.held(campaign, MOST_HELD)
    moment = datetime.fromtimestamp(now, UTC)
    time = partial(_time, year=moment.year)
    sides = [_Side.of_campaign(found, statistics)]
    if rehearsal is not None:
        sides.append(_Side.of_rehearsal(rehearsal, time))
        limit = limit or rehearsal.limit
    waits = () if rehearsal is None else rehearsal.waits
    text = _page(
        time,
        campaign=found,
        at=_date(moment, " %Y"),
        outcomes=charts.OUTCOMES,
        sides=sides,
        facts=_facts(sides, time),
        charts=_charts(sides, limit),
        waits=waits[:MOST_WAITS],
        waits_in_all=len(waits),
        other_plan="" if rehearsal is None or rehearsal.plan_hash == found.plan_hash else rehearsal.plan_hash[:12],
        kept=_kept(sides),
        held=held,
        held_in_all=max(len(held), _held_in_all(statistics.rows)),
    )
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def _page(time: Time, **values: object) -> str:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError:
        raise ConfigurationError("report() needs Jinja2: pip install 'trudy-python-sdk[report]'") from None
    pages = Environment(
        loader=PackageLoader("trudy.dialer", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"time": time, "reason": reason_told, "masked": _masked}
    return pages.get_template("report.html.j2").render(**values)


@frozen(kw_only=True)
class _Side:
    """What stands in one column: the campaign, or a rehearsal of it. `own` has the facts that the other lacks."""

    name: str
    found: CampaignStatistics
    state: str
    cost: str
    windows: Mapping[datetime, int]
    counted: str
    own: Mapping[str, str]

    @classmethod
    def of_campaign(cls, campaign: CampaignRecord, found: CampaignStatistics) -> _Side:
        own = {"on the line": f"{campaign.live:,}"} if campaign.live else {}
        return cls(
            name="campaign",
            found=found,
            state=campaign.state,
            cost=f"{found.cost:,.2f}",
            windows=found.by_minute,
            counted="calls placed",
            own=own,
        )

    @classmethod
    def of_rehearsal(cls, rehearsal: Rehearsal, time: Time) -> _Side:
        cost = rehearsal.cost
        return cls(
            name="rehearsal",
            found=rehearsal.statistics,
            state=rehearsal.state if rehearsal.reason is None else f"{rehearsal.state}: {rehearsal.reason}",
            cost=_NONE if cost is None else f"{cost[0]:,.2f} to {cost[1]:,.2f}",
            windows=rehearsal.windows,
            counted="requests",
            own={
                "over at": time(rehearsal.ends_at),
                "requests": f"{rehearsal.requests:,}",
                "slowed by": rehearsal.slowed_by,
            },
        )


@frozen(kw_only=True)
class _Fact:
    """A line of the table: its name, a cell a side, and what kind of line it is."""

    name: str
    cells: Sequence[str]
    is_part: bool = False
    """Of the line above."""
    outcome: str = ""
    """Whose colour stands before it."""


def _facts(sides: Sequence[_Side], time: Time) -> list[_Fact]:
    def fact(name: str, cell: Callable[[_Side], str]) -> _Fact:
        return _Fact(name=name, cells=[cell(side) for side in sides])

    states = [_by_state(side.found.rows) for side in sides]
    outcomes = [side.found.outcomes for side in sides]
    return [
        fact("first call", lambda side: time(side.found.first_at)),
        fact("last call", lambda side: time(side.found.last_at)),
        fact("state", lambda side: side.state),
        fact("rows", lambda side: f"{sum(side.found.rows.values()):,}"),
        *(
            _Fact(name=state, cells=[f"{each[state]:,}" for each in states], is_part=True)
            for state in dict.fromkeys(state for each in states for state in each)
        ),
        fact("contacts called", lambda side: f"{side.found.contacts:,}"),
        fact("contacts reached", lambda side: share_told(side.found.reached, side.found.contacts)),
        fact("calls", lambda side: f"{side.found.calls:,}"),
        *(
            _Fact(
                name=outcome.replace("_", " "),
                cells=[share_told(each.get(outcome, 0), sum(each.values())) for each in outcomes],
                is_part=True,
                outcome=outcome,
            )
            for outcome in charts.OUTCOMES
            if any(each.get(outcome) for each in outcomes)
        ),
        fact("median length of connected calls", lambda side: _seconds(side.found.durations)),
        fact("cost", lambda side: side.cost),
        *(
            _Fact(name=name, cells=[side.own.get(name, _NONE) for side in sides])
            for name in dict.fromkeys(name for side in sides for name in side.own)
        ),
    ]


@frozen(kw_only=True)
class _Figure:
    """A chart with its caption, or what is said in its place."""

    caption: str
    svg: str


def _charts(sides: Sequence[_Side], limit: int | None) -> list[_Figure]:
    """The charts of the sides that have calls, those of one kind beside each other."""
    from markupsafe import Markup

    called = [side for side in sides if side.found.calls]
    found = [side.found for side in called]
    kinds = [
        charts.outcomes_over_time(found),
        charts.hours_and_zones(found),
        charts.attempts_to_reach(found),
        charts.durations(found),
        charts.windows_used([(side.windows, side.counted) for side in called], limit),
    ]
    return [
        # The charts escape what they show.
        _Figure(caption=_caption(chart.caption, side, sides), svg=Markup(chart.svg))  # noqa: S704
        for kind in kinds
        if any(chart.svg for chart in kind)
        for side, chart in zip(called, kind, strict=True)
    ]


def _caption(caption: str, side: _Side, sides: Sequence[_Side]) -> str:
    return caption if len(sides) == 1 else f"{side.name.capitalize()}: {caption[0].lower()}{caption[1:]}"


def _by_state(rows: Mapping[str, int]) -> Counter[str]:
    states: Counter[str] = Counter()
    for name, count in rows.items():
        states[name.partition(": ")[0]] += count
    return states


def share_told(count: int, of: int) -> str:
    """A count and its share; one that is not all and not none is not told as such."""
    if not of:
        return f"{count:,}"
    share = count / of
    told = "<1%" if 0 < share < _LEAST else ">99%" if 1 - _LEAST < share < 1 else f"{share:.0%}"
    return f"{count:,} ({told})"


def _seconds(durations: Sequence[float]) -> str:
    return f"{median(durations):,.0f} s" if durations else _NONE


def _time(at: datetime | None, year: int) -> str:
    """With its year, where that is not the one of the page."""
    return _NONE if at is None else _date(at, "" if at.year == year else " %Y")


def _masked(number: str | None) -> str:
    return mask_phone(number or "")


def _date(at: datetime, year: str = "") -> str:
    day = f"{at:%a} {at.day} {at:%b{year}}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"{day} {at:%H:%M}"


def _kept(sides: Sequence[_Side]) -> list[tuple[str, list[str]]]:
    """Rows that were not dialed, or not now or not again, by why; a count a side."""
    found = [_not_dialed(side.found) for side in sides]
    names = dict.fromkeys(name for each in found for name, _ in each.most_common())
    return [(name, [f"{each[name]:,}" for each in found]) for name in names]


def _not_dialed(found: CampaignStatistics) -> Counter[str]:
    kept: Counter[str] = Counter()
    for name, count in found.rows.items():
        state, _, reason = name.partition(": ")
        is_waiting = state == "waiting" and reason not in ("", "retry")
        if state in ("rejected", "duplicate", "suppressed") or is_waiting or name == "done: attempts_spent":
            kept[f"{state}: {reason_told(reason)}"] += count
    for reason, count in found.uncalled.items():
        if reason != "attempts_spent":
            kept[f"done: {reason_told(reason)}"] += count
    return kept


def _held_in_all(rows: Mapping[str, int]) -> int:
    return sum(
        count
        for name, count in rows.items()
        if name.startswith("unresolved") or (name.startswith("waiting: ") and name != "waiting: retry")
    )
