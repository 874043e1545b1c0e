"""What a refusal says of the next window: `reset_at` and `retry_after`, believed or not, and backing off."""

from __future__ import annotations

from random import Random

import pytest

from tests.rate_limit.crowd import NOON, Crowd
from trudy.options import RateLimit


def test_among_refusals_of_one_window_the_earliest_reset_wins() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    first, second, third = crowd.send(3, NOON + 10)
    crowd.refuse(first, NOON + 11, NOON + 71)
    crowd.refuse(second, NOON + 12, NOON + 60)
    crowd.refuse(third, NOON + 13, NOON + 73)
    assert crowd.turn(crowd.join(), NOON + 14) == pytest.approx(NOON + 60, abs=0.05)


def test_those_in_the_queue_learn_of_an_earlier_reset() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    first, second = crowd.send(2, NOON + 10)
    crowd.refuse(first, NOON + 11, NOON + 71)
    waiter = crowd.join()
    assert crowd.turn(waiter, NOON + 11.5) == pytest.approx(NOON + 71, abs=0.05)
    crowd.refuse(second, NOON + 12, NOON + 40)
    assert crowd.woken == [waiter]
    assert crowd.turn(waiter, NOON + 12) == pytest.approx(NOON + 40, abs=0.05)


def test_a_refusal_of_an_earlier_window_neither_closes_the_new_one_nor_changes_the_limit() -> None:
    crowd = Crowd(RateLimit(4))
    crowd.know_clock(NOON)
    old = crowd.send(4, NOON + 10)
    crowd.refuse(old[0], NOON + 11, NOON + 60)
    crowd.send(1, NOON + 60.1)
    for ticket in old[1:]:
        crowd.refuse(ticket, NOON + 61, NOON + 120, limit=2)
    assert crowd.status(NOON + 61).limit == 4
    assert len(crowd.try_send(4, NOON + 61)) == 3


def test_a_refusal_that_arrives_between_two_windows_belongs_to_the_one_that_is_over() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON + 58, round_trip=2.0)
    (ticket, _) = crowd.send(2, NOON + 50)
    # In the guard after the edge: the next window has begun, but is not open yet.
    crowd.refuse(ticket, NOON + 60, NOON + 59.5)
    assert crowd.turn(crowd.join(), NOON + 60) == pytest.approx(NOON + 61, abs=0.05)


def test_a_fresh_budget_opens_at_the_reset_whatever_the_minute_says() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    first, *rest = crowd.send(3, NOON + 20)
    crowd.accept(rest, NOON + 21)
    crowd.refuse(first, NOON + 21, NOON + 81)
    assert not crowd.try_send(3, NOON + 80.5)
    assert len(crowd.try_send(5, NOON + 81.1)) == 3
    # It was one window ahead of the refusal, as some servers count: the minutes stay where they are.
    assert len(crowd.try_send(5, NOON + 120.1)) == 3


def test_after_a_reset_beside_the_minutes_no_stretch_of_a_minute_takes_more_than_the_limit() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    first, *rest = crowd.send(3, NOON + 10)
    crowd.accept(rest, NOON + 11)
    crowd.refuse(first, NOON + 11, NOON + 35)
    assert not crowd.try_send(1, NOON + 34.9)
    assert crowd.fill(NOON + 35.1) == 3
    for at in (60.1, 94.9):
        waiter = crowd.join()
        assert crowd.turn(waiter, NOON + at) == pytest.approx(NOON + 95.7, abs=0.05)
        crowd.limiter.leave(waiter, NOON + at)
    assert len(crowd.try_send(2, NOON + 95.8)) == 2
    assert len(crowd.try_send(5, NOON + 130)) == 1
    assert len(crowd.try_send(5, NOON + 156.5)) == 2


def test_a_reset_on_the_minute_brings_the_minutes_back() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    first, *_ = crowd.send(3, NOON + 10)
    crowd.refuse(first, NOON + 11, NOON + 35)
    first, *_ = crowd.try_send(3, NOON + 36)
    crowd.refuse(first, NOON + 36, NOON + 60)
    assert crowd.fill(NOON + 60.1) == 3
    assert crowd.fill(NOON + 120.1) == 3


