"""The limiter of this process behind the protocol."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest

from tests.fakes.clock import NOON, FakeClock
from trudy.errors import RateLimitError
from trudy.options import RateLimit
from trudy.rate_limit.in_process import InProcessRateLimiter
from trudy.rate_limit.limiter import WindowLimiter
from trudy.rate_limit.protocol import RateLimitFacts

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOON + seconds, UTC)


@pytest.mark.parametrize(
    ("facts", "wait"),
    [
        ({"reset_at": at(20), "server_time": at(5)}, 15),
        ({"reset_at": at(3600 + 20), "server_time": at(3600 + 5)}, 15),
        ({"reset_at": at(20)}, 20),
        ({"retry_after": 7.0}, 7),
    ],
    ids=["by the server's clock", "whose clock is an hour ahead", "by our own where it tells none", "retry after"],
)
async def test_the_wait_after_a_refusal(facts: dict[str, object], wait: float) -> None:
    clock = FakeClock()
    limiter = InProcessRateLimiter(WindowLimiter(), clock)
    first = await limiter.admit("interactive", clock.monotonic())
    await first.settle(RateLimitFacts(refused=True, limit=5, **facts))  # type: ignore[arg-type]
    told: list[float] = []

    async def on_wait(seconds: float) -> None:
        told.append(seconds)

    with pytest.raises(RateLimitError):
        await limiter.admit("interactive", clock.monotonic() + wait - 1, refused=first)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: limiter.admit("bulk", clock.monotonic() + 60, refused=first, on_wait=on_wait))
        await clock.run(wait - 0.1)
        assert limiter.status().waiting == 1
        await clock.run(0.2)
        assert limiter.status().waiting == 0
    assert told == [pytest.approx(wait)]


async def test_two_clients_share_what_their_credential_may_send() -> None:
    clock, shared = FakeClock(), WindowLimiter(RateLimit(2))
    one, other = (InProcessRateLimiter(shared, clock) for _ in range(2))
    for limiter in (one, other):
        await limiter.admit("interactive", clock.monotonic())
    for limiter in (one, other):
        with pytest.raises(RateLimitError, match=r"it may wait 5\.0 s"):
            await limiter.admit("interactive", clock.monotonic() + 5)
    assert one.status() == other.status()


async def test_a_place_that_is_released_is_free_and_one_that_is_settled_is_not() -> None:
    clock = FakeClock()
    limiter = InProcessRateLimiter(WindowLimiter(RateLimit(1)), clock)
    await (await limiter.admit("interactive", clock.monotonic())).release()
    permit = await limiter.admit("interactive", clock.monotonic())
    for facts in (None, RateLimitFacts(refused=False)):
        await permit.settle(facts)
        with pytest.raises(RateLimitError):
            await limiter.admit("interactive", clock.monotonic())


async def test_a_hook_that_fails_while_the_wait_is_announced_leaves_no_ticket_behind() -> None:
    clock = FakeClock()
    limiter = InProcessRateLimiter(WindowLimiter(RateLimit(1)), clock)
    await limiter.admit("interactive", clock.monotonic())

    async def broken(seconds: float) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await limiter.admit("interactive", clock.monotonic() + 100, on_wait=broken)
    assert limiter.status().waiting == 0
