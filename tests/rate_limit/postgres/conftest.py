"""Limiters of several processes on one real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from attrs import evolve

import trudy
from trudy.clock import monotonic
from trudy.options import AdmissionLane, RateLimit
from trudy.rate_limit.fleet import Fleet
from trudy.rate_limit.postgres import PostgresRateLimiter
from trudy.rate_limit.postgres_tables import RateTables
from trudy.rate_limit.protocol import RateLimitFacts

HOUR = RateLimit(5, window=3600)
IN_USE = "FROM pg_stat_activity WHERE application_name = 'trudy rate limiter' AND datname = current_database()"
Make = Callable[..., PostgresRateLimiter]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(postgres_url: str) -> Iterator[Make]:
    """Limiters on one empty database, as processes would have them."""
    made: list[PostgresRateLimiter] = []
    groups: set[str] = set()

    def make(
        rate_limit: RateLimit | int | None = HOUR, *, url: str = postgres_url, group: str = "default"
    ) -> PostgresRateLimiter:
        if url == postgres_url and group not in groups:
            groups.add(group)
            begin_a_window(url, group, RateLimit.of(rate_limit) or RateLimit())
        made.append(PostgresRateLimiter(url, rate_limit=rate_limit, group=group))
        return made[-1]

    yield make
    for limiter in made:
        limiter.close()


def begin_a_window(url: str, group: str, pace: RateLimit) -> None:
    """Windows begin a quarter of their length before now, so that no test depends on the hour."""

    def change(fleet: Fleet) -> None:
        phase = (fleet.now - pace.window / 4) % pace.window
        fleet.limit = evolve(fleet.limit, phase=phase, learned_at=fleet.now)

    tables = RateTables(url, group, pace, is_given=True)
    tables.change(change)
    tables.close()


async def taken(limiter: PostgresRateLimiter, lane: AdmissionLane = "interactive", *, patience: float = 0) -> bool:
    try:
        permit = await limiter.admit(lane, monotonic() + 5 if patience == 0 else monotonic() + patience)
    except trudy.RateLimitError:
        return False
    await permit.settle(RateLimitFacts(refused=False))
    return True


def one(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]
        return None if row is None else row[0]
