"""A campaign tried out on a sandbox in memory: with the real policy, and without a trace."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import anyio
import pytest

from tests.dialer.conftest import START, Night, numbers_ending
from tests.dialer.rehearsals import MIX, ZONES, careful, numbers
from trudy import AsyncTrudyClient, InvalidArgumentError, TrudyClient
from trudy.dialer import (
    Attempts,
    Dialer,
    DueRow,
    Hours,
    Mix,
    Policy,
    Rehearsal,
    RetryAfter,
    SyncDialer,
    rehearsing,
)
from trudy.sandbox import JumpingClock, Sandbox

pytestmark = pytest.mark.anyio


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


async def test_nothing_is_sent_and_the_store_stays_as_it_is(night: Night) -> None:
    plan = await careful(night)
    before, sent, now = dump(night.folder / "leads.db"), len(night.sandbox.requests), night.sandbox.clock.time()
    files = {path.name for path in night.folder.iterdir()}
    found = await night.dialer.rehearse(plan, mix=MIX, seed=1)
    assert found.statistics.contacts == 30
    assert len(night.sandbox.requests) == sent
    assert night.sandbox.placed_calls == []
    assert dump(night.folder / "leads.db") == before
    assert {path.name for path in night.folder.iterdir()} == files
    assert night.sandbox.clock.time() == now, "simulated time of its own"


async def test_the_same_seed_gives_the_same_result(night: Night) -> None:
    plan = await careful(night, 12)
    first = await night.dialer.rehearse(plan, mix=MIX, seed=1)
    assert await night.dialer.rehearse(plan, mix=MIX, seed=1) == first
    other = await night.dialer.rehearse(plan, mix=MIX, seed=2)
    assert other.statistics.outcomes != first.statistics.outcomes


async def test_the_hours_of_every_zone_hold(night: Night) -> None:
    found = await night.dialer.rehearse(await careful(night, 21), mix=MIX, seed=3)
    hours = found.statistics.by_local_hour
    assert set(hours) == set(ZONES)
    assert all(not any(calls[:10]) and not any(calls[18:]) for calls in hours.values())
    assert sum(map(sum, hours.values())) == found.statistics.calls
    days = {at.astimezone(ZoneInfo("America/New_York")).isoweekday() for at in found.statistics.by_time}
    assert days <= {1, 2, 3, 4, 5}


async def test_it_takes_caps_lists_and_canary_as_they_are(night: Night) -> None:
    await night.dialer.dnc.add(numbers(3)[0])
    plan = await careful(night, 12, Policy(hours=Hours.always(), gap=0, retry={"no_answer": None}), canary=4)
    found = await night.dialer.rehearse(plan, mix=Mix())
    assert (found.state, found.reason) == ("paused", "the canary was called")
    assert found.statistics.calls == 4
    assert found.statistics.rows["suppressed: do_not_call"] == 1


async def test_what_was_called_before_counts(night: Night) -> None:
    """A campaign in its middle: the rest is rehearsed, under the caps that are used up already."""
    never_again = Policy(
        hours=Hours.always(), gap=0, attempts=Attempts(a_day=1, in_30_days=3), retry={"no_answer": RetryAfter(most=2)}
    )
    plan = await night.plan(numbers_ending(10, 11, 12), never_again, canary=2)
    await night.dialer.run(plan, confirm=plan.hash)
    rest = await night.plan(numbers_ending(10, 11, 12), never_again)
    assert rest.campaign == plan.campaign
    found = await night.dialer.rehearse(rest, mix=Mix())
    assert found.statistics.calls == 2, "the two are on the line, and nobody knows how they end"
    assert found.statistics.rows == {"done: attempts_spent": 1, "done: on the line when copied": 2}
    assert (await night.dialer.status(plan.campaign)).dialed == 2


async def test_money_is_kept_to(night: Night) -> None:
    policy = Policy(hours=Hours.always(), gap=0, price=1.0, max_spend=3.0, max_live=2)
    plan = await careful(night, 9, policy)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "max_spend is reached")
    assert found.cost == (3.0, 3.0)
    some = await night.dialer.rehearse(plan, mix=Mix(answered=0.6), seed=2)
    assert some.statistics.calls > 3
    assert some.cost == (some.statistics.connected, 3.0), "no run spends more"


async def test_a_cancelled_rehearsal_ends(night: Night) -> None:
    plan = await careful(night, 60)
    with anyio.move_on_after(0.3) as scope:
        await night.dialer.rehearse(plan, mix=Mix())
    assert scope.cancelled_caught
    assert (await night.dialer.status(plan.campaign)).state == "planned"


async def test_an_unknown_campaign_is_an_error(night: Night) -> None:
    plan = await careful(night)
    other = Dialer(night.client, store=night.folder / "other.db", clock=night.sandbox.clock)
    async with other:
        with pytest.raises(InvalidArgumentError, match="plan"):
            await other.rehearse(plan)


async def test_an_agent_of_the_same_id_is_no_other_one(tmp_path: Path, clock: JumpingClock) -> None:
    """Where the sandbox of a test has the seed of the rehearsal, their agents are called alike."""
    sandbox = Sandbox(clock=clock, seed=1)
    async with sandbox.async_client() as client, Dialer(client, store=tmp_path / "leads.db", clock=clock) as dialer:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        plan = await Night(sandbox, client, dialer, agent.id, tmp_path).plan(numbers(1))
        assert (await dialer.rehearse(plan, mix=Mix(answered=1.0), seed=1)).statistics.reached == 1


async def test_two_at_once_are_two(night: Night) -> None:
    plan = await careful(night, 6)
    found: dict[int, Rehearsal] = {}

    async def rehearse(seed: int) -> None:
        found[seed] = await night.dialer.rehearse(plan, mix=MIX, seed=seed)

    async with anyio.create_task_group() as tasks:
        for seed in (1, 2):
            tasks.start_soon(rehearse, seed)
    assert found[1] == await night.dialer.rehearse(plan, mix=MIX, seed=1)
    assert found[2].seed == 2


def test_without_an_event_loop(tmp_path: Path) -> None:
    sandbox = Sandbox(clock=JumpingClock(start=START))
    with sandbox.client() as client, SyncDialer(client, store=tmp_path / "leads.db", clock=sandbox.clock) as dialer:
        found = _rehearsed(client, dialer, sandbox)
    assert found.statistics.contacts == 6
    assert sandbox.placed_calls == []


def _rehearsed(client: TrudyClient, dialer: SyncDialer, sandbox: Sandbox) -> Rehearsal:
    agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
    rows = [{"phone": number} for number in numbers(6)]
    plan = dialer.plan(rows, agent=agent.id, consent="form", region="US", rejects=None)
    return dialer.rehearse(plan, mix=MIX, seed=1)


async def test_nothing_leaves_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the network of the process cut: its own client could not reach the server any more."""
    with Sandbox(rate_limit=None).serve() as server:
        async with (
            AsyncTrudyClient(api_key=server.sandbox.api_key, base_url=server.base_url, max_retries=0) as client,
            Dialer(client, store=tmp_path / "leads.db") as dialer,
        ):
            agent = await client.agents.create(name="A", voice_id=server.sandbox.voices[0].id, system_prompt="-")
            rows = [{"phone": number} for number in numbers(4)]
            policy = Policy(hours=Hours.always())
            plan = await dialer.plan(
                rows, agent=agent.id, consent="form", region="US", policy=policy, rejects=None
            )  # fmt: skip

            def cut(*_: object, **__: object) -> None:
                raise AssertionError("the network was used")

            before, files = len(server.sandbox.requests), sorted(path.name for path in tmp_path.iterdir())
            for name in ("connect", "connect_ex", "sendto", "bind", "listen"):
                monkeypatch.setattr(socket.socket, name, cut)
            for name in ("getaddrinfo", "gethostbyname", "create_connection"):
                monkeypatch.setattr(socket, name, cut)
            found = await dialer.rehearse(plan, mix=MIX)
            assert found.statistics.contacts == 4
            assert sorted(path.name for path in tmp_path.iterdir()) == files
            monkeypatch.undo()
            assert len(server.sandbox.requests) == before


