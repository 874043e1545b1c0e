"""What a campaign will take, before it begins: when its zones open, when it may end, requests and cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Final, TypeAlias

from attrs import frozen

from trudy.dialer.policy import DAY, Policy
from trudy.dialer.running import SWEEP_EVERY
from trudy.options import RateLimit

Place: TypeAlias = tuple[tuple[str, ...], str | None, str | None]
"""Zones, country and region of contacts."""

CALL_SECONDS: Final = 60.0
"""How long a call takes on average, ringing included: a guess, by which the end is predicted."""
REQUESTS_A_CALL: Final = 2
"""One that places it, and one that reads its transcript."""
REQUESTS_A_MINUTE: Final = 100
"""What is reckoned with while the server's limit is not known: the limit that was seen."""
_BULK_SHARE: Final = RateLimit().bulk_share
_SHORTEST_STEP: Final = 1800.0
_LONGEST_STEP: Final = 7200.0
"""Seconds by which the forecast goes ahead: shorter ones cost time, longer ones would miss the evening."""
_STEPS: Final = 500.0
"""Steps that it takes if nobody has to wait: more cost time and change the end by minutes only."""
_FARTHEST: Final = 366 * DAY
"""Seconds after which it gives up: more would cost time for plans that nobody can mean."""


@frozen(kw_only=True)
class Forecast:
    """What one attempt for each row takes.

    Attributes:
        openings: for each set of zones, how many wait there, and when all are open next; None where they never are.
        requests: about so many.
        ends_at: when the last row is called, at about the pace that policy and rate limit allow; None where that is
            more than a year away, or nobody is called.
        cost: at least, with one attempt for each row, and at most, with all that the policy allows; None without a
            price.
    """

    openings: Mapping[str, tuple[int, datetime | None]]
    requests: int
    ends_at: datetime | None
    cost: tuple[float, float] | None


def forecast(
    counts: Sequence[tuple[Place, int]], policy: Policy, *, now: float, requests_a_minute: float, calls: int
) -> Forecast:
    """What is to be expected. `calls` is how many rows will be called: fewer than wait, for a canary."""
    pace = pace_of(policy, requests_a_minute)
    ends_at = _end(dict(counts), policy, now, pace, calls)
    return Forecast(
        openings=_openings(counts, policy, now),
        requests=round(calls * REQUESTS_A_CALL + calls / pace / SWEEP_EVERY),
        ends_at=None if ends_at is None else datetime.fromtimestamp(ends_at, UTC),
        cost=_cost(policy, calls),
    )


def pace_of(policy: Policy, requests_a_minute: float) -> float:
    """Calls a second: by the gap, by how many may talk at a time, and by the rate limit."""
    by_limit = requests_a_minute * _BULK_SHARE / 60.0 / REQUESTS_A_CALL
    return min(by_limit, policy.max_live / CALL_SECONDS, 1.0 / policy.gap if policy.gap else by_limit)


def _openings(
    counts: Sequence[tuple[Place, int]], policy: Policy, now: float
) -> dict[str, tuple[int, datetime | None]]:
    openings: dict[str, tuple[int, datetime | None]] = {}
    for (zones, country, region), count in counts:
        opening = policy.hours.opens(zones, country=country, region=region, moment=now)
        name = ", ".join(zones)
        known, before = openings.get(name, (0, None))
        when = None if opening is None else datetime.fromtimestamp(opening, UTC)
        openings[name] = known + count, min((each for each in (before, when) if each is not None), default=None)
    return openings


def _end(left: dict[Place, int], policy: Policy, now: float, pace: float, calls: int) -> float | None:
    """When the last of so many calls begins; rows whose zones never open are left out."""
    step = min(max(calls / pace / _STEPS, _SHORTEST_STEP), _LONGEST_STEP)
    opens_at: dict[Place, float] = dict.fromkeys(left, now)
    at, last = now, None
    while calls > 0 and opens_at and at <= now + _FARTHEST:
        is_open = [place for place, moment in opens_at.items() if moment <= at and _opens(place, policy, at, opens_at)]
        if not is_open:
            at = min(opens_at.values())
            continue
        budget = min(calls, round(step * pace) or 1)
        for place in is_open:
            called = min(budget, left[place])
            budget -= called
            calls -= called
            left[place] -= called
            at += called / pace
            if not left[place]:
                del opens_at[place]
        last = at
    return last if calls <= 0 or all(moment == inf for moment in opens_at.values()) else None


def _opens(place: Place, policy: Policy, at: float, opens_at: dict[Place, float]) -> bool:
    """Whether a place is open, noting when it will be; one that never opens is left out from then on."""
    zones, country, region = place
    moment = policy.hours.opens(zones, country=country, region=region, moment=at)
    if moment is None:
        opens_at[place] = inf
        return False
    opens_at[place] = moment
    return moment <= at


def _cost(policy: Policy, calls: int) -> tuple[float, float] | None:
    if policy.price is None:
        return None
    tries_again = any(policy.retry_after(outcome) is not None for outcome in ("no_answer", "busy", "failed"))
    attempts = policy.attempts.in_30_days if tries_again else 1
    most = calls * attempts if policy.max_calls is None else min(calls * attempts, policy.max_calls)
    low, high = policy.price * min(calls, most), policy.price * most
    bound = high if policy.max_spend is None else policy.max_spend
    return min(low, bound), min(high, bound)
