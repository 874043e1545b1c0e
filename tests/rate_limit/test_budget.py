"""How many requests a window takes, by what the windows before it showed."""

from __future__ import annotations

from math import inf

import pytest

from trudy.options import RateLimit
from trudy.rate_limit.budget import Budget
from trudy.rate_limit.window import Window


def window(sent: int = 0, refused: int = 0, beyond: int = 0, accepted: int = 0) -> Window:
    return Window(opened=0.0, index=0, whole=True, sent=sent, refused=refused, beyond=beyond, accepted=accepted)


def clean(budget: Budget, number: int = 1, *, beyond: int = 0) -> None:
    for _ in range(number):
        budget.settle(window(5, beyond=beyond), idle=0, admitted=None)


def test_nothing_is_known_at_first() -> None:
    budget = Budget(None)
    assert (budget.limit, budget.full, budget.bulk, budget.is_tried) == (None, inf, inf, False)


@pytest.mark.parametrize(
    ("explicit", "stated", "after"),
    [(None, [5], 4), (None, [9, 5], 2), (RateLimit(9), [5], 2)],
    ids=["no higher limit is known", "it was higher", "the caller says more"],
)
def test_a_stated_limit_is_tried_upwards_after_clean_windows(
    explicit: RateLimit | None, stated: list[int], after: int
) -> None:
    budget = Budget(explicit)
    for limit in stated:
        budget.stated(limit)
    for _ in range(after):
        assert not budget.is_tried
        clean(budget)
    assert budget.is_tried
    clean(budget, beyond=3)
    assert budget.full == 8
    clean(budget, beyond=100)
    assert budget.full == (108 if explicit is None else 9)


@pytest.mark.parametrize("stated", [9, 10, 500])
def test_more_than_the_callers_own_limit_is_never_tried(stated: int) -> None:
    budget = Budget(RateLimit(9))
    budget.stated(stated)
    clean(budget, 50)
    assert not budget.is_tried
    assert budget.full == 9


def test_idle_windows_count_as_clean() -> None:
    budget = Budget(None)
    budget.stated(1)
    budget.settle(window(), idle=1440, admitted=None)
    assert budget.is_tried


@pytest.mark.parametrize(
    ("explicit", "stated", "waits"),
    [
        (None, [5], [4, 4, 4, 8, 8, 8, 16, 16]),
        (None, [9, 5], [2, 2, 2, 4, 4, 4, 4]),
        (RateLimit(9), [5], [2, 2, 2, 4, 4, 4, 4]),
    ],
    ids=["no higher limit is known", "it was higher", "the caller says more"],
)
def test_tries_that_are_refused_grow_rare_down_to_a_bound(
    explicit: RateLimit | None, stated: list[int], waits: list[int]
) -> None:
    budget, seen = Budget(explicit), list[int]()
    for limit in stated:
        budget.stated(limit)
    for _ in waits:
        seen.append(0)
        while not budget.is_tried:
            clean(budget)
            seen[-1] += 1
        budget.stated(5)
        budget.settle(window(6, refused=1, beyond=1), idle=0, admitted=5)
    assert seen == waits
    budget.stated(7)
    clean(budget, 4)
    assert budget.is_tried


def test_a_limit_below_what_was_taken_once_is_tried_as_soon_as_one_that_was_higher() -> None:
    budget = Budget(None)
    budget.settle(window(60, accepted=60), idle=0, admitted=None)
    budget.stated(5)
    clean(budget, 2)
    assert budget.is_tried


def test_a_try_that_was_taken_before_it_was_refused_is_repeated_soon() -> None:
    budget = Budget(None)
    for number in range(6):
        budget.stated(5)
        clean(budget, 2)
        clean(budget, 2 if number == 0 else 0)
        assert budget.is_tried
        budget.stated(5)
        budget.settle(window(30, refused=2, beyond=25, accepted=28), idle=0, admitted=28)
    assert budget.full == 5  # the server's word


def test_where_no_limit_is_stated_what_a_try_found_before_it_was_refused_is_the_limit() -> None:
    budget = Budget(None)
    budget.settle(window(20, refused=8), idle=0, admitted=None)
    clean(budget)
    assert budget.is_tried
    budget.settle(window(40, refused=2, beyond=28, accepted=38), idle=0, admitted=38)
    assert budget.full == 38


def test_a_budget_below_the_limit_is_tried_upwards_too_and_no_further_than_the_limit() -> None:
    budget = Budget(RateLimit(100))
    for _ in range(5):
        budget.settle(window(int(budget.full), refused=int(budget.full) - 1), idle=0, admitted=1)
    assert budget.full == 4
    clean(budget)
    assert (budget.full, budget.is_tried, budget.ceiling) == (5, True, 100)
    assert (budget.bulk, budget.most_bulk) == (3, 75)
    clean(budget, beyond=60)
    assert budget.full == 67
    clean(budget, beyond=33)
    assert (budget.full, budget.is_tried) == (100, False)


def test_where_no_limit_is_stated_what_was_admitted_stands_for_it_and_is_no_limit_to_show() -> None:
    budget = Budget(None)
    budget.settle(window(20, refused=8), idle=0, admitted=None)
    assert (budget.limit, budget.full) == (None, 12)
    clean(budget)
    assert budget.is_tried


@pytest.mark.parametrize(
    ("admitted", "budgets"), [(1, [50, 62, 86, 100]), (70, [70, 77, 91, 100]), (99, [99, 100, 100, 100])]
)
def test_after_one_stray_refusal_it_grows_back_quickly(admitted: int, budgets: list[int]) -> None:
    budget = Budget(RateLimit(100))
    budget.settle(window(100, refused=100 - admitted), idle=0, admitted=admitted)
    seen = []
    for _ in range(4):
        seen.append(budget.full)
        clean(budget)
    assert seen == budgets


def test_steady_other_users_cost_one_refusal_now_and_then() -> None:
    budget, refused = Budget(RateLimit(100)), list[int]()
    for _ in range(12):
        over = max(0, int(budget.full) - 70)
        refused.append(over)
        budget.settle(window(int(budget.full), refused=over), idle=0, admitted=70 if over else None)
    assert refused == [30, 0, 7, 0, 1, 0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(("share", "bulk"), [(0.75, 75), (0.001, 1), (1.0, 100), (0.29, 29)])
def test_the_bulk_lanes_share(share: float, bulk: int) -> None:
    assert Budget(RateLimit(100, bulk_share=share)).bulk == bulk


def test_a_limit_that_falls_after_a_stray_refusal_is_tried_upwards_all_the_same() -> None:
    budget = Budget(None)
    budget.stated(30)
    budget.settle(window(30, refused=15), idle=0, admitted=15)
    clean(budget)
    budget.stated(1)
    budget.settle(window(20, refused=2, accepted=18), idle=0, admitted=18)
    assert (budget.full, budget.is_tried) == (1, False)
    clean(budget, 2)
    assert budget.is_tried
