"""The limit and what is left of it: learned, lowered by others, given back, and shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.rate_limit.crowd import NOON, Crowd
from trudy.options import RateLimit
from trudy.rate_limit.limiter import RateLimitStatus, WindowLimiter


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


@pytest.mark.parametrize(("sent", "left"), [(False, 1), (True, 0)])
def test_budget_comes_back_only_with_proof_that_nothing_was_sent(sent: bool, left: int) -> None:
    crowd = Crowd(RateLimit(2))
    crowd.know_clock(NOON)
    first, _ = crowd.send(2, NOON + 10)
    crowd.limiter.leave(first, NOON + 11, sent=sent)
    crowd.limiter.leave(first, NOON + 11, sent=sent)
    assert len(crowd.try_send(2, NOON + 12)) == left


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
