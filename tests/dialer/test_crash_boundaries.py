"""A crash at every boundary: the power goes before or after the n-th thing that is asked of store or server.

The same script runs again over the same store, and the sandbox judges from its own record. One call of each run loses
its answer, in one of five ways. Time is a jumping clock's, and nothing in the product knows of the cuts.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import anyio
import httpx
import pytest
from attrs import define, field

from tests.dialer.conftest import START, numbers_ending
from tests.dialer.recount import check_counters, last_call_of, tables_of
from trudy import AsyncTrudyClient
from trudy.dialer import Breaker, Dialer, Hours, Policy, RunResult
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import Store
from trudy.sandbox import JumpingClock, Sandbox
from trudy.sandbox.http.in_process import InProcessTransport

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


PAIRS = 4
"""Pairs of crashes for each way to lose an answer."""


class PowerCut(BaseException):
    """Nothing runs any more; no clean-up either, since whatever it asks for raises this again."""


@define
class Power:
    """Counts boundaries, and goes at some of them."""

    cuts: Sequence[int] = ()
    watch: Callable[[], object] = lambda: None
    is_on: bool = True
    seen: list[object] = field(factory=list[object])
    """What `watch` saw at each boundary."""

    def boundary(self) -> None:
        """One more; raises where the power goes, or is gone."""
        if self.is_on:
            self.seen.append(self.watch())
            self.is_on = len(self.seen) not in self.cuts
        if not self.is_on:
            raise PowerCut

    async def around(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Two boundaries: before and after."""
        self.boundary()
        result = await work()
        self.boundary()
        return result


class CutStore:
    """A store with a boundary before and after each of its methods."""

    def __init__(self, store: SqlStore, power: Power) -> None:
        self._store, self._power = store, power

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._store, name)
        if name in ("id", "close", "export", "hash_of"):
            return member

        async def call(*args: Any, **values: Any) -> Any:
            return await self._power.around(lambda: member(*args, **values))

        return call


class CutTransport(httpx.AsyncBaseTransport):
    """A connection with a boundary before a request leaves and after its answer came."""

    def __init__(self, transport: httpx.AsyncBaseTransport, power: Power) -> None:
        self._transport, self._power = transport, power

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        response: httpx.Response = await self._power.around(lambda: self._transport.handle_async_request(request))
        return response


@define
class Night:
    """One sandbox and one store file, over as many lives as there are cuts."""

    path: Path
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
        store = SqlStore(self.path, clock=self.clock)
        client = self.sandbox.async_client(http_client=self._http_client)
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

    def _http_client(self) -> httpx.AsyncClient:
        transport = InProcessTransport(self.sandbox.world, self.sandbox.app, real_time=False)
        return httpx.AsyncClient(transport=CutTransport(transport, self.power))

    async def _judge(self, result: RunResult) -> None:
        """Nobody rung twice, every row at its end with a reason, what the table says is what happened."""
        assert result.state == "done", result
        await self.clock.sleep(600)  # what the server still places comes now
        self.sandbox.assert_no_number_dialed_twice()
        self.sandbox.assert_no_ref_placed_twice()
        self.sandbox.assert_no_overlapping_calls()
        rung = {call.to: call.id for call in self.sandbox.placed_calls}
        tables = tables_of(self.path)
        assert sorted(row["number"] for row in tables["rows"]) == sorted(NUMBERS), "one row a number, in one campaign"
        for row in tables["rows"]:
            assert row["outcome"] or row["reason"], row
            assert row["state"] == ("done" if row["number"] in rung else "unresolved"), row
            assert last_call_of(tables, row) == rung.get(row["number"]), row
        check_counters(tables)


def whole_night(path: Path, loss: str) -> Power:
    """The boundaries of a night without a cut: at each, how often the file had changed, how many calls there were."""
    with closing(sqlite3.connect(path)) as file:
        night = Night(path, LOSSES[loss], Power())

        def changes() -> object:
            return file.execute("PRAGMA data_version").fetchone(), len(night.sandbox.placed_calls)

        night.power.watch = changes
        return night.run().power


def edges(power: Power) -> list[int]:
    """Boundaries beside a change, the first and the last between two: the others find the same store and server."""
    seen = [None, *power.seen, None]
    return [each for each in range(1, len(seen) - 1) if seen[each] != seen[each - 1] or seen[each] != seen[each + 1]]


@pytest.fixture(autouse=True)
def in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store works in the event loop's own thread: each run is the same, and as quick as it can be."""

    async def run_here(work: Callable[..., object], *args: object, **_: object) -> object:
        await anyio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_here)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_crash_at_every_boundary(tmp_path: Path, loss: str) -> None:
    power = whole_night(tmp_path / "whole.db", loss)
    cuts = edges(power)
    print(f"{loss}: {len(power.seen)} boundaries, {len(cuts)} beside a change")
    assert len(cuts) > 25
    for cut in cuts:
        Night(tmp_path / f"{cut}.db", LOSSES[loss], Power([cut])).run()


@pytest.mark.parametrize("loss", LOSSES)
def test_two_crashes_at_chosen_boundaries(tmp_path: Path, loss: str) -> None:
    """The second comes in the second life, or in what is left of the first."""
    cuts = edges(whole_night(tmp_path / "whole.db", loss))
    chance = random.Random(f"two crashes, {loss}")
    for number in range(PAIRS):
        first = chance.choice(cuts)
        second = first + chance.randint(1, max(cuts))
        Night(tmp_path / f"{number}.db", LOSSES[loss], Power([first, second])).run()


@pytest.mark.soak
@pytest.mark.parametrize("loss", LOSSES)
def test_a_crash_at_boundaries_between_which_nothing_changes(tmp_path: Path, loss: str) -> None:
    power = whole_night(tmp_path / "whole.db", loss)
    for cut in sorted({*range(1, len(power.seen) + 1)} - {*edges(power)}):
        Night(tmp_path / f"{cut}.db", LOSSES[loss], Power([cut])).run()
