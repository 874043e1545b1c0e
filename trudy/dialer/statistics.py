"""A campaign counted: outcomes over time, calls by local hour and zone, attempts to reach somebody, cost. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from trudy.dialer.export import AttemptRow

REACHED: Final = frozenset(("answered", "opted_out"))
"""Outcomes in which somebody was spoken to."""
CONNECTED: Final = REACHED | {"voicemail"}
"""Outcomes that are paid for wherever only a conversation is."""
NOT_MADE: Final = frozenset(("not_sent", "refused", "intent"))
"""States of attempts that are no call: nothing was sent, the server refused, or the request is on its way."""
_HOUR: Final = 3600.0
_MINUTE: Final = 60.0
_NONE: Final[Mapping[str, int]] = MappingProxyType({})


@frozen(kw_only=True)
class CampaignStatistics:
    """Counts of a campaign's rows and calls.

    Attributes:
        rows: rows by state, or by state and reason: `done: final`, `rejected: no_consent`...
        uncalled: rows that are done without a call, by reason: what a hook said, or why the server refused them.
        calls: calls that were placed, or may have been.
        contacts: contacts they went to.
        outcomes: calls by outcome; `open` are those whose end is not known yet.
        by_time: the same for each hour (aware, UTC).
        by_local_hour: calls in each of the 24 hours of a day, by the clocks of a zone. A call to a number that may be
            in several zones counts in each; one of no known zone under `""`, in UTC.
        reached_at: contacts that were reached at their first, second... attempt.
        durations: seconds of the calls that were connected, shortest first.
        cost: what the calls cost; where the server does not tell, what was reserved for them.
        by_minute: calls placed in each rate window, a clock minute (aware, UTC).
        first_at, last_at: when the first and the last call were placed.
    """

    rows: Mapping[str, int]
    uncalled: Mapping[str, int]
    calls: int
    contacts: int
    outcomes: Mapping[str, int]
    by_time: Mapping[datetime, Mapping[str, int]] = field(repr=False)
    by_local_hour: Mapping[str, tuple[int, ...]] = field(repr=False)
    reached_at: tuple[int, ...]
    durations: tuple[float, ...] = field(repr=False)
    cost: float
    by_minute: Mapping[datetime, int] = field(repr=False)
    first_at: datetime | None
    last_at: datetime | None

    @property
    def reached(self) -> int:
        """Contacts that were spoken to."""
        return sum(self.reached_at)

    @property
    def connected(self) -> int:
        """Calls in which a person or a machine answered."""
        return sum(self.outcomes.get(outcome, 0) for outcome in CONNECTED)


@define
class AttemptTally:
    """Counts attempts one by one, since a campaign may have more than should be in memory at a time."""

    calls: int = 0
    contacts: set[int] = field(factory=set[int])
    outcomes: Counter[str] = field(factory=Counter[str])
    by_time: defaultdict[float, Counter[str]] = field(factory=lambda: defaultdict[float, Counter[str]](Counter[str]))
    by_local_hour: dict[str, list[int]] = field(factory=dict[str, "list[int]"])
    reached: dict[int, int] = field(factory=dict[int, int])
    durations: list[float] = field(factory=list[float])
    cost: float = 0.0
    by_minute: Counter[float] = field(factory=Counter[float])
    first_at: float | None = None
    last_at: float | None = None
    _tries: Counter[int] = field(factory=Counter[int])

    def add(self, attempt: AttemptRow) -> None:
        """Count one attempt; they come oldest first."""
        if attempt.state in NOT_MADE:
            return
        at, outcome = attempt.intent_at, _outcome(attempt)
        self.calls += 1
        self.contacts.add(attempt.line)
        self._tries[attempt.line] += 1
        self.outcomes[outcome] += 1
        self.by_time[at // _HOUR * _HOUR][outcome] += 1
        self.by_minute[at // _MINUTE * _MINUTE] += 1
        for zone in attempt.zones.split(", "):
            hours = self.by_local_hour.setdefault(zone, [0] * 24)
            hours[datetime.fromtimestamp(at, ZoneInfo(zone) if zone else UTC).hour] += 1
        if outcome in REACHED:
            self.reached.setdefault(attempt.line, self._tries[attempt.line])
        if outcome in CONNECTED and attempt.duration_seconds is not None:
            self.durations.append(attempt.duration_seconds)
        self.cost += attempt.price if attempt.cost is None else attempt.cost
        self.first_at = at if self.first_at is None else min(self.first_at, at)
        self.last_at = at if self.last_at is None else max(self.last_at, at)

    def of(self, rows: Mapping[str, int], uncalled: Mapping[str, int] = _NONE) -> CampaignStatistics:
        """What was counted, with the campaign's rows."""
        tries = Counter(self.reached.values())
        return CampaignStatistics(
            rows=dict(rows),
            uncalled=dict(uncalled),
            calls=self.calls,
            contacts=len(self.contacts),
            outcomes=dict(self.outcomes.most_common()),
            by_time={_time(hour): dict(counts) for hour, counts in sorted(self.by_time.items())},
            by_local_hour={zone: tuple(hours) for zone, hours in sorted(self.by_local_hour.items())},
            reached_at=tuple(tries[n] for n in range(1, max(tries, default=0) + 1)),
            durations=tuple(sorted(self.durations)),
            cost=self.cost,
            by_minute={_time(minute): count for minute, count in sorted(self.by_minute.items())},
            first_at=None if self.first_at is None else _time(self.first_at),
            last_at=None if self.last_at is None else _time(self.last_at),
        )


def counted(
    attempts: Iterable[AttemptRow], rows: Mapping[str, int], uncalled: Mapping[str, int] = _NONE
) -> CampaignStatistics:
    """The statistics of attempts, oldest first."""
    tally = AttemptTally()
    for attempt in attempts:
        tally.add(attempt)
    return tally.of(rows, uncalled)


def _outcome(attempt: AttemptRow) -> str:
    if attempt.state in ("ended", "lost"):
        return attempt.outcome or "unknown"
    return "unresolved" if attempt.state == "unresolved" else "open"


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
