"""Campaigns from plan to result, against a sandbox: who is called, who is not, and what each row says at the end."""

from __future__ import annotations

import asyncio
import csv
import json
import time
from pathlib import Path

import pytest

from tests.dialer.conftest import Night, numbers_ending
from trudy import AsyncTrudyClient, ConfigurationError, InvalidArgumentError
from trudy.clock import SharedClock
from trudy.dialer import (
    AttemptResult,
    Breaker,
    Dialer,
    DialEvent,
    DueRow,
    Final,
    Hours,
    OptOut,
    Plan,
    Policy,
    RunResult,
    Skip,
)
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio
ONCE = Policy(
    hours=Hours.always(),
    gap=0,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)


async def run(night: Night, plan: Plan, **members: object) -> RunResult:
    return await night.dialer.run(plan, confirm=plan.hash, **members)  # type: ignore[arg-type]


async def test_every_outcome(night: Night) -> None:
    numbers = numbers_ending(0, 10, 20, 30, 40, 50, 91, 92)
    plan = await night.plan(numbers, ONCE)
    assert plan.waiting == 8
    result = await run(night, plan)
    assert (result.state, result.counts, result.live) == ("done", {"done": 8}, 0)
    await night.dialer.export(plan.campaign, night.folder / "results.csv")
    with (night.folder / "results.csv").open() as file:
        ends = {row["phone"]: (row["outcome"], row["reason"]) for row in csv.DictReader(file)}
    assert [ends[number] for number in numbers] == [
        ("answered", "final"),
        ("no_answer", "final"),
        ("busy", "final"),
        ("voicemail", "final"),
        ("", "validation_error"),
        ("failed", "final"),
        ("answered", "final"),
        ("answered", "final"),
    ]
    night.sandbox.assert_no_number_dialed_twice()


async def test_nobody_is_called_without_the_hash(night: Night) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    with pytest.raises(InvalidArgumentError, match="confirm"):
        await night.dialer.run(plan, confirm="yes")
    assert not night.sandbox.placed_calls


async def test_the_same_script_goes_on_after_a_crash(night: Night) -> None:
    numbers = numbers_ending(*range(6))
    plan = await night.plan(numbers, ONCE, canary=2)
    result = await run(night, plan)
    assert (result.state, result.reason) == ("paused", "the canary was called")
    assert len(night.sandbox.placed_calls) == 2
    dialer = await night.again()
    rows = [{"phone": number, "name": f"P{index}"} for index, number in enumerate(numbers)]
    again = await dialer.plan(rows, agent=night.agent, consent="web form", policy=ONCE, region="US", rejects=None)
    assert (again.campaign, again.hash) == (plan.campaign, plan.hash)
    result = await dialer.run(again, confirm=again.hash)
    assert (result.state, result.counts) == ("done", {"done": 6})
    night.sandbox.assert_no_number_dialed_twice()
    assert len(night.sandbox.placed_calls) == 6
    assert (await dialer.run(again, confirm=again.hash)).state == "done"
    await dialer.store.close()


async def test_a_refusal_for_everybody_pauses(night: Night) -> None:
    plan = await night.plan(numbers_ending(97, 0, 1), Policy(hours=Hours.always(), gap=0, max_live=1))
    result = await run(night, plan)
    assert (result.state, result.reason) == ("paused", "HTTP 402: payment_required")
    assert result.counts == {"waiting": 3}


async def test_an_opt_out_is_heard_and_kept(night: Night) -> None:
    (number,) = numbers_ending(70)
    result = await run(night, await night.plan([number], ONCE))
    assert result.counts == {"done": 1}
    later = await night.plan([number, *numbers_ending(0)], Policy(hours=Hours.always(), max_live=2))
    assert later.counts == {"suppressed: do_not_call": 1, "waiting": 1}
    assert any("opted_out" in line for line in await night.dialer.why(number))


