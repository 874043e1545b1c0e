"""The limiter as a pure object: every rule of the windows, one at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.in_process import Go, Late, Ticket, Wait
from trudy.rate_limit.limiter import RateLimitStatus, WindowLimiter

NOON = 1_800_000_000.0
"""A whole minute on the server's clock."""


class Crowd:
    """A limiter and its callers. The server's clock is `ahead` of ours; times here are the server's."""

    def __init__(self, rate_limit: RateLimit | None = None, *, ahead: float = 0.0, seed: int = 1) -> None:
        self.limiter = WindowLimiter(rate_limit, rng=Random(seed))
        self.ahead = ahead
        self.woken: list[Ticket] = []

    def know_clock(self, at: float, round_trip: float = 0.0) -> None:
        self.limiter.server_clock.observe(at, at - self.ahead, round_trip=round_trip)

    def join(self, lane: AdmissionLane = "interactive", **kwargs: float) -> Ticket:
        ticket = self.limiter.join(lane, lambda: self.woken.append(ticket), **kwargs)  # type: ignore[arg-type]
        return ticket

    def poll(self, ticket: Ticket, at: float) -> Go | Wait | Late:
        return self.limiter.poll(ticket, at - self.ahead)

    def goes(self, ticket: Ticket, at: float) -> bool:
        return isinstance(self.poll(ticket, at), Go)

    def turn(self, ticket: Ticket, at: float) -> float:
        verdict = self.poll(ticket, at)
        assert isinstance(verdict, Wait)
        return verdict.until + self.ahead

    def send(self, number: int, at: float, lane: AdmissionLane = "interactive") -> list[Ticket]:
        """Let so many through, and no fewer."""
        tickets = [self.join(lane) for _ in range(number)]
        assert all(self.goes(ticket, at) for ticket in tickets)
        return tickets

    def try_send(self, number: int, at: float, lane: AdmissionLane = "interactive") -> list[Ticket]:
        """Try it with so many; those that may not go leave. Returns those that went."""
        tickets = [self.join(lane) for _ in range(number)]
        gone = [ticket for ticket in tickets if self.goes(ticket, at)]
        for ticket in tickets:
            if ticket not in gone:
                self.limiter.leave(ticket, at - self.ahead)
        return gone

    def fill(self, at: float, lane: AdmissionLane = "interactive") -> int:
        """Send and accept for as long as anyone may go; returns how many went."""
        number = 0
        while gone := self.try_send(1000, at, lane):
            number += len(gone)
            self.accept(gone, at)
        return number

    def refuse(self, ticket: Ticket, at: float, reset_at: float | None, limit: int | None = None) -> None:
        self.limiter.refused(ticket, at - self.ahead, limit=limit, reset_at=reset_at, server_now=at)

    def accept(self, tickets: list[Ticket], at: float) -> None:
        for ticket in tickets:
            self.limiter.leave(ticket, at - self.ahead)

    def status(self, at: float) -> RateLimitStatus:
        return self.limiter.status(at - self.ahead)


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


def test_a_refusal_that_was_read_late_does_not_lengthen_the_wait() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    (first,) = crowd.send(1, NOON + 10)
    crowd.limiter.refused(first, NOON + 11, reset_at=NOON + 60, server_now=NOON + 10.1)
    assert crowd.turn(crowd.join(), NOON + 11) == pytest.approx(NOON + 60, abs=0.05)


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


def test_a_refusal_without_a_limit_changes_none() -> None:
    crowd = Crowd(RateLimit(4))
    crowd.know_clock(NOON)
    first, *_ = crowd.send(4, NOON + 10)
    crowd.refuse(first, NOON + 11, NOON + 60)
    assert crowd.status(NOON + 12).limit == 4
    assert len(crowd.try_send(9, NOON + 60.1)) == 4


@pytest.mark.parametrize(("stated", "then"), [(2, 2), (9, 4)], ids=["lower", "higher"])
def test_the_server_may_lower_an_explicit_limit_but_not_raise_it(stated: int, then: int) -> None:
    crowd = Crowd(RateLimit(4))
    crowd.know_clock(NOON)
    first, *_ = crowd.send(4, NOON + 10)
    crowd.refuse(first, NOON + 11, NOON + 60, limit=stated)
    assert crowd.status(NOON + 12).limit == then
    assert len(crowd.try_send(9, NOON + 60.1)) == then


