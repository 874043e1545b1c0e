"""A campaign while somebody sets this machine's clock, and answers are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialer.conftest import numbers_ending
from tests.dialer.test_running import ONCE
from tests.fakes.machine_clock import MachineClock
from tests.resources.test_set_clocks import Between
from trudy.dialer import Dialer
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("moment", ["from the start", "before", "after"])
@pytest.mark.parametrize("jump", [1_300.0, -1_300.0, 31_536_000.0, -31_536_000.0])
async def test_lost_calls_are_found_and_old_ones_are_not_taken_for_them(
    tmp_path: Path, clock: JumpingClock, jump: float, moment: str
) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None)
    wall, between = MachineClock(clock), Between("both")

    def set_clock() -> None:
        wall.wrong_by = jump

    between.set = set_clock
    if moment == "from the start":
        set_clock()
    numbers = numbers_ending(0, 1, 2, 3, 4, 5)
    async with sandbox.async_client() as somebody:
        agent = await somebody.agents.create(name="A", voice_id=sandbox.voices[0].id, system_prompt="x")
        old = {(await somebody.calls.create(agent_id=agent.id, phone_number=number)).id for number in numbers}
    await clock.sleep(1_200)
    sandbox.faults.add(method="POST", path="/calls", reset="after", nth=2, times=1)
    sandbox.faults.add(method="POST", path="/calls", reset="before", nth=3, times=1)
    async with (
        sandbox.async_client(clock=wall, middleware=[between]) as client,
        Dialer(client, store=tmp_path / "leads.db", clock=wall) as dialer,
    ):
        plan = await dialer.plan(
            [{"phone": number} for number in numbers],
            agent=agent.id,
            consent="form",
            policy=ONCE,
            region="US",
            rejects=None,
        )
        if moment != "from the start":
            between.set_at = (moment, "POST /calls")
        result = await dialer.run(plan, confirm=plan.hash)
        assert result.state == "done"
    placed = [call for call in sandbox.placed_calls if call.id not in old]
    assert len({call.to for call in placed}) == len(placed)
    assert len(placed) >= len(numbers) - 1
    assert result.counts.get("unresolved", 0) <= 1
