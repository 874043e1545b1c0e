"""One run of a campaign: its pace, what ends it, and what it does when clocks move or a backup was restored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from attrs import evolve

from tests.dialer.conftest import Night, numbers_ending
from tests.fakes.machine_clock import MachineClock
from trudy.dialer import AttemptResult, Breaker, Dialer, DialEvent, Hours, Plan, Policy, RunResult
from trudy.errors import InvalidArgumentError
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio
ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)


EVERY_DAY = Hours(days=frozenset(range(1, 8)))


async def run(night: Night, plan: Plan, **members: object) -> RunResult:
    return await night.dialer.run(plan, confirm=plan.hash, **members)  # type: ignore[arg-type]


async def test_calls_keep_their_distance_although_a_window_opens_for_many(tmp_path: Path, clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=8)
    async with sandbox.async_client() as client, Dialer(client, store=tmp_path / "a.db", clock=clock) as dialer:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        rows = [{"phone": number} for number in numbers_ending(*[0] * 2, 1, 2, 3)] + [{"phone": "+13125550104"}]
        plan = await dialer.plan(
            rows, agent=agent.id, consent="form", policy=evolve(ONCE, gap=2.0), region="US", rejects=None
        )
        assert (await dialer.run(plan, confirm=plan.hash)).state == "done"
    moments = [call.created_at for call in sandbox.placed_calls]
    assert min(later - earlier for earlier, later in pairwise(moments)) >= 2.0


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (evolve(ONCE, max_calls=3), "max_calls is reached"),
        (evolve(ONCE, max_spend=0.5, price=0.1), "max_spend is reached"),
    ],
)
async def test_a_cap_ends_the_run(night: Night, policy: Policy, reason: str) -> None:
    plan = await night.plan([f"+121255501{index:02d}" for index in range(10)], policy)
    result = await run(night, plan)
    assert (result.state, result.reason, result.live) == ("paused", reason, 0)
    assert 3 <= len(night.sandbox.placed_calls) < 10


async def test_who_resumes_after_the_breaker_is_not_stopped_by_the_same_calls(night: Night) -> None:
    numbers = [f"+1{area}55501{index}" for area in ("212", "312") for index in range(50, 60)]
    numbers += [f"+1{area}55501{index:02d}" for area in ("212", "312") for index in range(10)]
    policy = evolve(ONCE, breaker=Breaker(failed_share=0.5, of_last=10), max_live=5)
    plan = await night.plan(numbers, policy)
    first = await run(night, plan)
    assert first.state == "paused"
    assert "failed" in (first.reason or "")
    again = 0
    while (result := await run(night, plan)).state != "done":
        again += 1
        assert result.counts["done"] > first.counts["done"]
        assert again <= 3


async def test_a_hook_that_fails_ends_the_run_in_good_order(night: Night) -> None:
    def fails(result: AttemptResult) -> None:
        raise ZeroDivisionError

    plan = await night.plan(numbers_ending(0, 1, 2), ONCE)
    with pytest.raises(ZeroDivisionError):
        await run(night, plan, on_outcome=fails)
    assert {attempt.state for attempt in await night.dialer.store.open_attempts()} <= {"placed"}
    assert (await run(night, plan)).counts == {"done": 3}
    night.sandbox.assert_no_number_dialed_twice()


@pytest.mark.parametrize("quirks", [set[str](), {"lagging_calls"}, {"lagging_calls", "calls_without_variables"}])
async def test_a_restored_backup_halts_once_and_then_goes_on(
    tmp_path: Path, clock: JumpingClock, quirks: set[str]
) -> None:
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks=quirks)
    path = tmp_path / "leads.db"
    rows = [{"phone": number} for number in numbers_ending(0, 1, 2, 3)]
    async with sandbox.async_client() as client:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")

        async def dial(**members: object) -> RunResult:
            async with Dialer(client, store=path, clock=clock) as dialer:
                plan = await dialer.plan(
                    rows, agent=agent.id, consent="form", policy=ONCE, region="US", rejects=None, **members
                )
                return await dialer.run(plan, confirm=plan.hash)

        await dial(canary=1)
        backup = path.read_bytes()
        await dial(canary=3)
        path.write_bytes(backup)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        halted = await dial()
        assert halted.state == "halted"
        assert "backup" in (halted.reason or "")
        assert halted.counts["unresolved"] >= 2
        result = await dial()
        assert result.state == "done"
        assert result.counts["unresolved"] >= 2
    sandbox.assert_no_number_dialed_twice()
    assert len(sandbox.placed_calls) == 4


async def test_a_machine_that_slept_learns_the_time_before_it_dials(tmp_path: Path, clock: JumpingClock) -> None:
    sandbox = Sandbox(clock=clock)
    mine = MachineClock(clock)
    slept = 8 * 3600.0
    woke_at: list[float] = []
    async with (
        sandbox.async_client(clock=mine) as client,
        Dialer(client, store=tmp_path / "leads.db", clock=mine) as dialer,
    ):
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="x")
        plan = await dialer.plan(
            [{"phone": f"+121255501{index:02d}"} for index in range(10)],
            agent=agent.id,
            consent="form",
            policy=evolve(ONCE, hours=EVERY_DAY, gap=1.0),
            region="US",
            rejects=None,
        )

        def sleeps(event: DialEvent) -> None:
            if event.kind == "placed" and len(sandbox.placed_calls) == 3:
                mine.wrong_by = slept
                sandbox.faults.add(skew=slept)
                woke_at.append(clock.time())

        assert (await dialer.run(plan, confirm=plan.hash, on_event=sleeps)).state == "done"
    for call in sandbox.placed_calls:
        moment = call.created_at + (slept if call.created_at > woke_at[0] else 0.0)
        assert EVERY_DAY.opens(["America/New_York"], country="US", region=None, moment=moment) == moment


async def test_rows_of_closed_zones_delay_no_other_row(night: Night) -> None:
    # Noon in New York, six in the morning in Honolulu.
    numbers = [f"+1808556{index:04d}" for index in range(1000, 1300)] + ["+12125550100"]
    policy = evolve(ONCE, hours=Hours(), retry={})
    plan = await night.plan(numbers, policy)

    began = night.sandbox.clock.monotonic()

    def seen(event: DialEvent) -> None:
        if event.kind == "placed":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await run(night, plan, on_event=seen)
    assert night.sandbox.clock.monotonic() - began < 10
    assert [call.to for call in night.sandbox.placed_calls] == ["+12125550100"]


async def test_a_process_that_does_not_dial_lets_the_dialing_one_look_within_seconds(night: Night) -> None:
    """As where webhooks come to a web server: nothing is shared but the store."""

    def lists() -> int:
        return sum(each.method == "GET" and each.path.endswith("/calls") for each in night.sandbox.requests)

    plan = await night.plan(numbers_ending(0), ONCE)
    looked: list[int] = []

    async def web() -> None:
        async with Dialer(night.client, store=night.folder / "leads.db", clock=night.sandbox.clock) as other:
            while not lists():
                await night.sandbox.clock.sleep(0.5)
            for _ in range(3):
                before = lists()
                await other.hint()
                await night.sandbox.clock.sleep(4.5)
                looked.append(lists() - before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(web)
        assert (await run(night, plan)).state == "done"
    assert min(looked) >= 1, looked
    assert await night.dialer.store.take_hints() <= 1


async def test_a_lost_answer_is_looked_for_although_nothing_else_is_open(night: Night) -> None:
    """The only row's answer is awaited until the read times out; nothing else starts meanwhile or later."""
    night.sandbox.faults.add(method="POST", path="/calls", delay=200.0)
    plan = await night.plan(numbers_ending(0), ONCE)
    kinds: list[str] = []
    results: list[RunResult] = []
    async with anyio.create_task_group() as tasks:

        async def dial() -> None:
            results.append(await run(night, plan, on_event=lambda event: kinds.append(event.kind)))
            tasks.cancel_scope.cancel()

        tasks.start_soon(dial)
        await night.sandbox.clock.sleep(900)
        tasks.cancel_scope.cancel()
    assert kinds == ["unknown", "found", "ended"]
    assert [(result.state, result.counts) for result in results] == [("done", {"done": 1})]
    assert len(night.sandbox.placed_calls) == 1