def test_where_others_share_the_key_the_budget_falls_to_what_was_admitted_and_grows_back() -> None:
    crowd = Crowd(RateLimit(20))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(1, NOON + 10), NOON + 11)
    minute = NOON + 60.5
    tickets = crowd.send(20, minute)
    for ticket in tickets[12:]:
        crowd.refuse(ticket, minute + 1, NOON + 120)
    sent = []
    for _ in range(5):
        minute += 60
        sent.append(crowd.fill(minute))
    assert sent == [12, 14, 18, 20, 20]


@pytest.mark.parametrize("admitted", [0, 1, 6, 49])
def test_one_stray_refusal_lowers_the_budget_by_half_at_most_and_is_made_good_in_a_few_windows(admitted: int) -> None:
    crowd = Crowd(RateLimit(100))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(1, NOON + 10), NOON + 11)
    minute = NOON + 60.5
    *accepted, stray = crowd.send(admitted + 1, minute, "bulk")
    crowd.accept(accepted, minute + 1)
    crowd.refuse(stray, minute + 1, NOON + 120, limit=100)
    shares = []
    for _ in range(4):
        minute += 60
        shares.append(crowd.fill(minute, "bulk"))
    assert shares == ([75] * 4 if admitted == 0 else [37, 46, 64, 75])


def test_a_window_first_seen_half_way_says_nothing_about_other_users() -> None:
    crowd = Crowd(RateLimit(20))
    crowd.know_clock(NOON + 30)
    tickets = crowd.send(20, NOON + 30)
    for ticket in tickets[5:]:
        crowd.refuse(ticket, NOON + 31, NOON + 60)
    assert crowd.fill(NOON + 60.5) == 20


def test_a_window_that_admitted_nothing_is_followed_by_one_request_first() -> None:
    crowd = Crowd(RateLimit(5))
    crowd.know_clock(NOON)
    for ticket in crowd.send(5, NOON + 60.5):
        crowd.refuse(ticket, NOON + 61, NOON + 120)
    (probe,) = crowd.try_send(9, NOON + 120.5)
    crowd.accept([probe], NOON + 121)
    assert len(crowd.try_send(9, NOON + 121)) == 2


def test_interactive_goes_before_waiting_bulk_and_each_lane_keeps_its_order() -> None:
    crowd = Crowd(RateLimit(4, bulk_share=0.5))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(4, NOON + 10), NOON + 11)
    lanes: list[AdmissionLane] = ["bulk", "interactive", "bulk", "interactive", "bulk", "interactive"]
    tickets = [crowd.join(lane) for lane in lanes]
    for ticket in reversed(tickets):
        crowd.poll(ticket, NOON + 12)
    # The last in each lane comes first to ask; those before it are called all the same.
    assert not crowd.goes(tickets[4], NOON + 60.1)
    assert crowd.woken == [tickets[1], tickets[3], tickets[5], tickets[0]]
    assert [crowd.goes(ticket, NOON + 60.2) for ticket in tickets] == [True, True, False, True, False, True]


def test_look_ups_for_lost_calls_go_before_all_who_wait() -> None:
    crowd = Crowd(RateLimit(100))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(100, NOON + 10), NOON + 11)
    crowds = [crowd.join("bulk" if number % 2 else "interactive") for number in range(200)]
    looks = [crowd.join("reconcile") for _ in range(40)]
    for ticket in crowds + looks:
        crowd.poll(ticket, NOON + 12)
    assert all(crowd.goes(ticket, NOON + 60.1) for ticket in looks)
    assert sum(crowd.goes(ticket, NOON + 60.2) for ticket in crowds) == 60


@pytest.mark.parametrize(("limit", "share", "bulk"), [(100, 0.75, 75), (10, 0.29, 2), (3, 0.1, 1), (5, 1.0, 5)])
def test_bulk_gets_at_most_its_share_of_a_window_and_at_least_one(limit: int, share: float, bulk: int) -> None:
    crowd = Crowd(RateLimit(limit, bulk_share=share))
    crowd.know_clock(NOON)
    assert len(crowd.try_send(200, NOON + 10, "bulk")) == bulk
    assert len(crowd.try_send(200, NOON + 10)) == limit - bulk
    assert len(crowd.try_send(200, NOON + 60.1, "bulk")) == bulk


def test_a_refused_request_comes_back_to_its_old_place() -> None:
    crowd = Crowd(RateLimit(4))
    crowd.know_clock(NOON)
    first, second, *rest = crowd.send(4, NOON + 10)
    crowd.accept(rest, NOON + 11)
    waiting = [crowd.join() for _ in range(3)]
    for ticket in waiting:
        crowd.poll(ticket, NOON + 10)
    crowd.refuse(second, NOON + 11, NOON + 60)
    crowd.refuse(first, NOON + 11, NOON + 60)
    back = [crowd.join(place=second.place), crowd.join(place=first.place)]
    for ticket in back:
        crowd.poll(ticket, NOON + 11)
    assert not crowd.goes(waiting[2], NOON + 60.1)
    assert crowd.woken == [back[1], back[0], *waiting[:2]]


