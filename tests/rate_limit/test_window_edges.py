"""When windows open and close: grid, guard, and what is counted in which."""

from __future__ import annotations

import pytest

from tests.rate_limit.crowd import NOON, Crowd
from trudy.options import RateLimit


@pytest.mark.parametrize("ahead", [0.0, 0.5, -20.0, 7200.0])
def test_as_many_as_the_limit_leave_at_once_and_the_rest_when_the_next_minute_opens(ahead: float) -> None:
    crowd = Crowd(RateLimit(3), ahead=ahead)
    crowd.know_clock(NOON + 5)
    crowd.accept(crowd.send(3, NOON + 10), NOON + 11)
    fourth = crowd.join()
    assert crowd.turn(fourth, NOON + 11) == pytest.approx(NOON + 60, abs=0.05)
    assert not crowd.goes(fourth, NOON + 59.9)
    assert crowd.goes(fourth, NOON + 60.1)
    assert len(crowd.try_send(5, NOON + 60.1)) == 2


def test_without_a_limit_everything_goes_until_the_first_refusal_tells_one() -> None:
    crowd = Crowd()
    crowd.know_clock(NOON)
    tickets = crowd.send(500, NOON + 20)
    crowd.refuse(tickets[100], NOON + 21, NOON + 60, limit=100)
    late = crowd.join()
    assert crowd.turn(late, NOON + 21) == pytest.approx(NOON + 60, abs=0.05)
    crowd.limiter.leave(late, NOON + 22)
    assert len(crowd.try_send(500, NOON + 60.1)) == 100
    assert crowd.status(NOON + 61).limit == 100


@pytest.mark.parametrize("at", [59.0, 59.99, 60.0, 60.5])
def test_without_a_limit_there_is_no_guard_at_an_edge(at: float) -> None:
    crowd = Crowd()
    crowd.know_clock(NOON, 10.0)
    crowd.send(3, NOON + 30)
    crowd.send(3, NOON + at)
    crowd.send(3, NOON + 3 * 24 * 3600 + at)


@pytest.mark.parametrize(
    ("round_trip", "guard"),
    [(0.0, 0.0), (0.4, 0.4), (2.0, 2.0), (10.0, 3.0)],
    ids=["certain", "sure to 0.4 s", "sure to 2 s", "at most 5 % of the window"],
)
def test_a_guard_as_wide_as_the_clock_is_uncertain_stands_at_both_edges(round_trip: float, guard: float) -> None:
    crowd = Crowd(RateLimit(1, window=60.0))
    crowd.know_clock(NOON + 30, round_trip)
    middle = round_trip / 2
    edge = NOON + 60 - middle
    slack = 0.02
    (first,) = crowd.send(1, NOON + 31)
    crowd.accept([first], NOON + 31)
    second = crowd.join()
    assert crowd.turn(second, NOON + 31) == pytest.approx(edge + guard, abs=slack)
    assert not crowd.goes(second, edge + guard - slack)
    assert crowd.goes(second, edge + guard + slack)
    crowd.accept([second], edge + guard + slack)

    idle = Crowd(RateLimit(2))
    idle.know_clock(NOON + 30, round_trip)
    assert idle.goes(idle.join(), edge - guard - slack)
    if guard:
        assert idle.turn(idle.join(), edge - guard + slack) == pytest.approx(edge + guard, abs=slack)


def test_what_left_just_before_the_edge_and_is_unanswered_counts_in_the_next_window_too() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    answered, *unanswered = crowd.send(3, NOON + 59)
    crowd.accept([answered], NOON + 59.5)
    assert len(crowd.try_send(5, NOON + 60.1)) == 1
    crowd.accept(unanswered, NOON + 61)
    assert len(crowd.try_send(5, NOON + 120.1)) == 3


def test_what_left_well_before_the_edge_counts_only_there_however_slow_the_answer() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    crowd.send(3, NOON + 30)
    assert len(crowd.try_send(5, NOON + 60.1)) == 3


def test_before_the_server_clock_is_known_a_request_counts_for_a_whole_window() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.send(1, NOON + 50)
    crowd.send(1, NOON + 55)
    third = crowd.join()
    assert crowd.turn(third, NOON + 70) == pytest.approx(NOON + 115)
    assert crowd.goes(third, NOON + 115)


def test_requests_that_left_before_the_clock_was_known_count_in_the_later_window_they_may_have_met() -> None:
    crowd = Crowd(RateLimit(2))
    tickets = crowd.send(2, NOON + 59)
    crowd.know_clock(NOON + 60.2)
    crowd.accept(tickets, NOON + 60.2)
    assert not crowd.try_send(2, NOON + 60.3)
    assert len(crowd.try_send(3, NOON + 120.1)) == 2


def test_a_window_opened_by_a_refusal_is_not_opened_again_by_the_clock() -> None:
    crowd = Crowd(RateLimit(3))
    # The bounds say -0.4 to 0, the truth is 0: the estimate reaches the edge 0.2 s after the server does.
    crowd.limiter.server_clock.observe(NOON - 0.4, NOON, round_trip=0.4)
    first, *rest = crowd.send(3, NOON + 10)
    crowd.accept(rest, NOON + 11)
    crowd.refuse(first, NOON + 11, NOON + 60)
    gone = crowd.try_send(5, NOON + 60.05)
    crowd.accept(gone, NOON + 60.1)
    assert len(gone) == 3
    assert not crowd.try_send(1, NOON + 61)


def test_an_estimate_that_moves_back_over_the_edge_opens_no_window_twice() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    crowd.status(NOON + 10)
    crowd.accept(crowd.send(3, NOON + 60.05), NOON + 60.1)
    crowd.limiter.server_clock.observe(NOON + 59.8, NOON + 60.1, round_trip=0.0)
    assert not crowd.try_send(1, NOON + 60.2)
    assert not crowd.try_send(1, NOON + 60.6)
    assert len(crowd.try_send(5, NOON + 120.6)) == 3


def test_a_server_clock_that_is_set_back_makes_nobody_wait_for_as_long() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(1, NOON + 10), NOON + 11)
    crowd.limiter.server_clock.observe(NOON - 589, NOON + 11, round_trip=0.0)
    waiter = crowd.join()
    assert crowd.turn(waiter, NOON + 12) == pytest.approx(NOON + 60, abs=0.05)
    assert crowd.goes(waiter, NOON + 60.1)


def test_a_turn_not_taken_before_the_window_shut_is_not_kept_but_the_place_is() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(2, NOON + 10), NOON + 11)
    waiting = [crowd.join() for _ in range(3)]
    for ticket in waiting:
        crowd.poll(ticket, NOON + 11)
    assert crowd.goes(waiting[1], NOON + 60.1)
    crowd.refuse(waiting[1], NOON + 60.5, NOON + 120)
    assert crowd.woken == [waiting[0]]
    assert crowd.turn(waiting[0], NOON + 61) == pytest.approx(NOON + 120, abs=0.05)
    assert crowd.goes(waiting[0], NOON + 120.1)


def test_a_server_whose_clock_runs_at_another_speed_is_paced_by_ours() -> None:
    crowd = Crowd(RateLimit(2))
    for second in range(10):
        crowd.limiter.server_clock.observe(NOON + 60 * second, NOON + second, round_trip=0.01)
    crowd.accept(crowd.send(2, NOON + 10), NOON + 10)
    waiter = crowd.join()
    assert crowd.turn(waiter, NOON + 11) == pytest.approx(NOON + 70)
