"""Waiting with `events=`: delivered events end the wait at once, and cost far fewer requests than polling."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import anyio
import pytest

from tests.fakes.clock import settle
from trudy import AsyncTrudyClient
from trudy.sandbox import Sandbox
from trudy.webhooks import WebhookRouter

pytestmark = pytest.mark.anyio


MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def sandbox() -> Sandbox:
    """Its clock stands still: each test moves it, and the client's with it, second by second."""
    return Sandbox(speed=0, start=MONDAY, rate_limit=None)


@pytest.fixture
def router(sandbox: Sandbox) -> WebhookRouter:
    router = WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock)
    sandbox.connect(router, duplicates=0.2)
    return router


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncTrudyClient]:
    async with sandbox.async_client() as client:
        yield client


@pytest.fixture
async def agent_id(client: AsyncTrudyClient, sandbox: Sandbox) -> str:
    agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    return agent.id


async def seconds_until(sandbox: Sandbox, *waits: Callable[[], Awaitable[object]]) -> int:
    """Let the clock run, events be delivered and everybody wait; how long until the last wait was over."""
    waiting, seconds = len(waits), 0

    async def run(wait: Callable[[], Awaitable[object]]) -> None:
        nonlocal waiting
        await wait()
        waiting -= 1

    async def at_rest() -> None:
        await settle()
        while sandbox.clock.sleepers < waiting:
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for wait in waits:
            group.start_soon(run, wait)
        await at_rest()
        while waiting:
            sandbox.advance(seconds=1)
            seconds += 1
            await at_rest()
            await sandbox.webhooks.deliver_async()
            await at_rest()
    return seconds


def looks(sandbox: Sandbox) -> int:
    return sum(request.method == "GET" for request in sandbox.requests)


async def place(client: AsyncTrudyClient, agent_id: str, calls: int) -> list[str]:
    numbers = [f"+1{area}55501{lane:02d}" for area in range(212, 218) for lane in range(10)][:calls]
    return [(await client.calls.create(agent_id=agent_id, phone_number=number)).id for number in numbers]


async def test_a_call(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, router: WebhookRouter) -> None:
    (polled,) = await place(client, agent_id, 1)
    assert await seconds_until(sandbox, partial(client.calls.wait, polled)) > 40
    assert looks(sandbox) == 7
    (told,) = await place(client, agent_id, 1)
    assert await seconds_until(sandbox, partial(client.calls.wait, told, events=router)) == 29
    assert looks(sandbox) - 7 == 3, "the first look, one more before an event has fitted, and one for the news"


async def test_many_calls(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, router: WebhookRouter) -> None:
    ids = await place(client, agent_id, 60)
    waits = [partial(client.calls.wait, call_id, events=router) for call_id in ids]
    assert await seconds_until(sandbox, *waits) == 29
    assert looks(sandbox) <= 10, "they share the pages of the first look, and of the news"


async def test_a_campaign(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, router: WebhookRouter) -> None:
    async def start() -> str:
        batch = await client.batch_calls.create(name="Spring", agent_id=agent_id, max_concurrent_calls=10)
        numbers = (f"+1{area}55501{lane:02d}" for area in range(312, 332) for lane in range(10))
        await client.batch_calls.add_contacts(batch.id, ({"phone_number": number} for number in numbers))
        await client.batch_calls.schedule(batch.id)
        return batch.id

    polling = await seconds_until(sandbox, partial(client.batch_calls.wait, await start()))
    polls = looks(sandbox)
    told = partial(client.batch_calls.wait, await start(), events=router, poll_interval=600)
    assert await seconds_until(sandbox, told) <= polling
    assert looks(sandbox) - polls <= 6 < polls / 5, "the first look, and those for its start and end and soon after"


async def test_without_events_polling_finds_the_end_at_its_usual_pace(
    client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox, router: WebhookRouter
) -> None:
    never_told = "+14155550194"
    seconds: list[int] = []
    for events in (None, router):
        call = await client.calls.create(agent_id=agent_id, phone_number=never_told)
        seconds.append(await seconds_until(sandbox, partial(client.calls.wait, call.id, events=events)))
    assert seconds[0] == seconds[1]
    assert sandbox.webhooks.deliveries == []
