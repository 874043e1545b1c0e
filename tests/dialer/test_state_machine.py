"""Any order of plan, claim, answer, crash, opt-out, pause, clock jump and passing time, and the invariants after each
step."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.dialer import invariants
from tests.dialer.conftest import START, numbers_ending
from tests.dialer.cuts import CutStore, Power, PowerCut, cut_client, in_one_thread
from tests.dialer.recount import tables_of
from tests.dialer.stores import NewStore, files_in
from tests.fakes.machine_clock import MachineClock
from trudy import AsyncTrudyClient
from trudy.dialer import Attempts, Dialer, DueRow, Hours, Policy
from trudy.dialer.clock_guard import ClockGuard
from trudy.dialer.endings import Endings
from trudy.dialer.placing import Placer
from trudy.dialer.records import Miss
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import Store
from trudy.dialer.sweep import Sweep
from trudy.sandbox import JumpingClock, Sandbox

T = TypeVar("T")
NUMBERS = numbers_ending(0, 10, 70, 20, 1, 2, 3, 30)
"""Of many outcomes, in several zones; the third asks in the call not to be called again."""
CUT = st.sampled_from([None, None, None, 1, 2, 3, 4, 5, 6, 8])
LOSSES: tuple[dict[str, Any], ...] = (
    {},
    {"reset": "connect"},
    {"reset": "before"},
    {"reset": "after"},
    {"reset": "before", "effect_after": 150},
    {"body": "<html>", "content_type": "text/html"},
    {"delay": 200},
    {"status": 429, "details": {"limit": 100}},
    {"status": 422},
    {"status": 500, "effect": True},
)
MOST_CAMPAIGNS = 4
SET = (-90_001, -1_001, 1_001, 90_001)
"""Seconds by which somebody sets the machine's clock."""
SLEPT = (400, 4_000, 40_000)
"""Seconds for which the machine sleeps. No sum of the others makes up for them, which nobody could tell."""
WHICH = st.integers(0, 11)
"""Which of the campaigns or rows there are: what is drawn does not depend on what happened."""
HAPPENED: Counter[str] = Counter()
"""How often what came about, over all examples: a machine in which little happens proves little."""
OFTEN = Attempts(a_day=9, in_30_days=9)
POLICIES = (
    Policy(max_live=2, price=1.0, max_spend=3.0),
    Policy(hours=Hours.always(), attempts=OFTEN, max_calls=3),
    Policy(hours=Hours.always(), attempts=OFTEN, on_unresolved="redial"),
)


