"""A bell between threads."""

from __future__ import annotations

import threading

import anyio
import pytest

from tests.fakes.clock import FakeClock, settle
from trudy._concurrency.doorbell import Doorbell

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_it_ends_the_wait_of_a_task_from_another_thread() -> None:
    clock, bell = FakeClock(), Doorbell()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bell.wait, 60.0, clock)
        await settle()
        assert clock.sleeping == 1
        thread = threading.Thread(target=bell.ring)
        thread.start()
        thread.join()
    assert clock.sleeping == 0


async def test_the_clock_ends_it_otherwise() -> None:
    clock, bell = FakeClock(), Doorbell()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bell.wait, 60.0, clock)
        await clock.run(60)
    assert clock.sleeping == 0


async def test_a_ring_before_the_wait_is_not_lost_unless_cleared() -> None:
    clock, bell = FakeClock(), Doorbell()
    bell.ring()
    await bell.wait(60.0, clock)
    bell.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bell.wait, 60.0, clock)
        await settle()
        assert clock.sleeping == 1
        bell.ring()
        bell.ring()


async def test_no_wait_is_so_short_that_the_loop_does_not_turn() -> None:
    clock, bell = FakeClock(), Doorbell()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bell.wait, -5.0, clock)
        await settle()
        assert clock.sleeping == 1
        clock.advance(0.01)


def test_ringing_into_a_closed_loop_is_a_runtime_error(anyio_backend: str) -> None:
    clock, bell = FakeClock(), Doorbell()

    async def wait() -> None:
        with anyio.move_on_after(0):
            await bell.wait(60.0, clock)

    anyio.run(wait, backend=anyio_backend)
    with pytest.raises(RuntimeError):
        bell.ring()