@pytest.mark.parametrize(
    "reset",
    [None, -3600.0, -0.5, 0.0, 3601.0, 1e9],
    ids=["missing", "an hour ago", "just past", "now", "too far", "absurd"],
)
def test_a_reset_that_cannot_be_believed_means_back_off_with_full_jitter_and_then_one_request_first(
    reset: float | None,
) -> None:
    crowd = Crowd(RateLimit(50))
    at = NOON + 10
    crowd.know_clock(at)
    (first,) = crowd.send(1, at)
    crowd.refuse(first, at, None if reset is None else at + reset)
    turns = []
    for reach in (1, 2, 4, 8):
        waiter = crowd.join()
        turn = crowd.turn(waiter, at)
        assert at < turn <= at + reach
        turns.append(turn - at)
        crowd.limiter.leave(waiter, at)
        at = turn
        (probe,) = crowd.try_send(10, at)
        crowd.refuse(probe, at, None if reset is None else at + reset)
    assert len({round(turn, 6) for turn in turns}) == 4
    twin = Random(1)
    assert turns == [pytest.approx(twin.uniform(0, reach), abs=1e-6) for reach in (1, 2, 4, 8)]

    waiter = crowd.join()
    at = crowd.turn(waiter, at)
    assert crowd.goes(waiter, at)
    assert not crowd.try_send(10, at)
    crowd.accept([waiter], at)
    gone = crowd.try_send(60, at)
    assert len(gone) == 2
    crowd.accept(gone, at)
    assert crowd.fill(at) == 50 - 3

    # A window without a refusal: the range starts anew.
    at += 61
    (gone, *_) = crowd.try_send(60, at)
    crowd.refuse(gone, at, None if reset is None else at + reset)
    twin.uniform(0, 16)
    assert crowd.turn(crowd.join(), at) == pytest.approx(at + twin.uniform(0, 1), abs=1e-6)


def test_a_probe_without_an_answer_counts_as_taken_after_a_while() -> None:
    crowd = Crowd(RateLimit(5))
    crowd.know_clock(NOON)
    (first,) = crowd.send(1, NOON + 10)
    crowd.refuse(first, NOON + 10, None)
    assert len(crowd.try_send(5, NOON + 12)) == 1
    waiter = crowd.join()
    assert crowd.turn(waiter, NOON + 12) == pytest.approx(NOON + 15)
    assert crowd.goes(waiter, NOON + 15)


def test_one_request_goes_first_after_a_back_off_even_if_others_were_admitted_before_it() -> None:
    crowd = Crowd(RateLimit(5))
    crowd.know_clock(NOON)
    refused, *accepted = crowd.send(4, NOON + 10)
    crowd.refuse(refused, NOON + 11, None)
    crowd.accept(accepted, NOON + 11)
    assert len(crowd.try_send(5, NOON + 12)) == 1


def test_a_reset_that_just_misses_the_minute_means_the_minute() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    first, *rest = crowd.send(3, NOON + 10)
    crowd.accept(rest, NOON + 11)
    crowd.refuse(first, NOON + 11, NOON + 59.2)
    assert not crowd.try_send(1, NOON + 59.9)
    assert len(crowd.try_send(5, NOON + 60.1)) == 3
    assert not crowd.try_send(1, NOON + 61)


def test_a_refusal_that_was_read_late_does_not_lengthen_the_wait() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    (first,) = crowd.send(1, NOON + 10)
    crowd.limiter.refused(first, NOON + 11, reset_at=NOON + 60, server_now=NOON + 10.1)
    assert crowd.turn(crowd.join(), NOON + 11) == pytest.approx(NOON + 60, abs=0.05)


def test_a_reset_that_can_be_believed_replaces_a_back_off() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    first, second = crowd.send(2, NOON + 10)
    crowd.refuse(first, NOON + 11, None)
    crowd.refuse(second, NOON + 11, NOON + 60)
    assert crowd.turn(crowd.join(), NOON + 11) == pytest.approx(NOON + 60, abs=0.05)


def test_retry_after_stands_in_for_a_missing_reset() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    (first,) = crowd.send(1, NOON + 10)
    crowd.limiter.refused(first, NOON + 11, retry_after=20.0)
    assert crowd.turn(crowd.join(), NOON + 11) == pytest.approx(NOON + 31, abs=0.05)


def test_the_wait_is_the_reset_minus_the_server_clock_when_ours_is_an_hour_off() -> None:
    crowd = Crowd(ahead=-3600.0)
    (first,) = crowd.send(1, NOON + 10)
    crowd.refuse(first, NOON + 10, NOON + 60, limit=5)
    assert crowd.turn(crowd.join(), NOON + 10) == pytest.approx(NOON + 60, abs=0.05)