def test_leaving_the_queue_frees_the_place_and_tells_the_one_whose_turn_came_nearer() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    crowd.send(1, NOON + 10)
    waiting = [crowd.join() for _ in range(3)]
    turns = [crowd.turn(ticket, NOON + 11) for ticket in waiting]
    assert turns == pytest.approx([NOON + 60, NOON + 120, NOON + 180], abs=0.05)
    crowd.limiter.leave(waiting[0], NOON + 12)
    assert crowd.woken == [waiting[1], waiting[2]]
    crowd.limiter.leave(waiting[0], NOON + 12)
    assert crowd.woken == [waiting[1], waiting[2]]
    assert [crowd.turn(ticket, NOON + 12) for ticket in waiting[1:]] == pytest.approx(turns[:2], abs=0.05)


def test_a_called_ticket_that_leaves_gives_its_turn_to_the_next() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(2, NOON + 10), NOON + 11)
    waiting = [crowd.join() for _ in range(3)]
    for ticket in waiting:
        crowd.poll(ticket, NOON + 11)
    assert crowd.goes(waiting[1], NOON + 60.1)
    assert crowd.woken == [waiting[0]]
    crowd.limiter.leave(waiting[0], NOON + 60.2)
    assert crowd.woken[-1] is waiting[2]
    assert crowd.goes(waiting[2], NOON + 60.2)


@pytest.mark.parametrize(("sent", "left"), [(False, 1), (True, 0)])
def test_budget_comes_back_only_with_proof_that_nothing_was_sent(sent: bool, left: int) -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    first, _ = crowd.send(2, NOON + 10)
    crowd.limiter.leave(first, NOON + 11, sent=sent)
    crowd.limiter.leave(first, NOON + 11, sent=sent)
    assert len(crowd.try_send(2, NOON + 12)) == left


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


def test_a_ticket_whose_loop_is_closed_loses_its_place_and_the_others_are_woken() -> None:
    crowd = Crowd(RateLimit(3))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(3, NOON + 10), NOON + 11)

    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    dead = [crowd.limiter.join("interactive", closed) for _ in range(3)]
    alive = [crowd.join() for _ in range(3)]
    for ticket in dead + alive:
        crowd.poll(ticket, NOON + 11)
    assert crowd.goes(alive[2], NOON + 60.1) is False
    assert crowd.woken == alive
    assert all(crowd.goes(ticket, NOON + 60.2) for ticket in alive)


def test_other_errors_of_a_wake_up_are_not_hidden() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(1, NOON + 10), NOON + 11)

    def broken() -> None:
        raise ValueError("a fault of ours")

    crowd.poll(crowd.limiter.join("interactive", broken), NOON + 11)
    with pytest.raises(ValueError, match="a fault of ours"):
        crowd.poll(crowd.join(), NOON + 60.1)


def test_a_turn_after_the_deadline_is_refused_at_once_from_the_place_in_the_queue() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    crowd.send(2, NOON + 10)
    bound = NOON + 100
    assert [type(crowd.poll(crowd.join(until=bound), NOON + 11)) for _ in range(3)] == [Wait, Wait, Late]
    verdict = crowd.poll(crowd.join(until=bound), NOON + 11)
    assert isinstance(verdict, Late)
    assert verdict.turn == pytest.approx(NOON + 120, abs=0.05)
    assert verdict.limit == 2
    assert verdict.reset_at == datetime.fromtimestamp(NOON + 60, UTC)
    assert crowd.status(NOON + 12).waiting == 2


def test_a_deadline_is_checked_again_when_the_turn_moves_back() -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    crowd.send(2, NOON + 10)
    waiter = crowd.join("bulk", until=NOON + 100)
    assert isinstance(crowd.poll(waiter, NOON + 11), Wait)
    for _ in range(4):
        crowd.poll(crowd.join(), NOON + 12)
    assert isinstance(crowd.poll(waiter, NOON + 60.1), Late)


def test_a_bulk_turn_counts_the_interactive_queue_and_the_share() -> None:
    crowd = Crowd(RateLimit(4, bulk_share=0.5))
    crowd.know_clock(NOON)
    crowd.send(4, NOON + 10)
    for _ in range(5):
        crowd.poll(crowd.join(), NOON + 11)
    turns = [crowd.turn(crowd.join("bulk"), NOON + 11) for _ in range(6)]
    assert turns == pytest.approx([NOON + minutes * 60 for minutes in (2, 2, 2, 3, 3, 3)], abs=0.1)


