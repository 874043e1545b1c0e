"""The dialer without an event loop: the same campaigns, plain hooks, and Ctrl-C."""

from __future__ import annotations

import csv
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.dialer.conftest import START, numbers_ending
from trudy import TrudyClient
from trudy.dialer import AttemptResult, Breaker, DialEvent, DueRow, Hours, OptOut, Plan, Policy, Skip, SyncDialer
from trudy.sandbox import JumpingClock, Sandbox

ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)


@frozen
class Evening:
    """What a test dials with."""

    sandbox: Sandbox
    client: TrudyClient
    dialer: SyncDialer
    agent: str

    def plan(self, numbers: list[str], policy: Policy = ONCE) -> Plan:
        rows = [{"phone": number, "name": f"P{index}"} for index, number in enumerate(numbers)]
        return self.dialer.plan(rows, agent=self.agent, consent="web form", policy=policy, region="US", rejects=None)


@pytest.fixture
def evening(tmp_path: Path) -> Iterator[Evening]:
    sandbox = Sandbox(clock=JumpingClock(start=START), rate_limit=None)
    with sandbox.client() as client, SyncDialer(client, store=tmp_path / "leads.db") as dialer:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        yield Evening(sandbox, client, dialer, agent.id)


def test_from_rows_to_results(evening: Evening, tmp_path: Path) -> None:
    numbers = numbers_ending(0, 10, 20, 30, 91)
    plan = evening.plan(numbers)
    result = evening.dialer.run(plan, confirm=plan.hash)
    assert (result.state, result.counts) == ("done", {"done": 5})
    assert evening.dialer.export(plan.campaign, tmp_path / "results.csv") == 5
    with (tmp_path / "results.csv").open() as file:
        ends = {row["phone"]: row["outcome"] for row in csv.DictReader(file)}
    assert [ends[number] for number in numbers] == ["answered", "no_answer", "busy", "voicemail", "answered"]
    evening.sandbox.assert_no_number_dialed_twice()
    assert evening.dialer.status(plan.campaign).dialed == 5
    assert any("ended" in line for line in evening.dialer.why(numbers[0]))


def test_plain_functions_are_hooks(evening: Evening) -> None:
    first, second, third = numbers_ending(0, 1, 2)
    events: list[DialEvent] = []

    def should_dial(row: DueRow) -> Skip | None:
        return Skip("not today") if row.number == first else None

    def on_outcome(result: AttemptResult) -> OptOut | None:
        return OptOut() if result.contact.number == second else None

    plan = evening.plan([first, second, third])
    result = evening.dialer.run(
        plan,
        confirm=plan.hash,
        should_dial=should_dial,  # type: ignore[arg-type]
        on_outcome=on_outcome,
        on_event=events.append,
    )
    assert result.counts == {"done": 3}
    assert [event.kind for event in events].count("ended") == 2
    assert evening.dialer.dnc.add(second) == 0, "the opt-out is on the list already"


@pytest.mark.filterwarnings("ignore:TrudyClient was called where an event loop:RuntimeWarning")
def test_a_hook_may_ask_client_and_dialer(evening: Evening) -> None:
    number, other = numbers_ending(0, 1)
    agents: list[str] = []

    def on_outcome(result: AttemptResult) -> None:
        agents.append(evening.client.agents.get(evening.agent).id)
        evening.dialer.dnc.add(other)

    plan = evening.plan([number])
    assert evening.dialer.run(plan, confirm=plan.hash, on_outcome=on_outcome).state == "done"
    assert agents == [evening.agent]
    assert evening.dialer.dnc.remove(other)


def test_the_list_of_those_not_to_be_called(evening: Evening, tmp_path: Path) -> None:
    first, second, third = numbers_ending(0, 1, 2)
    (tmp_path / "stop.csv").write_text(f"phone\n{second}\n")
    assert evening.dialer.dnc.add(first) == 1
    assert evening.dialer.dnc.import_file(tmp_path / "stop.csv") == 1
    assert evening.plan([first, second, third]).counts == {"suppressed: do_not_call": 2, "waiting": 1}


def test_ctrl_c_ends_in_order_and_the_same_plan_goes_on(evening: Evening) -> None:
    numbers = numbers_ending(*range(6))
    plan = evening.plan(numbers, Policy(hours=Hours.always(), gap=1))
    before = signal.getsignal(signal.SIGINT)

    placed: list[str] = []
    told: list[str] = []

    def press(event: DialEvent) -> None:
        told.append(event.kind)
        if event.kind == "placed":
            placed.append(event.number)
        if event.kind == "placed" and len(placed) == 2:
            signal.raise_signal(signal.SIGINT)

    result = evening.dialer.run(plan, confirm=plan.hash, on_event=press)
    assert (result.state, result.reason) == ("paused", "interrupted; run the same plan again to go on")
    assert result.counts["waiting"] >= 3
    assert told.count("interrupted") == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert evening.dialer.run(evening.plan(numbers, Policy(hours=Hours.always(), gap=1)), confirm=plan.hash).state == (
        "done"
    )
    evening.sandbox.assert_no_number_dialed_twice()
    assert len(evening.sandbox.placed_calls) == 6


def test_a_second_ctrl_c_ends_at_once_and_nobody_is_called_twice_later(evening: Evening) -> None:
    numbers = numbers_ending(*range(6))
    policy = Policy(hours=Hours.always(), gap=0)
    plan = evening.plan(numbers, policy)
    evening.sandbox.faults.add(method="POST", path="/calls", nth=3, delay=90.0)

    def press(event: DialEvent) -> None:
        if event.kind == "placed":
            signal.raise_signal(signal.SIGINT)

    result = evening.dialer.run(plan, confirm=plan.hash, on_event=press)
    assert result.state == "paused"
    again = evening.dialer.run(evening.plan(numbers, policy), confirm=plan.hash)
    assert (again.state, again.counts) == ("done", {"done": 6})
    evening.sandbox.assert_no_number_dialed_twice()
    assert len(evening.sandbox.placed_calls) == 6


def test_a_run_in_another_thread_is_paused_and_resumed_from_this_one(evening: Evening) -> None:
    plan = evening.plan(numbers_ending(*range(9)), Policy(hours=Hours.always(), gap=5, max_live=2))
    ends: list[str] = []
    placed: list[str] = []
    at_the_pause: list[int] = []

    def in_another(act: Callable[..., None], *args: str) -> None:
        other = threading.Thread(target=act, args=args)
        other.start()
        other.join()

    def pause(event: DialEvent) -> None:
        if event.kind == "placed":
            placed.append(event.number)
        if event.kind == "placed" and len(placed) == 3:
            in_another(evening.dialer.pause, plan.campaign, "lunch")
        if event.kind == "paused":
            assert str(event) == "paused lunch"
            at_the_pause.append(len(evening.sandbox.placed_calls))
            in_another(evening.dialer.resume, plan.campaign)

    def work() -> None:
        result = evening.dialer.run(plan, confirm=plan.hash, on_event=pause)
        ends.append(f"{result.state}: {result.reason}")

    worker = threading.Thread(target=work)
    worker.start()
    worker.join(60)
    assert ends == ["done: None"]
    assert at_the_pause[0] <= 4
    assert len(evening.sandbox.placed_calls) == 9
