"""A crash at every boundary: the power goes before or after the n-th thing that is asked of store or server.

The same script runs again over the same store, and the sandbox judges from its own record. One call of each run loses
its answer, in one of five ways. Time is a jumping clock's, and nothing in the product knows of the cuts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, cast

import pytest
from attrs import define, field

from tests.dialer.conftest import START, numbers_ending
from tests.dialer.cuts import CutStore, Power, PowerCut, cut_client, in_one_thread
from tests.dialer.recount import check_counters, last_call_of, reader, tables_of
from tests.dialer.stores import NewStore
from trudy import AsyncTrudyClient
from trudy.dialer import Breaker, Dialer, Hours, Policy, RunResult
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import Store
from trudy.sandbox import JumpingClock, Sandbox

NUMBERS = numbers_ending(10, 0)
"""One who does not answer, and one who does, whose call's answer is lost."""
POLICY = Policy(
    hours=Hours.always(),
    gap=0,
    max_live=2,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
    unresolved_after=60,
)
LOSSES: Mapping[str, Mapping[str, Any]] = {
    "never arrived": {"reset": "before"},
    "placed, answer dropped": {"reset": "after"},
    "placed later": {"reset": "before", "effect_after": 40},
    "garbage": {"body": "<html>Bad Gateway</html>", "content_type": "text/html"},
    "timeout": {"delay": 200},
}
"""How the answer to the second call is lost. The client waits 180 s for it."""


IN_A_FILE = pytest.mark.parametrize("new_store", ["sqlite"], indirect=True)
IN_POSTGRES = pytest.mark.parametrize("new_store", ["postgresql"], indirect=True)
PAIRS = 4
"""Pairs of crashes for each way to lose an answer."""


@define
class Night:
    """One sandbox and one store, over as many lives as there are cuts."""

    url: str
    loss: Mapping[str, Any]
    power: Power
    clock: JumpingClock = field(factory=lambda: JumpingClock(start=START), init=False)
    sandbox: Sandbox = field(init=False)
    agent: str = field(default="", init=False)

    @sandbox.default
    def _sandbox(self) -> Sandbox:
        return Sandbox(clock=self.clock, rate_limit=None, seed=1)

    def run(self) -> Night:
        """The script, again and again until the power stays; then the judge's word."""
        self.clock.run(self._all())
        return self

    async def _all(self) -> None:
        async with self.sandbox.async_client() as client:
            agent = await client.agents.create(name="Ada", voice_id=self.sandbox.voices[0].id, system_prompt="Greet.")
            self.agent = agent.id
        self.sandbox.faults.add(method="POST", path="/calls", nth=2, **self.loss)
        lives = 0
        while True:
            lives += 1
            assert lives <= len(self.power.cuts) + 1
            try:
                result = await self._life()
            except* PowerCut:
                result = None
            if result is not None:
                break
            self.power.is_on = True
        await self._judge(result)

    async def _life(self) -> RunResult:
        store = SqlStore(self.url, clock=self.clock)
        client = cut_client(self.sandbox, self.power)
        try:
            return await self._script(
                client, Dialer(client, store=cast(Store, CutStore(store, self.power)), clock=self.clock)
            )
        finally:
            await store.close()
            await client.aclose()

    async def _script(self, client: AsyncTrudyClient, dialer: Dialer) -> RunResult:
        rows = [{"phone": number} for number in NUMBERS]
        async with dialer:
            plan = await dialer.plan(rows, agent=self.agent, consent="form", policy=POLICY, region="US", rejects=None)
            return await dialer.run(plan, confirm=plan.hash)

    async def _judge(self, result: RunResult) -> None:
        """Nobody rung twice, every row at its end with a reason, what the table says is what happened."""
        assert result.state == "done", result
        await self.clock.sleep(600)  # what the server still places comes now
        self.sandbox.assert_no_number_dialed_twice()
        self.sandbox.assert_no_ref_placed_twice()
        self.sandbox.assert_no_overlapping_calls()
        rung = {call.to: call.id for call in self.sandbox.placed_calls}
        tables = tables_of(self.url)
        assert sorted(row["number"] for row in tables["rows"]) == sorted(NUMBERS), "one row a number, in one campaign"
        for row in tables["rows"]:
            assert row["outcome"] or row["reason"], row
            assert row["state"] == ("done" if row["number"] in rung else "unresolved"), row
            assert last_call_of(tables, row) == rung.get(row["number"]), row
        check_counters(tables)


CHANGES: Mapping[bool, str] = {
    False: "PRAGMA data_version",
    True: "SELECT pg_current_wal_insert_lsn()::text AS written",
}
"""What shows that a store has changed; of PostgreSQL, that it has written a line of its log."""


def whole_night(url: str, loss: str) -> Power:
    """The boundaries of a night without a cut: at each, how often the store had changed, how many calls there were."""
    with reader(url, autocommit=True) as read:
        night = Night(url, LOSSES[loss], Power())
        changes = CHANGES["://" in url]
        night.power.watch = lambda: (read(changes), len(night.sandbox.placed_calls))
        return night.run().power


def edges(power: Power) -> list[int]:
    """Boundaries beside a change, the first and the last between two: the others find the same store and server."""
    seen = [None, *power.seen, None]
    return [each for each in range(1, len(seen) - 1) if seen[each] != seen[each - 1] or seen[each] != seen[each + 1]]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that happens, happens in an order of its own."""
    in_one_thread(monkeypatch)


@IN_A_FILE
@pytest.mark.parametrize("loss", LOSSES)
def test_a_crash_at_every_boundary(new_store: NewStore, loss: str) -> None:
    power = whole_night(new_store(), loss)
    cuts = edges(power)
    print(f"{loss}: {len(power.seen)} boundaries, {len(cuts)} beside a change")
    assert len(cuts) > 25
    for cut in cuts:
        Night(new_store(), LOSSES[loss], Power([cut])).run()


@IN_POSTGRES
@pytest.mark.parametrize("loss", LOSSES)
def test_a_crash_at_some_boundaries_in_postgres(new_store: NewStore, loss: str) -> None:
    cuts = edges(whole_night(new_store(), loss))
    assert len(cuts) > 25
    for cut in random.Random(f"in postgres, {loss}").sample(cuts, 3):
        Night(new_store(), LOSSES[loss], Power([cut])).run()


@IN_A_FILE
@pytest.mark.parametrize("loss", LOSSES)
def test_two_crashes_at_chosen_boundaries(new_store: NewStore, loss: str) -> None:
    """The second comes in the second life, or in what is left of the first."""
    cuts = edges(whole_night(new_store(), loss))
    chance = random.Random(f"two crashes, {loss}")
    for _ in range(PAIRS):
        first = chance.choice(cuts)
        second = first + chance.randint(1, max(cuts))
        Night(new_store(), LOSSES[loss], Power([first, second])).run()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_crash_at_every_boundary_whether_or_not_anything_changes(new_store: NewStore, loss: str) -> None:
    power = whole_night(new_store(), loss)
    for cut in range(1, len(power.seen) + 1):
        Night(new_store(), LOSSES[loss], Power([cut])).run()
