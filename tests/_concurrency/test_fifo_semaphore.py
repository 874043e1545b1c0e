"""Permits, first come, first served, through any order of asking, cancelling and giving back."""

from __future__ import annotations

import random

import anyio
import anyio.lowlevel
import pytest

from trudy._concurrency.fifo_semaphore import FifoSemaphore

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_permits_are_handed_over_in_the_order_of_asking() -> None:
    limiter = FifoSemaphore(1)
    assert await limiter.acquire(None)
    order: list[int] = []

    async def wait(number: int) -> None:
        assert await limiter.acquire(None)
        order.append(number)
        limiter.release()

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(wait, number)
            await anyio.wait_all_tasks_blocked()
        assert limiter.waiting == 20
        limiter.release()
    assert order == list(range(20))
    assert (limiter.free, limiter.waiting) == (1, 0)


async def test_nobody_overtakes_a_waiter() -> None:
    limiter = FifoSemaphore(1)
    assert await limiter.acquire(None)
    async with anyio.create_task_group() as group:
        group.start_soon(limiter.acquire, None)
        await anyio.wait_all_tasks_blocked()
        limiter.release()  # it is the waiter's now, though it has not run yet
        assert not await limiter.acquire(0)
    assert limiter.free == 0


async def test_time_runs_out() -> None:
    limiter = FifoSemaphore(1)
    assert await limiter.acquire(0)
    assert not await limiter.acquire(0.01)
    assert limiter.waiting == 0
    limiter.release()
    assert limiter.free == 1


async def test_a_waiter_cancelled_just_when_its_turn_comes_passes_it_on() -> None:
    limiter = FifoSemaphore(1)
    assert await limiter.acquire(None)
    scope = anyio.CancelScope()
    got: list[str] = []

    async def first() -> None:
        with scope:
            await limiter.acquire(None)
            got.append("first")
            limiter.release()

    async def second() -> None:
        await limiter.acquire(None)
        got.append("second")

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        limiter.release()
        scope.cancel()
    # Loops differ in which of the two the first one meets; the second gets the permit in any case.
    assert got[-1] == "second"
    assert limiter.free == 0


async def test_no_permit_is_lost_or_doubled_at_random() -> None:
    rng = random.Random(7)
    limiter = FifoSemaphore(3)
    holding = most = 0

    async def work() -> None:
        nonlocal holding, most
        for _ in range(50):
            with anyio.move_on_after(rng.choice((0.0, 0.0005, 1.0))):
                if not await limiter.acquire(rng.choice((0.0, 0.0005, None))):
                    continue
                holding += 1
                most = max(most, holding)
                try:
                    for _ in range(rng.randrange(3)):
                        await anyio.lowlevel.checkpoint()
                finally:
                    holding -= 1
                    limiter.release()

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(work)
    assert most == 3
    assert (holding, limiter.free, limiter.waiting) == (0, 3, 0)
