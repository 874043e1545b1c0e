"""The limiter against servers that limit in every way: how many refusals, and how long against the ideal."""

from __future__ import annotations

from collections import Counter
from math import ceil, inf
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.rate_limit.servers import (
    SAYINGS,
    START,
    Crowd,
    Down,
    FixedWindow,
    FromTheFirst,
    Neighbours,
    Processes,
    Refusal,
    Server,
    SlidingWindow,
    changing,
)
from trudy.options import AdmissionLane, RateLimit

PACED, LEARNING = RateLimit(100), None
modes = pytest.mark.parametrize("rate_limit", [PACED, LEARNING], ids=["paced", "learning"])
sayings = pytest.mark.parametrize("says", SAYINGS.values(), ids=SAYINGS)


def fixed(limit: int, says: str = "the truth") -> FixedWindow:
    return FixedWindow(lambda now: limit, SAYINGS[says])


@modes
@pytest.mark.parametrize("lane", ["interactive", "bulk"])
def test_a_limit_that_was_5_for_two_minutes_is_found_to_be_100_again(
    rate_limit: RateLimit | None, lane: AdmissionLane
) -> None:
    crowd = Crowd(FixedWindow(lambda now: 5 if now < START + 120 else 100), rate_limit)
    crowd.come(600, lane=lane)
    crowd.run(7200)
    assert len(crowd.done) == 600
    # The ideal is 8 minutes of 5, 5, 100...; to trust the limit it takes 2 clean windows, or 4 where none was known.
    assert crowd.seconds < (720 if lane == "interactive" and rate_limit is None else 600 + 120 * (rate_limit is None))
    first_burst = 600 if rate_limit is None else 100
    assert len(crowd.refused) <= first_burst + 100