def test_status_of_a_window() -> None:
    crowd = Crowd(RateLimit(3))
    assert crowd.status(NOON) == RateLimitStatus(limit=3, used=0, reset_at=None, waiting=0)
    crowd.know_clock(NOON + 5)
    crowd.send(3, NOON + 10)
    crowd.poll(crowd.join(), NOON + 10)
    crowd.poll(crowd.join("bulk"), NOON + 10)
    end = datetime.fromtimestamp(NOON + 60, UTC)
    assert crowd.status(NOON + 11) == RateLimitStatus(limit=3, used=3, reset_at=end, waiting=2)
    assert crowd.status(NOON + 59.9).used == 3
    assert Crowd().status(NOON).limit is None


def test_status_after_a_refusal_shows_the_reset() -> None:
    crowd = Crowd(ahead=500.0)
    crowd.know_clock(NOON)
    (ticket,) = crowd.send(1, NOON + 10)
    crowd.refuse(ticket, NOON + 10, NOON + 45, limit=7)
    status = crowd.status(NOON + 11)
    assert status.limit == 7
    assert status.reset_at is not None
    assert status.reset_at.timestamp() == pytest.approx(NOON + 45, abs=0.05)


def test_the_slower_of_two_explicit_limits_paces_all() -> None:
    limiter = WindowLimiter(RateLimit(10))
    limiter.tighten(RateLimit(50))
    assert limiter.status(NOON).limit == 10
    limiter.tighten(RateLimit(4))
    assert limiter.status(NOON).limit == 4
    learning = WindowLimiter(None)
    learning.tighten(RateLimit(6))
    assert learning.status(NOON).limit == 6


def test_a_server_whose_clock_runs_at_another_speed_is_paced_by_ours() -> None:
    crowd = Crowd(RateLimit(2))
    for second in range(10):
        crowd.limiter.server_clock.observe(NOON + 60 * second, NOON + second, round_trip=0.01)
    crowd.accept(crowd.send(2, NOON + 10), NOON + 10)
    waiter = crowd.join()
    assert crowd.turn(waiter, NOON + 11) == pytest.approx(NOON + 70)


def test_ten_thousand_wait_and_only_those_who_may_go_are_woken() -> None:
    crowd = Crowd(RateLimit(100))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(100, NOON + 10), NOON + 11)
    waiting = [crowd.join() for _ in range(10_000)]
    turns = [crowd.turn(ticket, NOON + 11) for ticket in waiting]
    assert turns[99] == pytest.approx(NOON + 60, abs=0.05)
    assert turns[100] == pytest.approx(NOON + 120, abs=0.05)
    assert turns[-1] == pytest.approx(NOON + 6000, abs=4)
    assert crowd.goes(waiting[0], NOON + 60.1)
    assert crowd.woken == waiting[1:100]
    assert crowd.status(NOON + 60.2).waiting == 9_900


def test_a_ticket_that_went_cannot_go_again() -> None:
    crowd = Crowd(RateLimit(5))
    (ticket,) = crowd.send(1, NOON)
    with pytest.raises(RuntimeError, match="gone already"):
        crowd.poll(ticket, NOON + 1)


def test_a_refusal_is_counted_once() -> None:
    crowd = Crowd(RateLimit(10))
    crowd.know_clock(NOON)
    crowd.accept(crowd.send(1, NOON + 10), NOON + 11)
    minute = NOON + 60.5
    tickets = crowd.send(10, minute)
    for _ in range(3):
        crowd.refuse(tickets[0], minute + 1, NOON + 120)
        crowd.limiter.leave(tickets[0], minute + 1)
    assert crowd.fill(NOON + 120.5) == 9


def test_after_a_fork_the_queue_is_empty_and_the_lock_is_free() -> None:
    crowd = Crowd(RateLimit(1))
    crowd.know_clock(NOON)
    crowd.send(1, NOON + 10)
    waiter = crowd.join()
    crowd.poll(waiter, NOON + 11)
    crowd.limiter._lock.acquire()
    crowd.limiter.after_fork()
    assert crowd.status(NOON + 12) == RateLimitStatus(
        limit=1, used=1, reset_at=datetime.fromtimestamp(NOON + 60, UTC), waiting=0
    )
    assert crowd.goes(waiter, NOON + 60.1)