class Campaigns(RuleBasedStateMachine):
    """A sandbox, a store, and one process at a time that dials from it."""

    def __init__(self, new_store: NewStore) -> None:
        super().__init__()
        self.url = new_store()
        self.clock = JumpingClock(start=START)
        self.machine = MachineClock(self.clock)
        self.sandbox = Sandbox(clock=self.clock, rate_limit=None, seed=1)
        self.runner = asyncio.Runner(loop_factory=self.clock.new_event_loop)
        self.policies: dict[str, Policy] = {}
        self.picked: list[DueRow] = []
        self.shown: list[str] = []
        self.power = Power()
        self.do(self._begin())
        self.do(self._wake())
        self.plan(list(NUMBERS[:4]), POLICIES[0])
        self.plan(list(NUMBERS[3:]), POLICIES[2])

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def _begin(self) -> None:
        async with self.sandbox.async_client() as client:
            agent = await client.agents.create(name="Ada", voice_id=self.sandbox.voices[0].id, system_prompt="Greet.")
        self.agent = agent.id

    async def _wake(self) -> None:
        """A new process over the same store."""
        self.power = Power()
        self.real_store = SqlStore(self.url, clock=self.machine)
        await self.real_store.open()
        if (change := await self.real_store.server_change()) is not None:
            await self.real_store.guarded(change.server)
        store = cast(Store, CutStore(self.real_store, self.power))
        self.client: AsyncTrudyClient = cut_client(self.sandbox, self.power, clock=self.machine)
        self.dialer = Dialer(self.client, store=store, clock=self.machine)
        await self.client.agents.get(self.agent)  # the server's time is learned
        self.clock_guard = ClockGuard(client=self.client, clock=self.machine)
        self.clock_guard.learned()

        def show(kind: str, contact: DueRow, detail: str) -> None:
            self.shown.append(f"{kind} {detail} {contact!r}")

        async def stop(campaign: str, reason: str) -> None:
            await store.move_campaign(campaign, "paused", reason=reason, now=self.dialer.now())

        self.placer = Placer(
            client=self.client,
            store=store,
            clock=self.machine,
            server_now=self.dialer.now,
            worker="a worker",
            clock_moved=self.clock_guard.moved,
            on_stop=stop,
            on_event=show,
        )
        self.sweep = Sweep(
            client=self.client,
            store=store,
            server_now=self.dialer.now,
            is_awaited=lambda attempt: attempt.id in self.placer.awaited,
            endings=Endings(client=self.client, store=store, server_now=self.dialer.now, on_event=show),
            on_event=show,
        )

    async def _die(self) -> None:
        await self.real_store.close()
        await self.client.aclose()

    async def _crashing(self, work: Coroutine[Any, Any, object], cut: int | None) -> None:
        """Work, unless the power goes at the n-th boundary from here; then a new process begins."""
        self.power.cuts = () if cut is None else (len(self.power.seen) + cut,)
        try:
            await work
        except PowerCut:
            HAPPENED["power cut"] += 1
            await self._die()
            await self._wake()
        self.power.cuts = ()

    @rule(numbers=st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4), policy=st.sampled_from(POLICIES))
    def more(self, numbers: list[str], policy: Policy) -> None:
        """One more campaign."""
        self.plan(numbers, policy)

    def plan(self, numbers: list[str], policy: Policy) -> None:
        """One more campaign, and it runs."""
        if len(self.policies) == MOST_CAMPAIGNS:
            return

        async def make() -> None:
            rows = [{"phone": number, "number": str(len(self.policies))} for number in numbers]
            made = await self.dialer.plan(
                rows, agent=self.agent, consent="form", policy=policy, region="US", rejects=None
            )
            self.shown.append(made.summary())
            self.policies[made.campaign] = policy
            await self.dialer.resume(made.campaign)

        self.do(make())

    @rule(which=WHICH)
    def pick_early(self, which: int) -> None:
        """Rows that wait a while between pick and claim."""
        self.pick(which)

    def pick(self, which: int) -> None:
        """Rows that are due now, to be called at once, much later, or twice."""
        if self.policies:
            self.picked += self.do(self.dialer.store.due(self._campaign(which), None, self.dialer.now(), 3))
            self.picked = self.picked[-6:]

    @rule(which=WHICH, loss=st.sampled_from(LOSSES), cut=CUT)
    def call_badly(self, which: int, loss: dict[str, Any], cut: int | None) -> None:
        """A call whose answer may be lost, and over which the power may go."""
        self.call(which, loss, cut)

    def call(self, which: int, loss: dict[str, Any], cut: int | None) -> None:
        """Claim, send, record."""
        if which % 2 or not self.picked:
            self.pick(which)
        if not self.picked:
            return
        contact = self.picked[which % len(self.picked)]

        fault = self.sandbox.fail_next(method="POST", path="/calls", **loss) if loss else None
        self.do(self._crashing(self._place(contact, is_sure=True), cut))
        if fault is not None and not fault.is_spent:
            self.sandbox.faults.remove(fault)

    async def _place(self, contact: DueRow, *, is_sure: bool) -> Miss | None:
        """As a run does it, or without asking what time it is first."""
        if is_sure:
            await self.clock_guard.until_sure()
        store = self.dialer.store
        fence = await store.take_shard(contact.campaign, None, "a worker")
        campaign = await store.campaign(contact.campaign)
        return await self.placer.place(campaign, contact, fence=fence)

    @rule(which=WHICH)
    def call_well(self, which: int) -> None:
        """A call of which the answer comes."""
        self.call(which, {}, None)

    @rule(cut=CUT)
    def look(self, cut: int | None) -> None:
        """One sweep."""
        self.do(self._crashing(self.sweep.once(), cut))

    @rule(times=st.sampled_from([1, 5]))
    def wait_and_look(self, times: int) -> None:
        """Calls end, and the sweep sees it; after the fifth look a lost one is given up."""
        for _ in range(times):
            self.do(self.clock.sleep(100))
            self.do(self.sweep.once())

    @rule(seconds=st.sampled_from([5, 40, 400, 4_000, 40_000]))
    def wait(self, seconds: int) -> None:
        """Time passes; the server goes on."""
        self.do(self.clock.sleep(seconds))

    @rule(which=WHICH, seconds=st.sampled_from([*SET, *SLEPT]))
    def clock_jump(self, which: int, seconds: int) -> None:
        """Somebody sets this machine's clock, or the machine sleeps; until it knows the time again, nothing is sent."""
        self.pick(which)
        if seconds in SLEPT:
            self.do(self.machine.sleep_machine(seconds))
        else:
            self.machine.wrong_by += seconds
        if self.clock_guard.moved() and self.picked:
            posted = len(self.sandbox.requests)
            missed = self.do(self._place(self.picked[which % len(self.picked)], is_sure=False))
            assert missed == Miss(reason="clock")
            assert len(self.sandbox.requests) == posted
            HAPPENED["clock moved"] += 1

    @rule(number=st.sampled_from(NUMBERS[5:]))
    def opt_out(self, number: str) -> None:
        """A person asks not to be called again."""
        self.do(self.dialer.dnc.add(number))

    @rule(which=WHICH, pause=st.booleans())
    def pause_or_resume(self, which: int, pause: bool) -> None:
        """Somebody halts a campaign, or lets it go on."""
        if self.policies:
            campaign = self._campaign(which)
            self.do(self.dialer.pause(campaign) if pause else self.dialer.resume(campaign))

    def _campaign(self, which: int) -> str:
        return list(self.policies)[which % len(self.policies)]

    @rule()
    def resolve(self) -> None:
        """A person settles held rows, and knows what happened."""
        rung = {call.variables["trudy_ref"].partition("/")[2] for call in self.sandbox.placed_calls}
        tables = tables_of(self.url)
        for row in tables["rows"]:
            if row["state"] == "unresolved":
                called = any(each["row"] == row["id"] and each["id"] in rung for each in tables["attempts"])
                self.do(self.dialer.resolve(row["id"], called=called))

    @invariant()
    def all_hold(self) -> None:
        """I1 to I8."""
        tables, calls = tables_of(self.url), self.sandbox.placed_calls
        invariants.i1_no_request_without_a_committed_intent(tables, calls)
        invariants.i2_at_most_one_live_attempt_a_number(tables)
        invariants.i3_no_ref_is_placed_twice(calls)
        invariants.i4_no_call_outside_the_hours(tables, calls, self.policies)
        invariants.i5_no_call_after_an_opt_out(tables)
        invariants.i6_counters_equal_what_the_rows_say(tables)
        invariants.i7_every_row_ends_in_one_state_with_a_reason(tables, is_over=False)
        invariants.i8_no_unmasked_number("\n".join(self.shown))
        self.sandbox.assert_no_overlapping_calls()

    def teardown(self) -> None:
        for state in (each["state"] for each in tables_of(self.url)["attempts"]):
            HAPPENED[state] += 1
        self.do(self._die())
        self.runner.close()


