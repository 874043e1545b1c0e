"""What answers tell about the server's clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.options import RateLimit
from trudy.rate_limit.in_process import Go, Late
from trudy.rate_limit.limiter import WindowLimiter
from trudy.rate_limit.server_clock import ClockEstimate

NOON = 1_800_000_000.0


def test_nothing_is_known_before_the_first_answer() -> None:
    clock = ClockEstimate()
    assert not clock.known
    assert clock.offset == 0.0
    assert clock.quiet_until < NOON
    assert clock.reading(wall=NOON, monotonic=lambda: 5.0) is None


@pytest.mark.parametrize(
    ("round_trip", "granularity", "offset", "width"),
    [(0.0, 0.0, 100.0, 0.0), (0.4, 0.0, 100.2, 0.4), (0.0, 1.0, 100.5, 1.0), (0.2, 1.0, 100.6, 1.2)],
)
def test_one_answer_bounds_the_offset(round_trip: float, granularity: float, offset: float, width: float) -> None:
    clock = ClockEstimate()
    clock.observe(NOON + 100, NOON, round_trip=round_trip, granularity=granularity)
    assert clock.known
    assert clock.offset == pytest.approx(offset)
    assert clock.width(NOON) == pytest.approx(width)
    assert clock.width(NOON + 100) > clock.width(NOON)


@given(
    offset=st.floats(-1e5, 1e5),
    answers=st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2), st.floats(0, 100), st.booleans()), min_size=1),
)
def test_the_bounds_always_hold_the_truth(offset: float, answers: list[tuple[float, float, float, bool]]) -> None:
    clock = ClockEstimate()
    now = NOON
    for there, back, pause, coarse in answers:
        stamp = now + there + offset
        now += there + back
        clock.observe(stamp // 1 if coarse else stamp, now, round_trip=there + back, granularity=1.0 if coarse else 0.0)
        assert abs(clock.offset - offset) <= clock.width(now) / 2 + 1e-5
        assert clock.known
        now += pause


def test_coarse_stamps_at_different_moments_of_the_second_narrow_each_other() -> None:
    clock = ClockEstimate()
    for tenth in range(11):
        now = NOON + tenth / 10
        clock.observe((now + 0.35) // 1, now, round_trip=0.0, granularity=1.0)
    assert clock.width(now) < 0.15
    assert clock.offset == pytest.approx(0.35, abs=0.1)


def test_a_clock_that_was_set_replaces_what_was_known() -> None:
    clock = ClockEstimate()
    clock.observe(NOON, NOON, round_trip=0.1)
    clock.observe(NOON + 510, NOON + 10, round_trip=0.1)
    assert clock.known
    assert clock.offset == pytest.approx(500.05)


def test_two_hosts_a_little_apart_count_as_one_uncertain_clock() -> None:
    clock = ClockEstimate()
    for second in range(20):
        clock.observe(NOON + second + 0.2 * (second % 2), NOON + second, round_trip=0.01)
        assert clock.known
    assert clock.offset == pytest.approx(0.1, abs=0.12)


def test_a_clock_that_runs_at_another_speed_is_not_known_until_it_has_behaved_for_a_while() -> None:
    clock = ClockEstimate()
    for second in range(5):
        clock.observe(NOON + second * 60, NOON + second, round_trip=0.01)
    assert not clock.known
    for second in range(5, 60):
        clock.observe(NOON + 1000 + second, NOON + second, round_trip=0.01)
    assert clock.known


def test_a_burst_of_answers_does_not_make_a_fast_clock_known() -> None:
    clock = ClockEstimate()
    for second in range(5):
        for _ in range(100):
            clock.observe(NOON + second * 60, NOON + second, round_trip=0.01)
    assert not clock.known


@pytest.mark.parametrize(("stamp", "agrees"), [(0.0, True), (0.2, True), (-0.9, True), (-40.0, False), (5.0, False)])
def test_which_server_times_fit_the_bounds(stamp: float, agrees: bool) -> None:
    clock = ClockEstimate()
    clock.observe(NOON, NOON, round_trip=0.01)
    assert clock.agrees(NOON + stamp, NOON) is agrees


def test_a_reading_stands_beside_the_wall_clock_and_goes_on_by_itself() -> None:
    clock, now = ClockEstimate(), [50.0]
    clock.observe(NOON + 100, 50.0, round_trip=0.4)
    reading = clock.reading(wall=NOON, monotonic=lambda: now[0])
    assert reading is not None
    assert reading.offset == pytest.approx(100.2)
    assert reading.uncertainty == pytest.approx(0.2)
    now[0] += 3600
    assert reading.now() == datetime.fromtimestamp(NOON + 3700.2, UTC)


def test_an_answer_is_read_for_its_time_when_the_last_is_old_or_told_too_little() -> None:
    clock = ClockEstimate(window=60.0)
    clock.observe(NOON, 0.0, round_trip=0.4)
    assert clock.quiet_until < 0.1
    clock.observe(NOON + 1, 1.0, round_trip=0.1)
    assert clock.quiet_until >= 6.9
    assert clock.quiet_until < 7.1


@pytest.mark.parametrize("shown", [253_402_300_799.0, 253_402_300_740.0, -1.0, -62_135_596_800.0, float("inf")])
def test_a_time_that_no_servers_clock_shows_is_passed_over(shown: float) -> None:
    limiter = WindowLimiter(RateLimit(1))
    for moment in (100.0, 100.5):
        limiter.server_clock.observe(shown, moment, round_trip=0.1)
    assert not limiter.server_clock.known
    taken = limiter.join("interactive", lambda: None)
    assert isinstance(limiter.poll(taken, 101.0), Go)
    late = limiter.join("interactive", lambda: None, until=101.5)
    assert isinstance(limiter.poll(late, 101.0), Late)
    limiter.refused(taken, 101.2, limit=1, reset_at=shown + 30, server_now=shown)
    assert limiter.status(101.3).reset_at is None


def test_the_latest_time_that_is_believed_can_be_shown_and_waited_for() -> None:
    limiter = WindowLimiter(RateLimit(1, window=31 * 86_400))
    limiter.server_clock.observe(2.5e11, 100.0, round_trip=0.1)
    taken = limiter.join("interactive", lambda: None)
    assert isinstance(limiter.poll(taken, 101.0), Go)
    limiter.refused(taken, 101.2, limit=1, reset_at=2.5e11 + 31 * 86_400, server_now=2.5e11)
    reset_at = limiter.status(101.3).reset_at
    assert reset_at is not None
    assert reset_at.year == 9892
