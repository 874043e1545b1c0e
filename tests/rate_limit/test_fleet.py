"""What a fleet shares: how many go in a window, over all processes, whatever the clocks say."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from trudy.options import RateLimit
from trudy.rate_limit.fleet import Closed, Fleet, SharedLimit, SharedWindow, TakenPlace
from trudy.rate_limit.protocol import RateLimitFacts

NOON = 1_800_000_000.0


class Table:
    """What stands in the database between two transactions."""

    def __init__(self, pace: RateLimit | None = RateLimit(10)) -> None:  # noqa: B008 - frozen
        self.pace = pace or RateLimit()
        self.is_given = pace is not None
        self.limit = SharedLimit()
        self.windows: dict[float, SharedWindow] = {}

    def at(self, now: float) -> Fleet:
        fleet = Fleet(
            pace=self.pace, is_given=self.is_given, now=NOON + now, limit=self.limit, windows=dict(self.windows)
        )
        self.windows = fleet.windows
        return fleet

    def take(self, now: float, *, bulk: bool = False) -> TakenPlace | Closed:
        fleet = self.at(now)
        place = fleet.take(bulk=bulk)
        self.windows = fleet.kept
        return place

    def take_all(self, now: float, *, bulk: bool = False) -> int:
        return sum(1 for _ in iter(lambda: isinstance(self.take(now, bulk=bulk), TakenPlace), False))

    def refuse(self, taken: TakenPlace | Closed, now: float, facts: RateLimitFacts) -> None:
        assert isinstance(taken, TakenPlace)
        fleet = self.at(now)
        fleet.refused(taken, facts)
        self.limit, self.windows = fleet.limit, fleet.kept

    def opens(self, now: float) -> float:
        place = self.take(now)
        assert isinstance(place, Closed)
        return place.opens - NOON


def facts(limit: int | None = 10, *, reset: float | None = 60.0, server: float | None = 20.0) -> RateLimitFacts:
    """A refusal; times are seconds after noon on the server's clock, to the microsecond."""
    return RateLimitFacts(
        refused=True,
        limit=limit,
        reset_at=None if reset is None else datetime.fromtimestamp(NOON + reset, UTC),
        server_time=None if server is None else datetime.fromtimestamp(NOON + server + 1e-4, UTC),
    )


def test_a_window_takes_the_limit_and_the_next_one_again() -> None:
    table = Table()
    assert table.take_all(20) == 10
    assert table.opens(21) == pytest.approx(61.5)
    assert table.take_all(61.4) == 0
    assert table.take_all(61.6) == 10


def test_bulk_leaves_its_share() -> None:
    table = Table(RateLimit(10, bulk_share=0.75))
    assert table.take_all(20, bulk=True) == 7
    assert table.take_all(20) == 3
    assert Table(RateLimit(1)).take_all(20, bulk=True) == 1


def test_what_was_used_by_interactive_calls_is_not_there_for_bulk() -> None:
    table = Table()
    for _ in range(6):
        table.take(20)
    assert table.take_all(20, bulk=True) == 4


def test_a_request_near_the_edge_counts_in_both_windows() -> None:
    table = Table()
    for _ in range(4):
        assert isinstance(table.take(58), TakenPlace)
    assert table.take_all(70) == 6


def test_a_place_is_given_back_in_its_own_window_and_once() -> None:
    table = Table()
    early = [table.take(20) for _ in range(10)]
    assert table.take_all(70) == 10
    fleet = table.at(71)
    assert isinstance(early[0], TakenPlace)
    fleet.give_back(early[0])
    assert table.take_all(72) == 0
    assert table.windows[NOON].sent == 9


def test_a_refusal_closes_the_window_for_all_and_teaches_the_limit() -> None:
    table = Table(RateLimit(100))
    places = [table.take(20) for _ in range(41)]
    table.refuse(places[-1], 20.1, facts(40))
    assert table.take_all(21) == 0
    assert 60 <= table.opens(21) <= 60.3
    assert table.take_all(61) == 40
    assert table.at(61).full == 40


def test_the_servers_clock_is_learned_and_shared() -> None:
    table = Table()
    place = table.take(20)
    table.refuse(place, 20.2, facts(server=50.1, reset=60))  # its clock is 30 s ahead
    assert table.take_all(29.9) == 0
    assert table.take_all(31) == 10
    assert table.take_all(88) == 0
    assert table.take_all(90.5) == 10