async def test_a_row_of_no_known_zone_is_held(night: Night) -> None:
    policy = Policy(gap=0, kinds=frozenset({"toll_free", "fixed_line_or_mobile"}), countries=frozenset({"US"}))
    plan = await night.plan(["+18005550100", *numbers_ending(0)], policy)
    assert plan.openings[""] == (1, None)
    result = await run(night, plan)
    assert (result.state, result.reason, result.counts) == (
        "paused",
        "only held rows are left",
        {"done": 1, "waiting": 1},
    )


async def test_hooks(night: Night) -> None:
    first, second, third = numbers_ending(0, 1, 2)
    seen: list[str] = []

    def should_dial(row: DueRow) -> Skip | None:
        return Skip("not today") if row.number == first else None

    async def on_outcome(result: AttemptResult) -> Final | OptOut | None:
        seen.append(result.contact.number)
        return OptOut() if result.contact.number == second else None

    events: list[DialEvent] = []
    plan = await night.plan([first, second, third], ONCE)
    result = await run(night, plan, should_dial=should_dial, on_outcome=on_outcome, on_event=events.append)
    assert result.counts == {"done": 3}
    assert sorted(seen) == [second, third]
    assert {event.kind for event in events} == {"placed", "ended"}
    assert not any(number in str(event) for event in events for number in (first, second, third))
    assert await night.dialer.dnc.add(second) == 0, "the opt-out is on the list already"


async def test_forgetting_and_resolving(night: Night) -> None:
    (number,) = numbers_ending(0)
    plan = await night.plan([number], ONCE)
    await run(night, plan)
    assert await night.dialer.forget(number) == 1
    path = night.folder / "results.jsonl"
    assert await night.dialer.export(plan.campaign, path) == 1
    row = json.loads(path.read_text())
    assert "phone" not in row
    assert (row["state"], row["outcome"]) == ("done", "answered")


async def test_a_number_in_a_call_is_forgotten_once_the_call_has_ended(night: Night) -> None:
    called, _ = numbers = numbers_ending(0, 1)
    plan = await night.plan(numbers, ONCE, canary=1)
    assert (await run(night, plan)).live == 1
    with pytest.raises(InvalidArgumentError, match=r"number: .*run its campaign") as failure:
        await night.dialer.forget(called)
    assert failure.value.argument == "number"
    assert called not in str(failure.value)
    assert (await run(night, plan)).counts == {"live": 1, "waiting": 1}
    await night.dialer.stop(plan.campaign)
    assert (await run(night, plan)).live == 0
    assert await night.dialer.forget(called) == 1
    assert await night.dialer.forget(called) == 1, "its row is still there, with nothing of the person"


async def test_a_campaign_that_the_store_does_not_have(night: Night) -> None:
    """Every method that takes a campaign or a plan names the argument, and says so."""
    dialer, nowhere = night.dialer, night.folder / "page.html"
    plan = await night.plan(numbers_ending(0), ONCE)
    for method in (dialer.pause, dialer.resume, dialer.stop, dialer.status):
        with pytest.raises(InvalidArgumentError, match="campaign: the store has none"):
            await method("another")
    with pytest.raises(InvalidArgumentError, match="campaign: the store has none"):
        await dialer.export("another", nowhere.with_suffix(".csv"))
    with pytest.raises(InvalidArgumentError, match="campaign: the store has none"):
        await dialer.report("another", nowhere)
    assert not list(night.folder.glob("page.*"))
    async with Dialer(night.client, store=night.folder / "others.db", clock=night.sandbox.clock) as other:
        with pytest.raises(InvalidArgumentError, match="plan: ") as of_run:
            await other.run(plan, confirm=plan.hash)
        with pytest.raises(InvalidArgumentError, match="plan: ") as of_rehearsal:
            await other.rehearse(plan)
    assert (of_run.value.argument, of_rehearsal.value.argument) == ("plan", "plan")
    assert not night.sandbox.placed_calls


