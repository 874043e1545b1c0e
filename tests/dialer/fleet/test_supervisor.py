"""The queue of jobs that one worker runs: it begins, and ends at any moment."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.engine import make_url

from trudy.dialer.fleet.supervisor import Supervisor
from trudy.dialer.sql_postgres import settings_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8, 13])
async def test_one_that_is_stopped_while_it_begins_leaves_no_task(postgres_url: str, steps: int) -> None:
    async def work() -> None:
        raise AssertionError("there is no job")

    before = asyncio.all_tasks()
    queue = Supervisor(
        settings=settings_of(make_url(postgres_url)), queue="none", task="none", work=work, name="one", concurrency=1
    )
    running = asyncio.create_task(queue.run())
    for _ in range(steps):
        await asyncio.sleep(0)
    queue.stop()
    async with asyncio.timeout(20):
        await running
    assert asyncio.all_tasks() == before