def test_a_clock_that_is_behind_is_learned_too_and_what_was_counted_under_wrong_numbers_is_void() -> None:
    table = Table()
    places = [table.take(20) for _ in range(10)]
    table.refuse(places[0], 20.2, facts(server=-24.9, reset=0))
    assert table.take_all(40) == 0
    assert table.take_all(46) == 10


def test_a_refusal_of_an_earlier_window_closes_nothing() -> None:
    table = Table()
    place = table.take(20)
    assert isinstance(table.take(70), TakenPlace)
    table.refuse(place, 71, facts(7, reset=60, server=59.9))
    assert table.take_all(72) == 6
    assert table.limit.closed_until == 0


def test_of_several_resets_the_earliest_holds() -> None:
    table = Table()
    first, second = table.take(20), table.take(20)
    table.refuse(first, 20.1, facts(reset=50))
    table.refuse(second, 20.1, facts(reset=40))
    assert table.opens(21) <= 40.3


@pytest.mark.parametrize("reset", [None, 10.0, 20.0, 1e7])
def test_a_reset_that_cannot_be_believed_closes_to_the_end_of_the_window(reset: float | None) -> None:
    table = Table()
    table.refuse(table.take(20), 20.1, facts(None, reset=reset))
    assert table.opens(21) == pytest.approx(60, abs=0.5)


def test_windows_that_begin_elsewhere_are_followed() -> None:
    table = Table()
    table.refuse(table.take(20), 20.1, facts(reset=45))
    assert table.take_all(46) == 10
    assert table.take_all(61) == 0
    assert table.opens(61) == pytest.approx(105, abs=0.5)


def test_a_reset_one_length_ahead_shows_no_phase() -> None:
    table = Table()
    table.refuse(table.take(20), 20.1, facts(reset=80.1))
    assert table.limit.phase == 0
    assert table.opens(21) == pytest.approx(80.1, abs=0.3)


def test_while_no_limit_is_known_one_goes_after_the_other() -> None:
    table = Table(None)
    first = table.take(20)
    assert isinstance(first, TakenPlace)
    assert table.opens(20.1) == pytest.approx(20.15)
    fleet = table.at(20.2)
    fleet.answered(first.starts)
    assert isinstance(table.take(20.2), TakenPlace)
    assert table.opens(22.19) == pytest.approx(22.2)
    assert isinstance(table.take(22.3), TakenPlace)  # a call rings: a refusal would have come by now
    table.refuse(table.take(24.4), 24.5, facts(3, server=24.45))
    assert table.take_all(61) == 3


def test_what_others_left_is_kept_to_and_grows_back() -> None:
    table = Table()
    places = [table.take(20) for _ in range(5)]
    table.refuse(places[-1], 20.1, facts(10))
    assert table.take_all(61) == 4
    assert [table.take_all(minute * 60 + 2) for minute in range(2, 6)] == [6, 8, 10, 10]


def test_a_database_whose_clock_was_set_back_keeps_its_count() -> None:
    table = Table()
    assert table.take_all(10_000) == 10
    assert table.take_all(20) == 10
    assert table.take_all(21) == 0
    assert len(table.windows) <= 6


@given(
    st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.floats(0, 2.9)), max_size=200),
    st.floats(-100, 100),
    st.integers(1, 20),
)
def test_no_window_of_the_server_takes_more_than_the_limit(
    steps: list[tuple[float, bool, float]], offset: float, limit: int
) -> None:
    """Whenever they are asked for, and however long they are under way, once the offset is known."""
    table = Table(RateLimit(limit))
    table.limit = evolve(SharedLimit(), low=offset - 0.1, high=offset + 0.1, learned_at=NOON)
    now, arrivals = 0.0, list[float]()
    for passes, bulk, transit in steps:
        now += passes / 10
        if isinstance(table.take(now, bulk=bulk), TakenPlace):
            arrivals.append(NOON + now + offset + transit)
    for start in {arrival // 60 for arrival in arrivals}:
        assert sum(arrival // 60 == start for arrival in arrivals) <= limit


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_whoever_waits_as_told_gets_a_place(waits: list[float]) -> None:
    table, now = Table(RateLimit(3)), 0.0
    moments = [now]
    for extra in waits:
        place = table.take(now)
        while isinstance(place, Closed):
            assert place.opens > NOON + now
            now = place.opens - NOON + extra
            place = table.take(now)
        moments.append(now)
    assert all(later - earlier <= 130 for earlier, later in pairwise(moments))