def any_order(new_store: NewStore, examples: int) -> None:
    """The machine, with what it draws."""
    run_state_machine_as_test(
        lambda: Campaigns(new_store), settings=settings(max_examples=examples, stateful_step_count=30)
    )


@pytest.mark.parametrize(("new_store", "examples"), [("sqlite", 20), ("postgresql", 4)], indirect=["new_store"])
def test_any_order_of_things_keeps_the_invariants(
    new_store: NewStore, examples: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_one_thread(monkeypatch)
    with caplog.at_level(logging.DEBUG, logger="trudy"):
        any_order(new_store, examples)
    invariants.i8_no_unmasked_number(caplog.text)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_orders_of_things_keep_the_invariants(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    in_one_thread(monkeypatch)
    any_order(new_store, 200)


def test_the_machine_comes_to_every_state_of_an_attempt(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps written out, so that nothing depends on what is drawn: a machine in which little happens proves little."""
    in_one_thread(monkeypatch)
    HAPPENED.clear()
    machine = Campaigns(new_store)
    try:
        for loss in ({}, {"reset": "connect"}, {"reset": "after"}, {"status": 422}, {"reset": "before"}):
            machine.picked.clear()
            machine.call(1, loss, None)
            machine.all_hold()
            machine.wait(5)
        machine.wait_and_look(5)
        machine.all_hold()
        for cut in range(1, 9):
            machine.picked.clear()
            machine.call(1, {}, cut)
            machine.all_hold()
        machine.resolve()
        machine.all_hold()
    finally:
        machine.teardown()
    assert HAPPENED["power cut"] >= 4, HAPPENED
    assert {"ended", "not_sent", "refused", "unresolved"} <= HAPPENED.keys(), HAPPENED


@pytest.mark.parametrize("learns", [True, False])
def test_the_machine_sees_calls_of_a_dialer_that_does_not_know_how_long_it_slept(
    memory_folder: Path, monkeypatch: pytest.MonkeyPatch, learns: bool
) -> None:
    in_one_thread(monkeypatch)
    machine = Campaigns(files_in(memory_folder))
    try:
        for seconds in SET:
            machine.clock_jump(0, seconds)
        machine.call(0, {}, None)
        machine.all_hold()
        assert len(machine.sandbox.placed_calls) == 1
        machine.picked.clear()
        machine.clock_jump(2, max(SLEPT))
        assert machine.picked[2].zones == ("America/New_York",)  # where it is night now
        if not learns:
            machine.clock_guard.learned()
        machine.call(2, {}, None)
        assert len(machine.sandbox.placed_calls) == (1 if learns else 2)
        if not learns:
            with pytest.raises(AssertionError, match="out of hours"):
                machine.all_hold()
    finally:
        machine.teardown()
