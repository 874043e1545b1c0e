"""A campaign counted: each figure against a count done in another way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.dialer.export import AttemptRow
from trudy.dialer.statistics import CONNECTED, NOT_MADE, REACHED, AttemptTally, counted

MONDAY = 1_780_920_000.0
"""2026-06-08 12:00 UTC: 08:00 in New York, 05:00 in Los Angeles."""
ZONES = ("America/New_York", "America/Los_Angeles", "Asia/Kathmandu", "")


def attempt(
    line: int = 1,
    *,
    at: float = MONDAY,
    state: str = "ended",
    outcome: str | None = "answered",
    zones: str = "America/New_York",
    duration: float | None = 60.0,
    cost: float | None = 0.5,
    price: float = 0.75,
) -> AttemptRow:
    return AttemptRow(
        line=line,
        phone_number="+12125550100",
        attempt=f"{line}-{at}",
        n=1,
        state=state,
        outcome=outcome,
        error=None,
        zones=zones,
        from_number=None,
        call_id=None,
        intent_at=at,
        started_at=at,
        ended_at=None,
        duration_seconds=duration,
        cost=cost,
        price=price,
    )


def test_nothing() -> None:
    found = counted([], {})
    assert (found.calls, found.contacts, found.reached, found.connected, found.cost) == (0, 0, 0, 0, 0.0)
    assert (found.outcomes, found.by_time, found.by_local_hour, found.by_minute) == ({}, {}, {}, {})
    assert (found.reached_at, found.durations, found.first_at, found.last_at) == ((), (), None, None)


@pytest.mark.parametrize("state", sorted(NOT_MADE))
def test_what_was_not_sent_is_no_call(state: str) -> None:
    found = counted([attempt(state=state, outcome=None)], {"waiting": 1})
    assert (found.calls, found.contacts, found.cost, found.by_minute) == (0, 0, 0.0, {})
    assert found.rows == {"waiting": 1}


@pytest.mark.parametrize(
    ("state", "outcome", "shown"),
    [
        ("placed", None, "open"),
        ("unknown", None, "open"),
        ("unresolved", None, "unresolved"),
        ("ended", "busy", "busy"),
        ("ended", None, "unknown"),
        ("lost", "unknown", "unknown"),
    ],
)
def test_a_call_by_what_is_known_of_it(state: str, outcome: str | None, shown: str) -> None:
    found = counted([attempt(state=state, outcome=outcome, duration=None)], {})
    assert found.outcomes == {shown: 1}
    assert found.durations == ()


def test_hours_are_those_of_the_zone_and_a_call_to_two_zones_counts_in_both() -> None:
    found = counted([attempt(zones="America/New_York, America/Los_Angeles"), attempt(2, zones="")], {})
    hours = {zone: [hour for hour, count in enumerate(counts) if count] for zone, counts in found.by_local_hour.items()}
    assert hours == {"": [12], "America/Los_Angeles": [5], "America/New_York": [8]}
    assert found.calls == 2


def test_the_hour_that_a_clock_shows_twice_is_one_hour() -> None:
    autumn = datetime(2026, 11, 1, 5, 30, tzinfo=UTC).timestamp()  # 01:30 in New York, and again an hour later
    found = counted([attempt(at=autumn), attempt(2, at=autumn + 3600)], {})
    assert found.by_local_hour["America/New_York"][1] == 2
    assert len(found.by_time) == 2, "but two of UTC"


def test_a_contact_is_reached_at_the_first_attempt_that_did() -> None:
    outcomes = {1: ["no_answer", "answered", "answered"], 2: ["opted_out"], 3: ["voicemail", "busy"]}
    calls = [
        attempt(line, at=MONDAY + n, outcome=outcome)
        for line, of_line in outcomes.items()
        for n, outcome in enumerate(of_line)
    ]
    found = counted(sorted(calls, key=lambda call: call.intent_at), {})
    assert (found.reached_at, found.reached, found.contacts) == ((1, 1), 2, 3)
    assert found.connected == 4


def test_what_was_not_sent_is_no_attempt_to_reach_somebody() -> None:
    found = counted([attempt(state="not_sent", outcome=None), attempt(at=MONDAY + 1)], {})
    assert found.reached_at == (1,)


def test_a_call_of_unknown_cost_costs_what_was_reserved() -> None:
    assert counted([attempt(cost=None), attempt(2, cost=0.0), attempt(3)], {}).cost == pytest.approx(1.25)


def test_windows_are_clock_minutes() -> None:
    found = counted([attempt(at=MONDAY + second) for second in (0, 59.9, 60, 200)], {})
    starts = [datetime.fromtimestamp(MONDAY + 60 * minute, UTC) for minute in (0, 1, 3)]
    assert found.by_minute == dict(zip(starts, (2, 1, 1), strict=True))


calls = st.lists(
    st.builds(
        attempt,
        st.integers(1, 6),
        at=st.floats(MONDAY, MONDAY + 10 * 86_400),
        state=st.sampled_from(("ended", "ended", "placed", "unresolved", "lost", *sorted(NOT_MADE))),
        outcome=st.sampled_from(("answered", "voicemail", "no_answer", "busy", "failed", "opted_out", None)),
        zones=st.sampled_from((*ZONES, "America/New_York, Asia/Kathmandu")),
        duration=st.none() | st.floats(0, 3600),
        cost=st.none() | st.floats(0, 5),
    ),
    max_size=40,
).map(lambda made: sorted(made, key=lambda call: call.intent_at))


@given(calls)
def test_every_figure_agrees_with_the_calls(made: list[AttemptRow]) -> None:
    found = counted(made, {"done": 6})
    placed = [call for call in made if call.state not in NOT_MADE]
    assert found.calls == len(placed) == sum(found.outcomes.values()) == sum(found.by_minute.values())
    over_time: Counter[str] = sum((Counter(counts) for counts in found.by_time.values()), Counter())
    assert over_time == Counter(found.outcomes)
    assert found.contacts == len({call.line for call in placed})
    assert found.reached <= found.contacts
    spoken_to = {
        call.line for call in placed if call.state in ("ended", "lost") and call.outcome in REACHED
    }  # fmt: skip
    assert found.reached == len(spoken_to)
    assert sum(map(sum, found.by_local_hour.values())) == sum(len(call.zones.split(", ")) for call in placed)
    for zone, hours in found.by_local_hour.items():
        clock = ZoneInfo(zone or "UTC")
        mine = [call for call in placed if zone in call.zones.split(", ")]
        assert Counter({hour: count for hour, count in enumerate(hours) if count}) == Counter(
            datetime.fromtimestamp(call.intent_at, clock).hour for call in mine
        )
    assert list(found.durations) == sorted(found.durations)
    assert len(found.durations) <= found.connected <= found.calls
    assert found.connected == sum(found.outcomes.get(outcome, 0) for outcome in CONNECTED)
    assert found.cost == pytest.approx(sum(call.price if call.cost is None else call.cost for call in placed))
    if placed:
        moments = [datetime.fromtimestamp(call.intent_at, UTC) for call in placed]
        assert (found.first_at, found.last_at) == (min(moments), max(moments))


@given(calls)
def test_a_tally_may_be_read_in_between(made: list[AttemptRow]) -> None:
    tally = AttemptTally()
    for call in made:
        tally.of({})
        tally.add(call)
    assert tally.of({"done": 1}) == counted(made, {"done": 1})
