"""Who goes next: lanes and their shares, places in the queue, deadlines, and who is woken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.rate_limit.crowd import NOON, Crowd
from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.in_process import Late, Wait
from trudy.rate_limit.limiter import RateLimitStatus


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