async def test_a_plan_of_rows_that_cannot_be_called(night: Night) -> None:
    plan = await night.plan(["nonsense", "12"])
    found = await night.dialer.rehearse(plan, mix=MIX)
    assert (found.state, found.statistics.calls, found.waits) == ("done", 0, ())
    assert found.statistics.rows == plan.counts == {"rejected: no_number": 1, "rejected: short": 1}
    assert "calls        0 to 0 contacts, 0 reached" in found.summary()


async def test_rows_that_may_never_be_called_are_held(night: Night) -> None:
    """A number of no zone, beside one that may be called."""
    policy = Policy(kinds={"fixed_line_or_mobile", "toll_free"})
    plan = await night.plan([numbers(1)[0], "+18002345678"], policy)
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "only held rows are left")
    assert found.statistics.rows == {"done: final": 1, "waiting: zone_unknown": 1}
    assert found.statistics.calls == 1


async def test_a_rehearsal_of_what_never_ends_does(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Friday, and open on Thursdays; three days stand for a year."""
    monkeypatch.setattr(rehearsing, "_LONGEST", 3 * 86_400.0)
    plan = await careful(night, 2, Policy(hours=Hours(days=frozenset({4}))))
    found = await night.dialer.rehearse(plan, mix=MIX)
    assert (found.state, found.reason, found.statistics.calls) == ("running", "not over after a year", 0)
    assert found.ends_at.timestamp() == pytest.approx(START + 3 * 86_400, abs=60)
    (wait,) = found.waits
    assert (wait.reason, wait.rows, wait.end) == ("hours", 2, found.ends_at)


async def test_only_some_are_called(night: Night) -> None:
    everybody = numbers(6)
    plan = await careful(night, 6, Policy(hours=Hours.always(), gap=0), only_to=[{"phone": everybody[2]}])
    found = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (found.state, found.reason) == ("paused", "only held rows are left")
    assert found.statistics.rows == {"done: final": 1, "waiting: only_to": 5}
    assert found.statistics.calls == 1


async def test_during_a_run_and_after_it(night: Night) -> None:
    plan = await night.plan(numbers_ending(0, 0, 0), Policy(hours=Hours.always(), gap=0))
    seen: list[Rehearsal] = []

    async def ask(row: DueRow) -> None:
        seen.append(await night.dialer.rehearse(plan, mix=Mix(answered=1.0)))

    result = await night.dialer.run(plan, confirm=plan.hash, should_dial=ask)
    assert result.counts == {"done": 3}
    assert [found.statistics.calls for found in seen] == [3, 2, 1]
    after = await night.dialer.rehearse(plan, mix=Mix(answered=1.0))
    assert (after.state, after.statistics.calls, after.requests) == ("done", 0, after.requests)
    assert len(night.sandbox.placed_calls) == 3


@pytest.mark.soak
async def test_ten_thousand_rows_over_several_days_take_less_than_two_minutes(night: Night) -> None:
    """Of CPU, since others may be at work on the machine."""
    areas = (212, 312, 415, 303, 617, 713, 404, 206, 602, 702)
    people = [f"+1{areas[index % 10]}{200 + index // 1_000}{5_000 + index % 1_000:04d}" for index in range(10_000)]
    plan = await night.plan(people, Policy(max_live=30, price=0.1))
    assert plan.waiting == 10_000
    began = process_time()
    found = await night.dialer.rehearse(plan, mix=Mix(answered=0.35, no_answer=0.4, busy=0.05, voicemail=0.2), seed=1)
    assert (found.state, found.statistics.contacts) == ("done", 10_000)
    assert (found.ends_at - found.starts_at).days >= 2
    assert process_time() - began < 120
