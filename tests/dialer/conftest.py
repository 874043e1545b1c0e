"""A sandbox in process, a client and a dialer on its clock."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest
from attrs import frozen

from tests.dialer.stores import NewStore, files_in, schemas_of
from tests.fakes.clock import FakeClock
from trudy import AsyncTrudyClient
from trudy.dialer import Dialer, Hours, Plan, Policy
from trudy.dialer.sql_store import SqlStore
from trudy.sandbox import JumpingClock, Sandbox

START = 1_780_675_200.0
"""2026-06-05 12:00 in New York, a Friday."""


@frozen
class Night:
    """What a test dials with."""

    sandbox: Sandbox
    client: AsyncTrudyClient
    dialer: Dialer
    agent: str
    folder: Path

    async def plan(self, numbers: Sequence[str], policy: Policy | None = None, **members: object) -> Plan:
        """A campaign of these numbers; hours are open unless a policy says otherwise."""
        rows = [{"phone": number, "name": f"P{index}"} for index, number in enumerate(numbers)]
        return await self.dialer.plan(
            rows,
            agent=self.agent,
            consent="web form",
            policy=policy or Policy(hours=Hours.always(), gap=0),
            region="US",
            rejects=self.folder / "rejects.csv",
            **members,  # type: ignore[arg-type]
        )

    async def again(self) -> Dialer:
        """Another dialer over the same store, as after a crash."""
        await self.dialer.store.close()
        dialer = Dialer(self.client, store=self.folder / "leads.db", clock=self.sandbox.clock)
        await dialer.store.open()
        return dialer


Numbers: TypeAlias = Callable[..., list[str]]


def numbers_ending(*endings: int) -> list[str]:
    """Fictional numbers whose last two digits force an outcome, each of another area."""
    return [f"+1{212 + index}55501{ending:02d}" for index, ending in enumerate(endings)]


@pytest.fixture
def memory_folder(tmp_path: Path) -> Iterator[Path]:
    """For stores that are written thousands of times: in memory, where there is such a place, as each commit waits for
    its disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store(request: pytest.FixtureRequest) -> NewStore:
    """Makes stores in each of the databases."""
    if request.param == "sqlite":
        return files_in(request.getfixturevalue("memory_folder"))
    return schemas_of(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store in each of the databases."""
    if request.param == "sqlite":
        return str(tmp_path / "leads.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(store_url, clock=FakeClock())
    await store.open()
    if (change := await store.server_change()) is not None:
        await store.guarded(change.server)
    yield store
    await store.close()


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock(start=START)


@pytest.fixture
def anyio_backend(clock: JumpingClock) -> tuple[str, dict[str, object]]:
    """Loops on which hours of simulated time cost none."""
    return "asyncio", {"loop_factory": clock.new_event_loop}


@asynccontextmanager
async def night_on(sandbox: Sandbox, folder: Path) -> AsyncIterator[Night]:
    async with (
        sandbox.async_client() as client,
        Dialer(client, store=folder / "leads.db", clock=sandbox.clock) as dialer,
    ):
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet {{name}}.")
        yield Night(sandbox, client, dialer, agent.id, folder)


@pytest.fixture
async def night(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[Night]:
    async with night_on(Sandbox(clock=clock, rate_limit=None), tmp_path) as night:
        yield night


@pytest.fixture
async def hiding(tmp_path: Path, clock: JumpingClock) -> AsyncIterator[Night]:
    """A night at a server that hides variables."""
    sandbox = Sandbox(clock=clock, rate_limit=None, quirks={"calls_without_variables"})
    async with night_on(sandbox, tmp_path) as night:
        yield night
