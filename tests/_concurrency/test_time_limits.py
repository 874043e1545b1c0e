from __future__ import annotations

from contextlib import nullcontext

import anyio
import freezegun
import pytest

from tests.fakes.clock import FakeClock, settle
from trudy._concurrency.loops import bounded, wait_at_most

pytestmark = pytest.mark.anyio


async def test_what_the_action_gives_comes_back() -> None:
    async def action() -> int:
        return 7

    assert await bounded(FakeClock(), 5, action) == 7


async def test_the_clock_ends_an_action_that_takes_too_long() -> None:
    clock = FakeClock()
    ends: list[object] = []

    async def work() -> None:
        ends.append(await bounded(clock, 5, anyio.Event().wait))

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        await clock.run(4)
        assert ends == []
        await clock.run(2)
        assert ends == [None]
    assert clock.sleeping == 0


async def test_without_time_nothing_is_begun() -> None:
    begun: list[bool] = []

    async def action() -> None:
        begun.append(True)

    await bounded(FakeClock(), 0, action)
    assert begun == []


@pytest.mark.parametrize("fault", [LookupError("x"), KeyboardInterrupt(), SystemExit(3)])
async def test_what_the_action_raises_is_raised_as_it_is(fault: BaseException) -> None:
    async def action() -> None:
        await settle()
        raise fault

    clock = FakeClock()
    with pytest.raises(type(fault)) as caught:
        await bounded(clock, 5, action)
    assert caught.value is fault
    assert clock.sleeping == 0


@pytest.mark.parametrize("is_frozen", [False, True])
async def test_an_event_is_waited_for_in_real_seconds_frozen_or_not(is_frozen: bool) -> None:
    event = anyio.Event()
    with freezegun.freeze_time("2020-02-29") if is_frozen else nullcontext():
        assert not await wait_at_most(event, 0.02)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_at_most, event, 3600)
            tasks.start_soon(wait_at_most, event, None)
            await settle()
            event.set()
        assert await wait_at_most(event, 0.02)