@modes
def test_twenty_requests_a_day_after_a_refusal_that_said_limit_1_take_seconds(rate_limit: RateLimit | None) -> None:
    crowd = Crowd(Down(START + 1, Refusal(1, START // 60 * 60 + 60), fixed(100)), rate_limit)
    crowd.come(1)
    crowd.run(600)
    crowd.now = tomorrow = START + 86_400
    crowd.come(20)
    crowd.run(3600)
    assert len(crowd.done) == 21
    assert crowd.done[-1] - tomorrow < 5
    assert len(crowd.refused) == 1


@modes
@sayings
def test_a_sliding_window_refuses_the_first_burst_and_little_after_it(
    rate_limit: RateLimit | None, says: object
) -> None:
    crowd = Crowd(SlidingWindow(100, says), rate_limit)  # type: ignore[arg-type]
    crowd.come(600)
    crowd.run(7200)
    assert len(crowd.done) == 600
    first = 500 if rate_limit is None else 100
    assert len(crowd.refused) <= first + 150
    assert len([moment for moment in crowd.refused if moment > START + 61]) <= 130
    assert crowd.seconds <= 2.5 * 300


@modes
def test_150_callers_who_hear_retry_after_1_for_ten_minutes_send_few_and_are_through_soon_after(
    rate_limit: RateLimit | None,
) -> None:
    crowd = Crowd(Down(START + 600, Refusal(None, None, 1.0), fixed(100)), rate_limit)
    crowd.come(150)
    crowd.run(7200)
    assert len(crowd.done) == 150
    assert len([moment for moment in crowd.refused if moment < START + 600]) <= 150 + 20
    assert len(crowd.refused) <= 150 + 20 + 50
    assert crowd.seconds <= 600 + 60 + 90


@modes
@sayings
@pytest.mark.parametrize("make", [FixedWindow, FromTheFirst, SlidingWindow])
def test_whatever_a_refusal_says_only_few_are_sent_in_any_later_second(
    rate_limit: RateLimit | None, says: object, make: type
) -> None:
    limit: object = (lambda now: 60) if make is FixedWindow else 60
    crowd = Crowd(make(limit, says), rate_limit)
    crowd.come(600)
    crowd.run(7200)
    assert len(crowd.done) == 600
    later = [moment for moment in crowd.refused if moment > START + 1]
    assert sum(moment <= START + 1 for moment in crowd.refused) <= (540 if rate_limit is None else 40) + 5
    assert len(later) <= 250
    assert max((sum(moment <= other < moment + 1 for other in later) for moment in later), default=0) <= 62
    assert crowd.seconds <= 2.5 * 540


@pytest.mark.parametrize("lane", ["interactive", "bulk"])
def test_a_server_that_does_as_documented_refuses_nothing_and_loses_no_window(lane: AdmissionLane) -> None:
    crowd = Crowd(fixed(100), PACED)
    crowd.come(1000, lane=lane)
    crowd.run(7200)
    windows = ceil(1000 / (100 if lane == "interactive" else 75))
    assert crowd.refused == []
    assert crowd.seconds < 60 * (windows - 1)


def test_where_the_stated_limit_is_right_trying_more_costs_one_refusal_in_some_windows() -> None:
    crowd = Crowd(fixed(100), LEARNING)
    crowd.come(4000)
    crowd.run(36_000)
    assert crowd.seconds < 60 * 40
    assert len([moment for moment in crowd.refused if moment > START + 1]) <= 6


@pytest.mark.parametrize("latency", [(0.02, 0.15), (0.3, 3.0)], ids=["fast", "slow"])
def test_a_try_costs_a_refusal_or_two_though_the_last_of_a_burst_may_arrive_first(
    latency: tuple[float, float],
) -> None:
    crowd = Crowd(fixed(100), LEARNING, latency=latency)
    crowd.come(4000)
    crowd.run(36_000)
    later = Counter(int(moment / 60) for moment in crowd.refused if moment > START + 4)
    assert max(later.values()) <= 2
    assert len(later) <= 6


def test_several_processes_that_count_each_for_itself_are_used_and_refuse_little() -> None:
    rng = Random(3)
    crowd = Crowd(Processes([fixed(100) for _ in range(4)], rng), LEARNING)
    crowd.come(3000)
    crowd.run(36_000)
    assert len(crowd.done) == 3000
    assert crowd.seconds < 60 * 20
    assert len([moment for moment in crowd.refused if moment > START + 1]) <= 40


@pytest.mark.parametrize("every", [0.6, 1.0, 3.0])
def test_other_processes_that_use_the_key_cost_a_few_refusals(every: float) -> None:
    crowd = Crowd(Neighbours(fixed(100), every), PACED)
    crowd.come(600, every=0.4)
    crowd.run(36_000)
    assert len(crowd.done) == 600
    assert len(crowd.refused) <= 150
    assert crowd.seconds <= 60 * 16


def test_a_limit_that_goes_up_and_down_is_followed() -> None:
    crowd = Crowd(FixedWindow(lambda now: 100 if int((now - START) / 600) % 2 else 20), PACED)
    crowd.come(3000)
    crowd.run(36_000)
    assert crowd.seconds <= 2 * 3000
    assert len(crowd.refused) <= 100 * ceil(crowd.seconds / 1200) + 50


def test_forty_look_ups_for_lost_calls_are_through_in_the_first_window_that_opens() -> None:
    crowd = Crowd(fixed(100), PACED)
    crowd.come(200)
    crowd.come(40, at=5, lane="reconcile")
    crowd.come(1, at=6, lane="interactive")
    crowd.run(60)
    assert len(crowd.done) == 200
    assert crowd.went.count("reconcile") == 40


kinds = {
    "fixed": lambda limit, says, rng: FixedWindow(lambda now: limit, says),
    "from the first": lambda limit, says, rng: FromTheFirst(limit, says),
    "sliding": lambda limit, says, rng: SlidingWindow(limit, says),
    "processes": lambda limit, says, rng: Processes([FixedWindow(lambda now: limit, says) for _ in range(3)], rng),
    "changing": lambda limit, says, rng: FixedWindow(lambda now: 1 + (limit - 1) * (int(now / 240) % 2), says),
    "changing out of step": lambda limit, says, rng: changing(
        limit, says, period=rng.choice([120, 180, 240, 300, 600]), shift=60 * rng.randrange(20)
    ),
    "down at first": lambda limit, says, rng: Down(
        START + 90, says(limit, START, START + 60), FixedWindow(lambda now: limit, says)
    ),
}


def example_of_a_changing_limit(says: str, paced: int | None, windows: float, every: float, **others: Any) -> Any:
    """What took longer than its bound once: each try fell into the four minutes of the low limit."""
    defaults: dict[str, Any] = {"latency": (0.02, 0.15), "tells_time": True, "seed": 0, "limit": 100}
    return example(kind="changing", says=says, paced=paced, windows=windows, every=every, **{**defaults, **others})


@example_of_a_changing_limit("the truth", 100, 0.5, 1.0)
@example_of_a_changing_limit("a minute from now", 100, 0.5, 1.0, latency=(0.0, 0.0))
@example_of_a_changing_limit("whole seconds", 100, 1.5, 0.0, tells_time=False)
@example_of_a_changing_limit("never", 30, 1.5, 0.1, limit=30)
@example_of_a_changing_limit("the limit only", 100, 1.5, 1.0, tells_time=False)
@example_of_a_changing_limit("nothing", 100, 1.5, 0.1, tells_time=False)
@example_of_a_changing_limit("nothing", None, 1.5, 0.0)
@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(kinds)),
    says=st.sampled_from(sorted(SAYINGS)),
    limit=st.sampled_from([1, 2, 5, 30, 100]),
    paced=st.sampled_from([None, 1, 5, 100]),
    windows=st.sampled_from([0.5, 1.5, 4]),
    every=st.sampled_from([0.0, 0.1, 1.0]),
    latency=st.sampled_from([(0.0, 0.0), (0.02, 0.15), (0.3, 3.0)]),
    tells_time=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_server_is_served_in_bounded_time_with_bounded_refusals(
    kind: str,
    says: str,
    limit: int,
    paced: int | None,
    windows: float,
    every: float,
    latency: tuple[float, float],
    tells_time: bool,
    seed: int,
) -> None:
    server: Server = kinds[kind](limit, SAYINGS[says], Random(seed))
    number = max(1, int(limit * windows))
    crowd = Crowd(
        server, None if paced is None else RateLimit(paced), seed=seed, latency=latency, tells_time=tells_time
    )
    crowd.come(number, every=every)
    crowd.run(100_000)
    assert len(crowd.done) == number
    rate = min(limit, paced or inf) * (0.5 if kind.startswith("changing") else 1)
    ideal = number * every + 60 * ceil(number / max(rate, 1)) + (90 if kind == "down at first" else 0)
    assert crowd.seconds <= 5 * ideal + 600
    burst = number if paced is None else min(number, paced)
    assert len(crowd.refused) <= burst + 3 * number + 30 + crowd.seconds / 15
