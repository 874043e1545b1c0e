from __future__ import annotations

import asyncio
import threading
import time

import anyio
import anyio.lowlevel
import pytest

from trudy.sandbox import JumpingClock, Sandbox

MONDAY = 1_780_315_200.0


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(start=MONDAY)


def test_days_pass_at_once_and_everybody_wakes_in_time(clock: JumpingClock) -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, round(clock.monotonic(), 3)))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(sleeper, "a", 3600.0, 86_400.0)
            group.start_soon(sleeper, "b", 60.0, 60.0, 7200.0)

    began = time.monotonic()
    clock.run(main())
    assert woken == [("b", 60.0), ("b", 120.0), ("a", 3600.0), ("b", 7320.0), ("a", 90_000.0)]
    assert clock.sleepers == 0
    assert time.monotonic() - began < 10


def test_time_stands_still_while_a_task_works(clock: JumpingClock) -> None:
    seen: list[float] = []

    async def works() -> None:
        for _ in range(200):
            await asyncio.sleep(0)
            seen.append(clock.monotonic())

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(clock.sleep(10))
            group.create_task(works())

    clock.run(main())
    assert seen == [0.0] * 200
    assert clock.monotonic() == pytest.approx(10, abs=0.001)


def test_held_time_waits_for_a_thread(clock: JumpingClock) -> None:
    told: list[float] = []

    def work() -> None:
        with clock.hold():
            held.set()
            go_on.wait(5)
            told.append(clock.monotonic())

    held, go_on = threading.Event(), threading.Event()

    async def main() -> None:
        thread = threading.Thread(target=work)
        thread.start()
        held.wait(5)
        async with asyncio.TaskGroup() as group:
            sleep = group.create_task(clock.sleep(3600))
            await asyncio.sleep(0.05)
            assert not sleep.done()
            go_on.set()
        thread.join(5)

    clock.run(main())
    assert told == [0.0]
    assert clock.monotonic() == pytest.approx(3600, abs=0.001)


def test_a_cancelled_sleeper_moves_nothing(clock: JumpingClock) -> None:
    async def main() -> None:
        sleep = asyncio.create_task(clock.sleep(1e6))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        sleep.cancel()
        await asyncio.gather(sleep, return_exceptions=True)
        await clock.sleep(5)

    clock.run(main())
    assert clock.monotonic() == pytest.approx(5, abs=0.001)


def test_loops_in_two_threads_share_one_time(clock: JumpingClock) -> None:
    order: list[tuple[str, float]] = []
    together = threading.Barrier(2)

    async def sleeper(name: str, nap: float, times: int) -> None:
        together.wait(5)
        for _ in range(times):
            await clock.sleep(nap)
            order.append((name, round(clock.monotonic())))

    threads = [
        threading.Thread(target=lambda args=args: clock.run(sleeper(*args)), daemon=True)
        for args in (("a", 7.0, 20), ("b", 10.0, 20))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # The first loop to end does not hold the other's time.
    assert not any(thread.is_alive() for thread in threads)
    assert [moment for name, moment in order if name == "a"] == [7 * n for n in range(1, 21)]
    assert [moment for name, moment in order if name == "b"] == [10 * n for n in range(1, 21)]


def story() -> tuple[list[tuple[str, float]], float]:
    """A crowd that dials under a rate limit, with lost answers; who was called when, and how long it took."""
    clock = JumpingClock(start=MONDAY)
    sandbox = Sandbox(
        clock=clock, rate_limit=20, seed=3, outcome_mix={"completed": 2, "no_answer": 1, "reset_after": 1}
    )

    async def main() -> None:
        async with sandbox.async_client(max_rate_limit_wait=1e6) as client, anyio.create_task_group() as group:
            agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")

            async def dial(index: int) -> None:
                number = f"+1415556{index:04d}"
                await client.calls.create_and_wait(
                    agent_id=agent.id, phone_number=number, max_wait=1e6, reconcile_timeout=1e4
                )

            for index in range(60):
                group.start_soon(dial, index)

    clock.run(main())
    sandbox.assert_no_number_dialed_twice()
    return [(call.to, call.created_at) for call in sandbox.placed_calls], clock.monotonic()


def test_a_run_is_over_in_no_time_and_repeats_exactly() -> None:
    (calls, took) = story()
    assert len(calls) == 60
    assert took > 180
    assert story() == (calls, took)


def test_a_sync_client_jumps_too(clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None)
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        call = client.calls.create_and_wait(agent_id=agent.id, phone_number="+14155550180", max_wait=1e5)
    assert call.status == "completed"
    assert 1800 < clock.monotonic() < 2500


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_on_a_loop_of_others_time_stands_still_while_a_task_works(clock: JumpingClock, backend: str) -> None:
    seen: list[float] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(clock.sleep, 1e5)
            for _ in range(20):
                time.sleep(0.003)  # noqa: ASYNC251  # a step that a busy machine interrupts
                await anyio.lowlevel.checkpoint()
                seen.append(clock.monotonic())

    anyio.run(main, backend=backend)
    assert seen == [0.0] * 20
    assert clock.monotonic() == pytest.approx(1e5, abs=0.001)


def test_trio_jumps_too(clock: JumpingClock) -> None:
    anyio.run(clock.sleep, 3600.0, backend="trio")
    assert clock.monotonic() == pytest.approx(3600, abs=0.001)


def test_it_is_stepped_by_hand_as_well(clock: JumpingClock) -> None:
    clock.advance(hours=1)
    assert clock.time() == MONDAY + 3600
    with pytest.raises(ValueError, match="speed"):
        clock.speed = 60


def test_a_sandbox_takes_a_clock_or_its_settings(clock: JumpingClock) -> None:
    assert Sandbox(clock=clock).clock is clock
    for options in ({"start": 0.0}, {"speed": 60.0}):
        with pytest.raises(ValueError, match="clock"):
            Sandbox(clock=clock, **options)
