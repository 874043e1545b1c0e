"""When a campaign ends, and what it costs, as far as that can be told before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trudy.dialer.forecast import Place, forecast, pace_of
from trudy.dialer.policy import Attempts, Hours, Policy

FRIDAY = 1_780_675_200.0
"""2026-06-05 12:00 in New York."""
EAST: Place = (("America/New_York",), "US", None)
WEST: Place = (("America/Los_Angeles",), "US", None)
NOWHERE: Place = ((), "US", None)


def ends(places: dict[Place, int], policy: Policy, calls: int | None = None) -> str | None:
    found = forecast(
        list(places.items()),
        policy,
        now=FRIDAY,
        requests_a_minute=1e9,
        calls=sum(places.values()) if calls is None else calls,
    ).ends_at
    return None if found is None else found.isoformat(timespec="minutes")


ONE_A_MINUTE = Policy(max_live=1)


@pytest.mark.parametrize(
    ("places", "calls", "end"),
    [
        ({EAST: 60}, None, "2026-06-05T17:00+00:00"),
        ({EAST: 60}, 20, "2026-06-05T16:20+00:00"),
        ({WEST: 60}, None, "2026-06-05T18:00+00:00"),  # which opens an hour from now
        ({EAST: 420}, None, "2026-06-08T15:00+00:00"),  # six hours of Friday and one of Monday
        ({EAST: 60, NOWHERE: 5}, None, "2026-06-05T17:00+00:00"),
        ({NOWHERE: 5}, None, None),
        ({EAST: 200_000}, None, None),
        ({}, None, None),
    ],
)
def test_the_end(places: dict[Place, int], calls: int | None, end: str | None) -> None:
    assert ends(places, ONE_A_MINUTE, calls) == end


def test_the_pace_is_the_slowest_of_gap_talk_and_rate_limit() -> None:
    assert pace_of(Policy(max_live=600, gap=0.5), 1e9) == 2
    assert pace_of(Policy(max_live=60, gap=0.5), 1e9) == 1
    assert pace_of(Policy(max_live=600, gap=0), 160) == 1


def test_a_million_rows_are_foreseen_in_no_time() -> None:
    places = {((f"America/{name}",), "US", None): 250_000 for name in ("New_York", "Chicago", "Denver", "Los_Angeles")}
    found = forecast(list(places.items()), Policy(max_live=1000), now=FRIDAY, requests_a_minute=6000, calls=1_000_000)
    assert found.ends_at is not None
    assert datetime(2026, 6, 8, tzinfo=UTC) < found.ends_at < datetime(2026, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("members", "cost"),
    [
        ({"price": None}, None),
        ({}, (50.0, 150.0)),
        ({"attempts": Attempts(in_30_days=1)}, (50.0, 50.0)),
        ({"retry": {"no_answer": None, "busy": None, "failed": None}}, (50.0, 50.0)),
        ({"max_calls": 120}, (50.0, 60.0)),
        ({"max_calls": 80}, (40.0, 40.0)),
        ({"max_spend": 100.0}, (50.0, 100.0)),
        ({"max_spend": 20.0}, (20.0, 20.0)),
    ],
)
def test_the_cost(members: dict[str, object], cost: tuple[float, float] | None) -> None:
    policy = Policy(**{"price": 0.5, "hours": Hours.always(), **members})  # type: ignore[arg-type]
    assert forecast([(EAST, 100)], policy, now=FRIDAY, requests_a_minute=100, calls=100).cost == cost