async def test_a_restored_backup_halts(night: Night) -> None:
    numbers = numbers_ending(0, 1)
    plan = await night.plan(numbers, ONCE)
    backup = (night.folder / "leads.db").read_bytes()
    log = (night.folder / "leads.db-wal").read_bytes()
    await run(night, plan)
    await night.dialer.store.close()
    (night.folder / "leads.db").write_bytes(backup)
    (night.folder / "leads.db-wal").write_bytes(log)
    dialer = await night.again()
    result = await dialer.run(plan, confirm=plan.hash)
    assert result.state == "halted"
    assert "backup" in (result.reason or "")
    assert result.counts == {"unresolved": 2}
    assert len(night.sandbox.placed_calls) == 2
    await dialer.store.close()


async def test_always_is_refused_for_the_real_api(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await night.plan(numbers_ending(0), ONCE)
    monkeypatch.setattr(type(night.client), "base_url", "https://api.truedy.ai/api/public/v1")
    with pytest.raises(ConfigurationError, match="i_know_the_law"):
        await run(night, plan)


@pytest.mark.parametrize(
    ("rows", "members", "named"),
    [
        ([{"name": "Al"}], {"consent": "x"}, "phone number"),
        ([{"phone": "+12125550100", "name": "Al"}], {"consent": None}, "consent"),
        ([{"phone": "+12125550100"}], {"consent": "x"}, "name"),
    ],
)
async def test_a_source_that_cannot_be_dialed(
    night: Night, rows: list[dict[str, str]], members: dict[str, str | None], named: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=named):
        await night.dialer.plan(rows, agent=night.agent, region="US", rejects=None, **members)  # type: ignore[arg-type]
    assert await night.dialer.store.campaigns() == []


async def test_a_dialer_has_the_time_of_its_client(tmp_path: Path, clock: JumpingClock) -> None:
    """Hours between two calls pass on the one clock of client and sandbox, and cost none."""
    sandbox = Sandbox(clock=clock)
    async with sandbox.async_client() as client, Dialer(client, store=tmp_path / "leads.db") as dialer:
        assert client.clock is clock
        await _two_calls_apart(client, dialer, sandbox, 3600.0)


def test_a_dialer_follows_a_served_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At five times the speed, the dialer's time to send a call is still a second of this machine's."""
    sandbox = Sandbox(speed=5, rate_limit=None, talk_seconds=1)

    async def main() -> None:
        async with AsyncTrudyClient() as client, Dialer(client, store=tmp_path / "leads.db") as dialer:
            assert isinstance(client.clock, SharedClock)
            await _two_calls_apart(client, dialer, sandbox, 30.0)

    with sandbox.serve() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        asyncio.run(main())


async def _two_calls_apart(client: AsyncTrudyClient, dialer: Dialer, sandbox: Sandbox, gap: float) -> None:
    began = time.monotonic()
    agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
    rows = [{"phone": number} for number in numbers_ending(0, 1)]
    policy = Policy(hours=Hours.always(), gap=gap)
    plan = await dialer.plan(rows, agent=agent.id, consent="form", policy=policy, region="US", rejects=None)
    result = await dialer.run(plan, confirm=plan.hash)
    assert (result.state, result.counts) == ("done", {"done": 2})
    first, second = sandbox.placed_calls
    assert second.created_at - first.created_at >= gap - 1
    assert time.monotonic() - began < gap


async def test_a_list_without_a_header_leaves_nobody_out_in_silence(night: Night) -> None:
    numbers = numbers_ending(0, 1)
    (night.folder / "stop.txt").write_text("\n".join(numbers))
    with pytest.raises(InvalidArgumentError, match="first line of stop") as refused:
        await night.dialer.dnc.import_file(night.folder / "stop.txt")
    assert refused.value.argument == "path"
    with pytest.raises(InvalidArgumentError, match="first line of stop") as refused:
        await night.plan(numbers, only_to=night.folder / "stop.txt")
    assert refused.value.argument == "only_to"
    assert (await night.plan(numbers)).waiting == 2
