"""What a disk can do to a store: fill up, turn read-only, lose or garble pages, or lose power at any commit.

Nothing is sent without an intent that is in the file, and the campaign halts and says why.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import evolve, frozen
from sqlalchemy import Connection, event

from tests.dialer.child import POLICY, Job, numbers_that, running
from tests.dialer.judge import judge
from trudy.dialer import Dial, Dialer, DueRow, Plan, RunResult
from trudy.dialer.sql_store import SqlStore
from trudy.dialer.store import StoreError
from trudy.sandbox import JumpingClock, Sandbox

T = TypeVar("T")
START = 1_780_675_200.0
"""2026-06-05 12:00 in New York, a Friday."""
NUMBERS = numbers_that(40, 0, 1, 2, 3, 4)


@frozen
class Campaign:
    """A dialer on a sandbox whose days pass at once, with a plan to call some numbers."""

    sandbox: Sandbox
    dialer: Dialer
    agent: str
    numbers: list[str]

    async def plan(self, dialer: Dialer | None = None) -> Plan:
        rows = [{"phone": number} for number in self.numbers]
        return await (dialer or self.dialer).plan(
            rows, agent=self.agent, consent="form", policy=POLICY, region="US", rejects=None
        )

    async def run(self, **hooks: Any) -> RunResult:
        plan = await self.plan()
        return await self.dialer.run(plan, confirm=plan.hash, **hooks)

    async def goes_on_from(self, path: Path) -> RunResult:
        """The same script again, as after the disk was mended."""
        async with Dialer(self.dialer.client, store=path, clock=self.sandbox.clock) as dialer:
            plan = await self.plan(dialer)
            return await dialer.run(plan, confirm=plan.hash)


@asynccontextmanager
async def campaign(
    clock: JumpingClock, store: SqlStore, numbers: Iterable[str] = NUMBERS, **options: Any
) -> AsyncIterator[Campaign]:
    sandbox = Sandbox(clock=clock, rate_limit=None, **options)
    async with sandbox.async_client() as client, Dialer(client, store=store, clock=clock) as dialer:
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        yield Campaign(sandbox, dialer, agent.id, list(numbers))


def check_file(sandbox: Sandbox, path: Path) -> None:
    """The file is whole, and has an intent for each call that was placed."""
    with sqlite3.connect(path) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        known = {attempt for (attempt,) in store.execute("SELECT id FROM attempts")}
    assert {call.variables["trudy_ref"].partition("/")[2] for call in sandbox.placed_calls} <= known


def after(calls: int, store: SqlStore, pragma: str) -> Callable[[DueRow], Any]:
    """A hook that changes a setting of the database before a call is placed."""
    counts = count(1)

    async def should_dial(row: DueRow) -> Dial:
        if next(counts) == calls:
            await store._in_transaction(lambda connection: connection.exec_driver_sql(pragma))
        return Dial()

    return should_dial


@pytest.mark.parametrize(
    ("pragma", "says"),
    [("max_page_count=1", "full"), ("query_only=ON", "readonly")],
    ids=["full disk", "read-only file"],
)
def test_a_store_that_cannot_be_written_halts(tmp_path: Path, pragma: str, says: str) -> None:
    clock = JumpingClock(start=START)
    path = tmp_path / "leads.db"

    async def main() -> None:
        store = SqlStore(path, clock=clock)
        async with campaign(clock, store) as night:
            result = await night.run(should_dial=after(8, store, f"PRAGMA {pragma}"))
            assert result.state == "halted"
            assert says in (result.reason or "")
            placed = len(night.sandbox.placed_calls)
            assert 7 <= placed < len(NUMBERS)
            await store.close()
            check_file(night.sandbox, path)
            assert (await night.goes_on_from(path)).counts == {"done": len(NUMBERS)}
            night.sandbox.assert_no_number_dialed_twice()
            assert len(night.sandbox.placed_calls) == len(NUMBERS)

    clock.run(main())


def test_nothing_is_sent_from_a_read_only_file(tmp_path: Path) -> None:
    clock = JumpingClock(start=START)
    path = tmp_path / "leads.db"

    async def main() -> None:
        async with campaign(clock, SqlStore(path, clock=clock)) as night:
            plan = await night.plan()
            url = f"sqlite:///file:{path}?mode=ro&uri=true"
            async with Dialer(night.dialer.client, store=url, clock=clock) as dialer:
                assert (await dialer.status(plan.campaign)).counts == {"waiting": 40}
                result = await dialer.run(plan, confirm=plan.hash)
            assert result.state == "halted"
            assert "readonly" in (result.reason or "")
            assert not night.sandbox.placed_calls

    clock.run(main())


def garble_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 100)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 3)


def garble_table(name: str) -> Callable[[Path], None]:
    def garble(path: Path) -> None:
        with sqlite3.connect(path) as store:
            (page,) = store.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            (size,) = store.execute("PRAGMA page_size").fetchone()
        with path.open("r+b") as file:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)

    return garble


@pytest.mark.parametrize(
    "damage",
    [garble_header, cut_short, garble_table("rows"), garble_table("attempts"), garble_table("campaigns")],
    ids=["header", "cut short", "rows", "attempts", "campaigns"],
)
def test_nothing_is_sent_from_a_damaged_file(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    clock = JumpingClock(start=START)
    path = tmp_path / "leads.db"

    async def main() -> None:
        async with campaign(clock, SqlStore(path, clock=clock)) as night:
            plan = await night.plan()
            await night.dialer.store.close()
            damage(path)
            garbled = path.read_bytes()
            try:
                async with Dialer(night.dialer.client, store=path, clock=clock) as dialer:
                    result = await dialer.run(plan, confirm=plan.hash)
            except StoreError as error:
                said = str(error)
            else:
                assert result.state == "halted"
                said = result.reason or ""
            assert "leads.db" in said
            assert not night.sandbox.placed_calls
            assert len(path.read_bytes()) >= len(garbled), "the file was taken for a new one"

    clock.run(main())


def test_a_disk_that_fills_up_under_a_process(tmp_path: Path) -> None:
    """By a limit of the system on the size of files, since a small file system needs rights that not everybody has."""
    sandbox = Sandbox(speed=60, rate_limit=None)
    with sandbox.serve() as server, server.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        job = Job(
            store=tmp_path / "leads.db", agent=agent.id, numbers=NUMBERS, environment=server.environment, room=600_000
        )
        with running(job) as child:
            result = child.result()
        assert result.state == "halted"
        assert "leads.db" in (result.reason or "")
        assert 0 < len(sandbox.placed_calls) < len(NUMBERS)
        check_file(sandbox, job.store)
        with running(evolve(job, room=None)) as child:
            assert child.result().state == "done"
        judge(sandbox, job.store, NUMBERS)


class PowerCut(Exception):  # noqa: N818  # no error of the product
    """Nothing is written any more."""


class CutStore(SqlStore):
    """Loses power right before or after its n-th commit, when its files are copied as the disk has them then."""

    def __init__(self, path: Path, clock: JumpingClock) -> None:
        super().__init__(path, clock=clock)
        self._file, self._copy = path, path
        self._cut_at, self._before = 0, False
        self._changes, self.commits = 0, 0
        self._is_dead = False
        event.listen(self._database._engine, "commit", self._commits)

    def cut(self, copy: Path, commit: int, *, before: bool) -> None:
        self._copy, self._cut_at, self._before, self.commits = copy, commit, before, 0

    async def _in_transaction(self, work: Callable[..., T], *args: Any, **values: Any) -> T:
        if self._is_dead:
            raise PowerCut
        result = await super()._in_transaction(work, *args, **values)
        if self._cut_at and self.commits >= self._cut_at and not self._is_dead:
            self._lose_power()
        return result

    def _commits(self, connection: Connection) -> None:
        changes = connection.connection.driver_connection.total_changes  # type: ignore[union-attr]
        if changes == self._changes:
            return
        self._changes = changes
        self.commits += 1
        if self._before and self.commits == self._cut_at:
            self._lose_power()

    def _lose_power(self) -> None:
        self._is_dead = True
        self._copy.parent.mkdir()
        for suffix in ("", "-wal"):  # not -shm: it is memory, and gone
            shutil.copyfile(f"{self._file}{suffix}", f"{self._copy}{suffix}")
        raise PowerCut


@pytest.mark.parametrize(
    ("before", "quirks"),
    [(True, set[str]()), (False, {"calls_without_variables", "lagging_calls"})],
    ids=["before, marked", "after, unmarked"],
)
def test_power_is_lost_at_each_commit(memory_folder: Path, before: bool, quirks: set[str]) -> None:
    # One is answered, one loses its answer, one is refused.
    numbers = ["+12125550100", "+13125550192", "+14155550140"]
    for commit in count(1):
        clock = JumpingClock(start=START)
        folder = memory_folder / str(commit)
        folder.mkdir()

        async def main(clock: JumpingClock = clock, folder: Path = folder, commit: int = commit) -> bool:
            store = CutStore(folder / "leads.db", clock)
            async with campaign(clock, store, numbers, seed=1, quirks=quirks) as night:
                plan = await night.plan()
                store.cut(folder / "copy" / "leads.db", commit, before=before)
                try:
                    await night.dialer.run(plan, confirm=plan.hash)
                except PowerCut:
                    pass
                else:
                    return False
                result = await night.goes_on_from(folder / "copy" / "leads.db")
                assert (result.state, result.live) == ("done", 0)
                judge(night.sandbox, folder / "copy" / "leads.db", numbers)
            return True

        if not clock.run(main()):
            assert commit > 10, "each call alone has three"
            return
