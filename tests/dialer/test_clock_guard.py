"""Whether the server's time is known after this machine slept, or its clock was set."""

from __future__ import annotations

import pytest

from tests.fakes.machine_clock import MachineClock
from tests.resources.test_set_clocks import Between
from trudy import AsyncTrudyClient
from trudy.dialer.clock_guard import ClockGuard
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def machine(clock: JumpingClock) -> MachineClock:
    machine = MachineClock(clock)
    machine.wrong_by = -40_000.0
    return machine


async def learned(client: AsyncTrudyClient, machine: MachineClock) -> ClockGuard:
    """A guard over a client that has had an answer."""
    await client.agents.list()
    guard = ClockGuard(client=client, clock=machine)
    guard.learned()
    return guard


async def test_a_machine_that_sleeps_again_and_again_knows_the_time_each_time(
    clock: JumpingClock, machine: MachineClock
) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None)
    async with sandbox.async_client(clock=machine) as client:
        guard = await learned(client, machine)
        for _ in range(12):
            await machine.sleep_machine(600)
            assert guard.moved()
            before = len(sandbox.requests)
            await guard.until_sure()
            assert not guard.moved()
            assert client.server_clock is not None
            assert client.server_clock.now().timestamp() == pytest.approx(clock.time(), abs=1)
            assert len(sandbox.requests) - before <= 6


async def test_a_server_that_tells_no_time_is_asked_once(clock: JumpingClock, machine: MachineClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None)
    async with sandbox.async_client(clock=machine, middleware=[Between("neither")]) as client:
        guard = await learned(client, machine)
        before = len(sandbox.requests)
        await machine.sleep_machine(600)
        await guard.until_sure()
        assert len(sandbox.requests) - before == 1
        assert not guard.moved()


async def test_it_asks_until_an_answer_comes(clock: JumpingClock, machine: MachineClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None)
    async with sandbox.async_client(clock=machine, max_retries=0) as client:
        guard = await learned(client, machine)
        sandbox.faults.add(method="GET", path="/calls", status=503, times=4)
        await machine.sleep_machine(600)
        await guard.until_sure()
        assert sum(request.path.endswith("/calls") for request in sandbox.requests) == 5
        assert client.server_clock is not None
