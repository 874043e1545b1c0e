from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest

from trudy.sandbox import SandboxClock


async def asleep(clock: SandboxClock, count: int = 1) -> None:
    while clock.sleepers < count:
        await anyio.lowlevel.checkpoint()


def test_it_stands_still_at_speed_nought() -> None:
    clock = SandboxClock(start=1000.0, speed=0)
    assert (clock.time(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(seconds=1, minutes=2, hours=3)
    assert (clock.time(), clock.monotonic()) == (11_921.0, 10_921.0)


def test_it_runs_at_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [50.0]
    monkeypatch.setattr("trudy.sandbox.clock.time.monotonic", lambda: real[0])
    clock = SandboxClock(start=0.0, speed=60)
    real[0] += 2
    assert clock.time() == 120
    clock.speed = 1
    real[0] += 2
    assert clock.time() == 122
    clock.advance(seconds=8)
    assert clock.time() == 130


@pytest.mark.parametrize("step", [-1.0, float("inf"), float("nan")])
def test_it_only_goes_ahead(step: float) -> None:
    with pytest.raises(ValueError, match="ahead"):
        SandboxClock().advance(seconds=step)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan")])
def test_speed_is_checked(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SandboxClock(speed=speed)
    with pytest.raises(ValueError, match="speed"):
        SandboxClock().speed = speed


@pytest.mark.anyio
async def test_a_step_wakes_those_whose_time_has_come() -> None:
    clock = SandboxClock(speed=0)
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(sleep, 10.0)
            group.start_soon(sleep, 20.0)
            await asleep(clock, 2)
            clock.advance(seconds=10)
            while not woken:
                await anyio.lowlevel.checkpoint()
            assert woken == [10.0]
            await asleep(clock, 1)
            clock.advance(seconds=9.5)
            await asleep(clock, 1)
            assert woken == [10.0]
            clock.advance(seconds=0.5)
    assert woken == [10.0, 20.0]
    assert clock.sleepers == 0


@pytest.mark.anyio
async def test_a_running_clock_wakes_by_itself_and_no_sleep_is_none() -> None:
    clock = SandboxClock(speed=1_000_000)
    with anyio.fail_after(5):
        await clock.sleep(1000.0)
        await clock.sleep(0)
        await clock.sleep(-1)
    assert clock.monotonic() >= 1000


@pytest.mark.anyio
async def test_a_cancelled_sleeper_leaves() -> None:
    clock = SandboxClock(speed=0)
    async with anyio.create_task_group() as group:
        group.start_soon(clock.sleep, 10.0)
        await asleep(clock)
        group.cancel_scope.cancel()
    assert clock.sleepers == 0


@pytest.mark.anyio
async def test_changing_the_speed_shortens_a_sleep_under_way() -> None:
    clock = SandboxClock(speed=0)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(clock.sleep, 3600.0)
            await asleep(clock)
            clock.speed = 1_000_000
    assert clock.monotonic() >= 3600


def test_sleepers_of_several_loops_in_several_threads_wake() -> None:
    clock = SandboxClock(speed=0)
    threads = [
        threading.Thread(target=anyio.run, args=(clock.sleep, 60.0), kwargs={"backend": backend})
        for backend in ("asyncio", "trio", "asyncio")
    ]
    for thread in threads:
        thread.start()
    clock.wait_for_sleepers(3)
    clock.advance(minutes=1)
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.asyncio
async def test_a_sleeper_whose_loop_is_gone_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed() -> None:
        raise RuntimeError("Event loop is closed")

    monkeypatch.setattr("trudy.pipeline.wake.wakeable", lambda: (anyio.Event(), closed))
    clock = SandboxClock(speed=0)
    task = asyncio.create_task(clock.sleep(60))
    await asleep(clock)
    clock.advance(seconds=1)
    assert clock.sleepers == 0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_waiting_for_sleepers_ends() -> None:
    with pytest.raises(TimeoutError, match="0 sleepers and not 1"):
        SandboxClock(speed=0).wait_for_sleepers(timeout=0.001)
