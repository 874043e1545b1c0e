"""Three workers, and all that may happen to them and to their database; the sandbox judges by its own record."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from attrs import evolve

from tests.dialer.child import POLICY, numbers_that
from tests.dialer.fleet.controller import Fleet, fleet
from tests.dialer.full_disk import full_disk
from trudy import RateLimit, TrudyClient
from trudy.dialer import Hours
from trudy.dialer.throwaway_postgres import PostgresServer
from trudy.rate_limit.postgres import PostgresRateLimiter

ENDINGS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 30, 31, 40, 50, 91, 92, 93]
"""Most answer; some lose the answer to the create, or are refused."""
SLOW = evolve(POLICY, gap=2.0, max_live=20, unresolved_after=60.0)
"""A campaign that lasts as long as what is done to it; the sandbox places a late call after 40 seconds."""
LAGGING = frozenset({"lagging_calls"})


def test_workers_that_are_killed_and_stopped_ring_nobody_twice_and_lose_nobody(postgres_url: str) -> None:
    policy = evolve(SLOW, hours=Hours())
    with fleet(postgres_url, numbers_that(120, *ENDINGS), seed=1, policy=policy, quirks=LAGGING) as it:
        it.until_placed(10)
        stopped = it.stop()
        had = it.shards_of(stopped)
        for _ in range(20):
            it.kill_while_it_dials(0.0, 1.0)
        it.until(lambda: it.shards_of(stopped) < had)
        it.thaw(stopped)
        assert it.kills == 20, "the campaign was done too soon"
        it.until_done()
        it.judge()
        it.check_hours()


def test_a_database_that_restarts_and_fills_up_under_workers(postgres: PostgresServer, postgres_url: str) -> None:
    with fleet(postgres_url, numbers_that(80, *ENDINGS), seed=3, policy=SLOW) as it:
        it.until_placed(10)
        restart(postgres)
        it.until_placed(30)
        stay_full(it, postgres)
        assert not it.is_done()
        it.until_done()
        it.judge()


def restart(postgres: PostgresServer) -> None:
    """As a crash."""
    postgres.stop("immediate")
    postgres.start()


def stay_full(it: Fleet, postgres: PostgresServer) -> None:
    """The disk, for some seconds, in which nothing leaves but what had its intent before."""
    with full_disk(postgres, it.job.store):
        placed = it.placed()
        it.rest(2.0, 3.0)
        assert it.placed() <= placed + SLOW.max_live


@contextmanager
def web_app(it: Fleet) -> Iterator[list[float]]:
    """A process that shows something to a person every second; the seconds that it took."""
    took: list[float] = []
    is_over = threading.Event()
    limiter = PostgresRateLimiter(str(it.job.store), rate_limit=it.job.limit)

    def serve(client: TrudyClient) -> None:
        while not is_over.wait(1.0):
            began = time.monotonic()
            client.agents.get(it.job.agent)
            took.append(time.monotonic() - began)

    environment = it.job.environment
    with (
        TrudyClient(
            environment["TRUDY_API_KEY"], base_url=environment["TRUDY_BASE_URL"], rate_limiter=limiter
        ) as client,
        ThreadPoolExecutor(1) as threads,
    ):
        served = threads.submit(serve, client)
        try:
            yield took
        finally:
            is_over.set()
            served.result()
    limiter.close()


def test_workers_share_a_rate_limit_with_a_web_app_and_one_that_is_killed_gives_nothing_twice(
    postgres_url: str,
) -> None:
    limit = RateLimit(20, window=4)
    policy = evolve(POLICY, gap=0, max_live=200)
    # In real time, as the limit that they share keeps it.
    sandbox = {"speed": 1.0, "start": None, "rate_limit": limit.limit, "window": limit.window, "talk_seconds": 1.0}
    numbers = numbers_that(230, *range(23))
    with (
        fleet(postgres_url, numbers, seed=4, policy=policy, limit=limit, faults=(), **sandbox) as it,
        web_app(it) as waits,
    ):
        until = time.monotonic() + 60
        while len(it.sandbox.requests_per_window()) < 6:
            assert time.monotonic() < until
            it.rest(1.0, 2.0)
            if it.kills < 3:
                it.kill()
        windows = it.sandbox.requests_per_window()
        it.sandbox.assert_no_number_dialed_twice()
    assert max(window.refused for window in windows) <= 1, windows
    assert sum(window.admitted for window in windows[1:-1]) >= 30, windows
    assert sorted(waits)[-3] < limit.window / 2, "bulk requests leave it a share of each window"


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_kills(postgres: PostgresServer, postgres_url: str, seed: int) -> None:
    """With everything else that may happen between them."""
    policy = evolve(SLOW, gap=6.0)
    quirks = LAGGING | ({"calls_without_variables"} if seed % 2 else set())
    with fleet(postgres_url, numbers_that(220, *ENDINGS), seed=100 + seed, policy=policy, quirks=quirks) as it:
        endure(it, postgres)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_fifty_kills_under_a_rate_limit_that_the_workers_share(postgres: PostgresServer, postgres_url: str) -> None:
    """In real time, as the limit keeps it, and as fast as it lets them."""
    limit = RateLimit(12, window=6)
    # A call that shows after it was given up is found within a minute, which is longer here than the end takes.
    policy = evolve(SLOW, gap=0, max_live=60, unresolved_after=150.0)
    sandbox = {"speed": 1.0, "start": None, "rate_limit": limit.limit, "window": limit.window, "talk_seconds": 5.0}
    numbers = numbers_that(220, *ENDINGS)
    with fleet(postgres_url, numbers, seed=200, policy=policy, quirks=LAGGING, limit=limit, **sandbox) as it:
        endure(it, postgres)
        windows = it.sandbox.requests_per_window()
    assert max(window.refused for window in windows) <= 1, windows
    assert max(window.admitted for window in windows) >= limit.limit * 0.7, "the limit was never in the way"


def endure(it: Fleet, postgres: PostgresServer) -> None:
    """Fifty kills, and between them workers that are stopped, restarts of the database and a full disk."""
    it.until_placed(10)
    for turn in range(50):
        if turn % 20 == 5:
            stopped = it.stop()
        elif turn % 20 == 19:
            it.thaw(stopped)
        elif turn % 20 == 10:
            restart(postgres)
        elif turn % 40 == 15:
            stay_full(it, postgres)
        it.kill_while_it_dials(0.0, 1.2)
    it.thaw(stopped)
    assert it.kills == 50, "the campaign was done too soon"
    it.until_done(600)
    it.judge()