class Paused:
    """A run that is paused by hand after three calls, seen from beside it."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.events: list[str] = []
        self.placed = anyio.Event()
        self.held = anyio.Event()
        self.results: list[RunResult] = []

    def on_event(self, event: DialEvent) -> None:
        self.events.append(event.kind)
        if self.events.count("placed") == 3:
            self.placed.set()
        if event.kind == "paused":
            assert (event.row, event.number, event.detail) == (None, "", "lunch")
            self.held.set()

    async def meanwhile(self, plan: Plan, act: Callable[[], Awaitable[object]]) -> RunResult:
        async def dial() -> None:
            self.results.append(await run(self.night, plan, on_event=self.on_event))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(dial)
            await self.placed.wait()
            await self.night.dialer.pause(plan.campaign, "lunch")
            with anyio.fail_after(5):
                await self.held.wait()
            await act()
        return self.results[0]


async def test_a_pause_by_hand_holds_the_run_until_somebody_resumes(night: Night) -> None:
    plan = await night.plan(numbers_ending(*range(9)), evolve(ONCE, gap=3.0, max_live=4))
    paused = Paused(night)
    resumed_at: list[float] = []

    async def resume_after_lunch() -> None:
        held = len(night.sandbox.placed_calls)
        assert held < 9
        await night.sandbox.clock.sleep(3600)
        assert len(night.sandbox.placed_calls) == held
        status = await night.dialer.status(plan.campaign)
        assert (status.state, status.live, status.counts["done"]) == ("paused", 0, held), "ends are looked for"
        resumed_at.append(night.sandbox.clock.time())
        await night.dialer.resume(plan.campaign)

    result = await paused.meanwhile(plan, resume_after_lunch)
    assert (result.state, result.counts) == ("done", {"done": 9})
    assert min(call.created_at for call in night.sandbox.placed_calls if call.created_at > resumed_at[0]) < (
        resumed_at[0] + 2
    )
    assert [kind for kind in paused.events if kind in ("paused", "resumed")] == ["paused", "resumed"]
    night.sandbox.assert_no_number_dialed_twice()


async def test_a_run_that_is_paused_ends_on_stop(night: Night) -> None:
    plan = await night.plan(numbers_ending(*range(9)), evolve(ONCE, gap=3.0, max_live=4))
    result = await Paused(night).meanwhile(plan, lambda: night.dialer.stop(plan.campaign))
    assert result.state == "stopped"
    assert result.counts["waiting"] > 0


async def test_what_ends_a_run_by_itself_ends_it_in_a_pause_too(night: Night) -> None:
    plan = await night.plan(numbers_ending(*range(9)), evolve(ONCE, gap=3.0, max_live=4))

    async def lose_the_right_to_look() -> None:
        night.sandbox.faults.add(method="GET", path="/calls", status=403)
        await night.sandbox.clock.sleep(60)

    result = await Paused(night).meanwhile(plan, lose_the_right_to_look)
    assert result.state == "halted"
    assert "cannot be looked for" in (result.reason or "")


async def test_a_plan_that_is_being_run_is_not_run_again(night: Night) -> None:
    plan = await night.plan(numbers_ending(*range(9)), evolve(ONCE, gap=3.0))

    async def run_again() -> None:
        with pytest.raises(InvalidArgumentError, match="resume"):
            await run(night, plan)
        await night.dialer.resume(plan.campaign)

    assert (await Paused(night).meanwhile(plan, run_again)).state == "done"


@pytest.mark.parametrize("by", ["the same plan", "another campaign"])
async def test_the_ends_of_calls_are_learned_after_a_stop(night: Night, by: str) -> None:
    plan = await night.plan(["+12125550170", "+13125550101", "+14155550102", "+16465550103"], evolve(ONCE, gap=3.0))

    stopped: list[RunResult] = []

    async def dial() -> None:
        stopped.append(await run(night, plan, on_event=lambda event: placed.set() if event.kind == "placed" else None))

    placed = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(dial)
        await placed.wait()
        began = night.sandbox.clock.monotonic()
        live = await night.dialer.stop(plan.campaign)
    assert night.sandbox.clock.monotonic() - began < 5, "nobody waits for calls that talk"
    assert stopped[0].state == "stopped"
    assert 0 < live <= stopped[0].live
    calls = len(night.sandbox.placed_calls)
    if by == "the same plan":
        again = await run(night, plan)
        assert (again.state, again.live) == ("stopped", 0)
        assert len(night.sandbox.placed_calls) == calls
    else:
        await run(night, await night.plan(["+13055550100"], ONCE))
    status = await night.dialer.status(plan.campaign)
    assert (status.state, status.live, status.counts["done"]) == ("stopped", 0, calls)
    assert await night.dialer.dnc.add("+12125550170") == 0, "what was said in the call is heard"


async def test_a_sweep_that_failed_is_made_again_though_nothing_new_starts(night: Night) -> None:
    """The first call has the only slot, and its end is to be learned."""
    plan = await night.plan(numbers_ending(0, 1), evolve(ONCE, max_live=1))
    ended: list[str] = []

    def fail_lists(event: DialEvent) -> None:
        if event.kind == "placed" and len(night.sandbox.placed_calls) == 1:
            night.sandbox.faults.add(method="GET", path="/calls", status=503, times=8)

    async def stop_if_stuck() -> None:
        await night.sandbox.clock.sleep(4 * 3600)
        ended.append("stuck")
        await night.dialer.stop(plan.campaign)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_if_stuck)
        result = await run(night, plan, on_event=fail_lists)
        tasks.cancel_scope.cancel()
    assert (result.state, ended) == ("done", [])
