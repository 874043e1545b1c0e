"""A sandbox whose time goes fast, and dialers as many machines would have them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import psycopg
import pytest
from attrs import frozen

from trudy.dialer import Breaker, Dialer, Hours, Plan, Policy
from trudy.sandbox import Sandbox

POLICY = Policy(
    hours=Hours.always(),
    gap=0,
    max_live=30,
    retry={"no_answer": None, "busy": None, "failed": None},
    breaker=Breaker(failed_share=1, short_calls=1000),
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@frozen
class Fleet:
    """A sandbox, and dialers as many machines would have them: of one store, with connections of their own."""

    sandbox: Sandbox
    url: str
    agent: str
    stack: AsyncExitStack

    async def dialer(self, **options: object) -> Dialer:
        client = self.sandbox.async_client(**{"rate_limit": False, **options})  # type: ignore[arg-type]
        await self.stack.enter_async_context(client)
        return await self.stack.enter_async_context(Dialer(client, store=self.url, clock=self.sandbox.clock))

    async def plan(self, dialer: Dialer, numbers: list[str], policy: Policy = POLICY, **members: object) -> Plan:
        rows = [{"phone": number} for number in numbers]
        return await dialer.plan(
            rows,
            agent=self.agent,
            consent="form",
            policy=policy,
            region="US",
            rejects=None,
            **members,  # type: ignore[arg-type]
        )

    def run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()  # type: ignore[call-overload, no-any-return]


@asynccontextmanager
async def fleet_of(postgres_url: str, *, speed: float) -> AsyncIterator[Fleet]:
    """A fleet whose time goes so many times as fast."""
    sandbox = Sandbox(speed=speed, rate_limit=None)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(sandbox.async_client())
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Greet.")
        yield Fleet(sandbox, postgres_url, agent.id, stack)


@pytest.fixture
async def fleet(postgres_url: str) -> AsyncIterator[Fleet]:
    async with fleet_of(postgres_url, speed=30) as fleet:
        yield fleet


@asynccontextmanager
async def working(*dialers: Dialer) -> AsyncIterator[None]:
    """Workers that are cancelled at the end of the block, as by a second Ctrl-C."""
    tasks = [asyncio.create_task(dialer.work()) for dialer in dialers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    with anyio.fail_after(seconds):
        while not holds():  # noqa: ASYNC110  # what others write into a database sets no event
            await anyio.sleep(0.05)
