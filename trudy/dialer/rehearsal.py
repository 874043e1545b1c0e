"""How a campaign would go: what a rehearsal is told, and what it tells. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import field, frozen

from trudy import _checks
from trudy.dialer.policy import OutcomeWord
from trudy.dialer.records import CampaignState
from trudy.dialer.statistics import CampaignStatistics
from trudy.errors import InvalidArgumentError

SANDBOX_WORDS: Final[Mapping[OutcomeWord, str]] = {
    "answered": "completed",
    "voicemail": "voicemail",
    "no_answer": "no_answer",
    "busy": "busy",
    "failed": "failed",
    "opted_out": "do_not_call",
}
"""What the sandbox calls each outcome."""
_MOST_WAITS: Final = 30
"""In the summary: a campaign of months has some each day."""
_SLACK: Final = 1e-9
"""By how much shares may exceed 1 because they are binary fractions."""


@frozen(kw_only=True)
class Mix:
    """How calls end in a rehearsal: the share of each outcome. What is left of 1 is not answered.

    Attributes:
        talk_seconds: how long a conversation takes.
    """

    answered: float = 0.0
    voicemail: float = 0.0
    no_answer: float = 0.0
    busy: float = 0.0
    failed: float = 0.0
    opted_out: float = 0.0
    talk_seconds: float = 60.0

    def __attrs_post_init__(self) -> None:
        for name in SANDBOX_WORDS:
            _checks.within(getattr(self, name), 0, 1, f"mix.{name}")
        total = math.fsum(self.shares.values())
        if total > 1 + _SLACK:
            raise InvalidArgumentError(f"mix: the shares are more than 1 together: {total:g}", argument="mix")
        _checks.within(self.talk_seconds, 1, 3600, "mix.talk_seconds")

    @property
    def shares(self) -> Mapping[OutcomeWord, float]:
        """The shares that were given, by outcome."""
        return {name: getattr(self, name) for name in SANDBOX_WORDS}


USUAL: Final = Mix(answered=0.35, voicemail=0.2, no_answer=0.35, busy=0.05, failed=0.03, opted_out=0.02)
"""A guess at calls to people who know that they will be called; no two campaigns are alike."""


@frozen(kw_only=True)
class IdlePeriod:
    """A time in which no call was placed.

    Attributes:
        start, end: aware, UTC.
        reason: what the next call waited for, such as `hours` or `a_day`, or most rows where none came; `max_live`
            where all lines were taken, `on_the_line` where only calls were left that were not over.
        rows: how many waited for that; for these two, how many calls were on the line.
    """

    start: datetime
    end: datetime
    reason: str
    rows: int


@frozen(kw_only=True)
class Rehearsal:
    """How a campaign would go.

    Attributes:
        campaign, plan_hash: which plan was rehearsed.
        mix, seed: how calls ended. The same plan, store, mix, seed and time of day give the same result.
        state, reason: how the run ended: `done`, or `paused` and why; `running` where it was not over after a year.
        starts_at: the server's time when it was rehearsed (aware, UTC).
        ends_at: when its run was over; the campaign may have held rows then.
        statistics: rows when it was over, and the calls that were made.
        cost: in the unit of the policy's price: with only connected calls paid for, and with every call, up to what
            `max_spend` leaves; None without a price.
        requests: requests to the API, the looks for the ends of calls among them.
        windows: requests in each rate window, by its start (aware, UTC).
        limit: requests that a window admits.
        refused: requests over the limit.
        full_windows: windows in which dialing used all that is left to it, so that the rate limit slowed it.
        full_lines: seconds in which `max_live` calls were open, so that it slowed dialing.
        waits: times of at least 15 minutes without a new call, also before the first and after the last one.
    """

    campaign: str
    plan_hash: str
    mix: Mix
    seed: int
    state: CampaignState
    reason: str | None
    starts_at: datetime
    ends_at: datetime
    statistics: CampaignStatistics
    cost: tuple[float, float] | None
    requests: int
    windows: Mapping[datetime, int] = field(repr=False)
    limit: int
    refused: int
    full_windows: int
    full_lines: float
    waits: Sequence[IdlePeriod] = field(repr=False)

    def summary(self) -> str:
        """The rehearsal in a few lines, for a person who is to say yes."""
        found = self.statistics
        most = max(self.windows.values(), default=0)
        why = "" if self.reason is None else f": {self.reason}"
        lines = [
            f"rehearsal of campaign {self.campaign}, plan {self.plan_hash[:12]}, seed {self.seed}",
            f"  begins       {_at(self.starts_at)}",
            f"  ends         {_at(self.ends_at)}, {self.state}{why}",
            f"  calls        {found.calls:,} to {found.contacts:,} contacts, {found.reached:,} reached",
            "  outcomes     " + (_counts(found.outcomes) or "none"),
            "  attempts     "
            + (", ".join(f"{count:,} reached by the {_nth(n)}" for n, count in enumerate(found.reached_at, 1)) or "-"),
            "  rows         " + _counts(found.rows),
        ]
        lines += [f"  hours        {_hours(zone, hours)}" for zone, hours in found.by_local_hour.items()]
        if self.cost is not None:
            lines.append(f"  cost         {self.cost[0]:,.2f} to {self.cost[1]:,.2f}")
        lines.append(
            f"  requests     {self.requests:,} in {len(self.windows):,} windows, at most {most:,} of {self.limit:,}"
        )
        lines.append(f"  slowed by    {self.slowed_by}")
        lines += [
            f"  waits        {_at(wait.start)} to {_at(wait.end)}: {wait.reason} ({wait.rows:,} rows)"
            for wait in self.waits[:_MOST_WAITS]
        ]
        if len(self.waits) > _MOST_WAITS:
            lines.append(f"               and {len(self.waits) - _MOST_WAITS:,} times more")
        return "\n".join(lines)

    @property
    def slowed_by(self) -> str:
        """What kept it from dialing faster within the hours, in words."""
        causes: list[str] = []
        if self.full_windows:
            causes.append(f"the rate limit in {self.full_windows:,} windows")
        if self.full_lines:
            causes.append(f"max_live for {self.full_lines / 60:,.0f} min")
        return ", ".join(causes) or "nothing"


def _at(moment: datetime) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M} UTC"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _nth(n: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(n, f"{n}th")


def _hours(zone: str, hours: Sequence[int]) -> str:
    used = [hour for hour, count in enumerate(hours) if count]
    return f"{zone or 'unknown zones (UTC)'}: {sum(hours):,} calls, {used[0]:02}:00 to {used[-1] + 1:02}:00"
