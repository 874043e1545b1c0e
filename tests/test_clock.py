"""The machine's clock, while a test of the user's has frozen time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

import anyio
import freezegun
import pytest
import time_machine

from trudy.clock import SystemClock

MOMENT = datetime(2020, 2, 29, tzinfo=UTC)
Freeze = Callable[[], AbstractContextManager[Any]]
FREEZES: dict[str, Freeze] = {
    "nothing": nullcontext,
    "freezegun": lambda: freezegun.freeze_time(MOMENT),
    "freezegun, ticking": lambda: freezegun.freeze_time(MOMENT, tick=True),
    "freezegun, real_asyncio": lambda: freezegun.freeze_time(MOMENT, real_asyncio=True),
    "freezegun, before the machine was started": lambda: freezegun.freeze_time("1970-01-01"),
    "time-machine": lambda: time_machine.travel(MOMENT, tick=False),
    "time-machine, ticking": lambda: time_machine.travel(MOMENT, tick=True),
}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
def test_a_sleep_ends_when_real_time_has_passed(freeze: Freeze, anyio_backend: str) -> None:
    clock = SystemClock()
    began = time.monotonic()

    async def sleep() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(clock.sleep, 0.05)

    with freeze():
        anyio.run(sleep, backend=anyio_backend)
    assert 0.05 <= time.monotonic() - began < 10


@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
def test_monotonic_is_the_machines_own_and_goes_on(freeze: Freeze) -> None:
    clock = SystemClock()
    before = time.monotonic()
    with freeze():
        seen = [clock.monotonic() for _ in range(1000)]
    assert before <= seen[0] < seen[-1] <= time.monotonic()


@pytest.mark.parametrize("freeze", FREEZES.values(), ids=FREEZES)
def test_a_sleep_that_is_cancelled_ends(freeze: Freeze, anyio_backend: str) -> None:
    clock = SystemClock()

    async def sleep() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(clock.sleep, 3600)
            await clock.sleep(0.01)
            tasks.cancel_scope.cancel()

    with freeze():
        anyio.run(sleep, backend=anyio_backend)


def test_the_wall_clock_follows_the_frozen_one() -> None:
    with freezegun.freeze_time(MOMENT):
        assert SystemClock().time() == MOMENT.timestamp()
