from __future__ import annotations

import asyncio
import logging
import threading
import time

import anyio
import anyio.lowlevel
import pytest

from trudy.sandbox import Sandbox, SandboxClock


async def asleep(clock: SandboxClock, count: int = 1) -> None:
    while clock.sleepers < count:
        await anyio.lowlevel.checkpoint()


def test_it_stands_still_at_speed_0() -> None:
    clock = SandboxClock(start=1000.0, speed=0)
    assert (clock.time(), clock.monotonic()) == (1000.0, 0.0)
    clock.advance(seconds=1, minutes=2, hours=3)
    assert (clock.time(), clock.monotonic()) == (11_921.0, 10_921.0)


def test_it_runs_at_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [50.0]
    monkeypatch.setattr("trudy.sandbox.clock.monotonic", lambda: real[0])
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


@pytest.mark.parametrize("hours", [1e12, 10**400])
def test_it_does_not_leave_the_calendar(hours: float) -> None:
    clock = SandboxClock(speed=0)
    with pytest.raises(ValueError, match="ahead"):
        clock.advance(hours=hours)
    assert clock.monotonic() == 0
    with pytest.raises(ValueError, match="2999"):
        SandboxClock(start=1e12)


@pytest.mark.parametrize("speed", [-1.0, 1e300, float("inf"), float("nan")])
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

    monkeypatch.setattr("trudy._concurrency.loops.thread_safe_event", lambda: (anyio.Event(), closed))
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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trudy.sandbox.clock.PATIENCE_SECONDS", 0.1)


@pytest.mark.anyio
@pytest.mark.usefixtures("impatient")
async def test_a_standing_clock_jumps_to_its_first_sleeper_when_nobody_moves_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = SandboxClock(speed=0)
    woken: list[tuple[float, float]] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    with caplog.at_level(logging.WARNING, "trudy.sandbox"), anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for seconds in (20.0, 10.0, 30.0):
                group.start_soon(sleep, seconds)
    assert woken == [(seconds, pytest.approx(seconds, abs=1e-3)) for seconds in (10.0, 20.0, 30.0)]
    assert all(reached > seconds for seconds, reached in woken)
    assert "nobody called advance()" in caplog.text


@pytest.mark.anyio
@pytest.mark.usefixtures("impatient")
async def test_it_does_not_jump_for_a_patient_sleeper() -> None:
    clock = SandboxClock(speed=0)
    with anyio.move_on_after(0.4) as scope:
        await clock.sleep(10.0, patient=True)
    assert scope.cancelled_caught
    assert clock.monotonic() == 0


@pytest.mark.anyio
@pytest.mark.usefixtures("impatient")
async def test_it_does_not_jump_because_the_event_loop_was_held_up() -> None:
    clock = SandboxClock(speed=0)
    async with anyio.create_task_group() as group:
        group.start_soon(clock.sleep, 60.0)
        await asleep(clock)
        time.sleep(0.3)  # noqa: ASYNC251  # as a sandbox does that settles a large campaign
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert clock.monotonic() == 0
        group.cancel_scope.cancel()


@pytest.mark.usefixtures("impatient")
def test_a_client_in_the_only_thread_reaches_the_rate_limit_and_goes_on() -> None:
    sandbox = Sandbox(speed=0)
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        for _ in range(104):
            client.agents.get(agent.id)
    assert [window.admitted for window in sandbox.requests_per_window()][-1] > 0
    assert sum(window.admitted for window in sandbox.requests_per_window()) == 105


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("start", [1790000014.2778776, 1790000014.0598576])
def test_a_client_in_the_only_thread_is_refused_once_whatever_the_fraction_of_the_second(start: float) -> None:
    sandbox = Sandbox(speed=0, rate_limit=3, start=start)
    with sandbox.client() as client:
        for _ in range(4):
            list(client.voices.list())
    assert [(window.admitted, window.refused) for window in sandbox.requests_per_window()] == [(3, 1), (1, 0)]


@pytest.mark.usefixtures("impatient")
def test_a_client_in_the_only_thread_waits_for_the_edge_of_a_window() -> None:
    start = 1_750_000_020.0 - 20
    for second in (0, 1, 59):
        sandbox = Sandbox(speed=0, start=start + second)
        with sandbox.client(rate_limit=100) as client:
            assert list(client.agents.list()) == []
            sandbox.advance(hours=24)
            assert list(client.agents.list()) == []


@pytest.mark.usefixtures("impatient")
def test_a_client_in_the_only_thread_backs_off() -> None:
    sandbox = Sandbox(speed=0)
    sandbox.fail_next(path="/agents*", status=503)
    with sandbox.client() as client:
        assert list(client.agents.list()) == []
    assert [request.status for request in sandbox.requests] == [503, 200]
