"""A wakeup between threads."""

from __future__ import annotations

import threading

import anyio
import pytest

from tests.fakes.clock import FakeClock, settle
from trudy._concurrency.loops import Wakeup

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_it_ends_the_wait_of_a_task_from_another_thread() -> None:
    clock, wakeup = FakeClock(), Wakeup()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wakeup.wait, 60.0, clock)
        await settle()
        assert clock.sleeping == 1
        thread = threading.Thread(target=wakeup.set)
        thread.start()
        thread.join()
    assert clock.sleeping == 0


async def test_the_clock_ends_it_otherwise() -> None:
    clock, wakeup = FakeClock(), Wakeup()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wakeup.wait, 60.0, clock)
        await clock.run(60)
    assert clock.sleeping == 0


async def test_a_ring_before_the_wait_is_not_lost_unless_cleared() -> None:
    clock, wakeup = FakeClock(), Wakeup()
    wakeup.set()
    await wakeup.wait(60.0, clock)
    wakeup.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wakeup.wait, 60.0, clock)
        await settle()
        assert clock.sleeping == 1
        wakeup.set()
        wakeup.set()


async def test_no_wait_is_so_short_that_the_loop_does_not_turn() -> None:
    clock, wakeup = FakeClock(), Wakeup()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wakeup.wait, -5.0, clock)
        await settle()
        assert clock.sleeping == 1
        clock.advance(0.01)


def test_ringing_into_a_closed_loop_is_a_runtime_error(anyio_backend: str) -> None:
    clock, wakeup = FakeClock(), Wakeup()

    async def wait() -> None:
        with anyio.move_on_after(0):
            await wakeup.wait(60.0, clock)

    anyio.run(wait, backend=anyio_backend)
    with pytest.raises(RuntimeError):
        wakeup.set()
