"""A campaign as one HTML file, before, during and after its run: no script, no link elsewhere, numbers masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trudy._masking import mask_phone
from trudy.dialer import charts
from trudy.dialer.audit import reason_told
from trudy.dialer.statistics import AttemptTally, CampaignStatistics
from trudy.errors import ConfigurationError

if TYPE_CHECKING:
    from trudy.dialer.records import CampaignRecord
    from trudy.dialer.rehearsal import Rehearsal
    from trudy.dialer.store import Store

MOST_HELD: Final = 200
"""Held rows that are listed: more belong into an export, and make the page slow to print."""


async def write_report(
    store: Store, campaign: str, path: Path, *, rehearsal: Rehearsal | None, now: float, limit: int | None
) -> None:
    """Read the campaign and write the page; a file of that name is either whole or the old one."""
    found = await store.campaign(campaign)
    tally = AttemptTally()
    async for attempt in store.export_attempts(campaign):
        tally.add(attempt)
    statistics = tally.of(await store.reasons(campaign))
    held = await store.held(campaign, MOST_HELD + 1)
    text = _page(
        campaign=found,
        at=f"{datetime.fromtimestamp(now, UTC):%a %Y-%m-%d %H:%M}",
        outcomes=charts.OUTCOMES,
        sides=[
            _side(
                "The campaign",
                statistics,
                _facts_of_campaign(found, statistics),
                statistics.by_minute,
                limit,
                "calls",
            ),
            *([] if rehearsal is None else [_side_of_rehearsal(rehearsal)]),
        ],
        kept=_kept(statistics.rows),
        held=[
            {
                "line": row.line,
                "number": mask_phone(row.phone_number or ""),
                "state": row.state,
                "reason": reason_told(row.reason or ""),
            }
            for row in held[:MOST_HELD]
        ],
        more=_held_in_all(statistics.rows) - MOST_HELD if len(held) > MOST_HELD else 0,
    )
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _page(**values: object) -> str:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ModuleNotFoundError:
        raise ConfigurationError("report() needs Jinja2: pip install 'trudy-python-sdk[report]'") from None
    pages = Environment(loader=PackageLoader("trudy.dialer", "templates"), autoescape=True, undefined=StrictUndefined)
    return pages.get_template("report.html.j2").render(**values)


def _side(
    title: str,
    found: CampaignStatistics,
    facts: Sequence[tuple[str, str]],
    windows: Mapping[datetime, int],
    limit: int | None,
    what: str,
) -> dict[str, Any]:
    from markupsafe import Markup

    drawn = [
        ("Outcomes over time (UTC)", charts.outcomes_over_time(found)),
        ("Calls by local hour and zone", charts.hours_and_zones(found)),
        ("Contacts reached, by attempt", charts.attempts_to_reach(found)),
        ("Seconds of connected calls", charts.durations(found)),
        (f"Rate windows, by {what} in them", charts.windows_used(windows, limit, what)),
    ]
    # The charts escape what they show.
    shown = [(name, Markup(chart)) for name, chart in drawn if chart]  # noqa: S704
    return {"title": title, "facts": facts, "charts": shown, "statistics": found, "waits": ()}


def _side_of_rehearsal(rehearsal: Rehearsal) -> dict[str, Any]:
    found = rehearsal.statistics
    facts = [
        ("would end", f"{rehearsal.ends_at:%a %Y-%m-%d %H:%M} UTC"),
        ("as", rehearsal.state if rehearsal.reason is None else f"{rehearsal.state}: {rehearsal.reason}"),
        *_facts(found),
        ("cost", "-" if rehearsal.cost is None else f"{rehearsal.cost[0]:,.2f} to {rehearsal.cost[1]:,.2f}"),
        ("requests", f"{rehearsal.requests:,}"),
    ]
    side = _side("The rehearsal", found, facts, rehearsal.windows, rehearsal.limit, "requests")
    return {**side, "waits": rehearsal.waits}


def _facts_of_campaign(campaign: CampaignRecord, found: CampaignStatistics) -> list[tuple[str, str]]:
    times = [("first call", found.first_at), ("last call", found.last_at)]
    return [
        *((name, "-" if at is None else f"{at:%a %Y-%m-%d %H:%M} UTC") for name, at in times),
        *_facts(found),
        ("on the line", f"{campaign.live:,}"),
        ("cost", f"{found.cost:,.2f}"),
    ]


def _facts(found: CampaignStatistics) -> list[tuple[str, str]]:
    middle = found.durations[len(found.durations) // 2] if found.durations else None
    return [
        ("rows", f"{sum(found.rows.values()):,}"),
        ("calls", f"{found.calls:,}"),
        ("contacts called", f"{found.contacts:,}"),
        ("contacts reached", f"{found.reached:,}"),
        ("half of the connected calls take at most", "-" if middle is None else f"{middle:,.0f} s"),
    ]


def _kept(rows: Mapping[str, int]) -> list[tuple[str, str]]:
    """Rows that were not dialed, or not now, by why."""
    kept: list[tuple[str, str]] = []
    for name, count in sorted(rows.items(), key=lambda each: -each[1]):
        state, _, reason = name.partition(": ")
        if state in ("rejected", "duplicate", "suppressed") or (state == "waiting" and reason not in ("", "retry")):
            kept.append((f"{state}: {reason_told(reason)}", f"{count:,}"))
    return kept


def _held_in_all(rows: Mapping[str, int]) -> int:
    return sum(
        count
        for name, count in rows.items()
        if name.startswith("unresolved") or (name.startswith("waiting: ") and name != "waiting: retry")
    )
