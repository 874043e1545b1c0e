"""What a run asks of a store again and again does not grow with the rows of its campaign."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import event

from tests.dialer.conftest import START, Night, numbers_ending
from trudy.dialer.sql_store import SqlStore

pytestmark = pytest.mark.anyio
ASKS: dict[str, Callable[[SqlStore, str], Coroutine[Any, Any, object]]] = {
    "rows of all shards": lambda store, campaign: store.due(campaign, None, START, 40),
    "rows of a shard": lambda store, campaign: store.due(campaign, 0, START, 40),
    "last ends": lambda store, campaign: store.last_ends(campaign, 50, since=START),
}


@pytest.mark.parametrize("ask", ASKS)
async def test_it_is_found_in_the_order_of_an_index(night: Night, ask: str) -> None:
    plan = await night.plan(numbers_ending(0, 1))
    store = night.dialer.store
    assert isinstance(store, SqlStore)
    asked: list[tuple[str, Any]] = []
    event.listen(
        store._database._engine,
        "before_cursor_execute",
        lambda connection, cursor, statement, values, *rest: asked.append((statement, values)),
    )
    await ASKS[ask](store, plan.campaign)
    ((statement, values),) = asked
    with closing(sqlite3.connect(night.folder / "leads.db")) as file:
        steps = [step for *_, step in file.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert all("USING INDEX" in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


async def test_rows_of_higher_priority_go_first_then_the_longest_due(night: Night) -> None:
    numbers = numbers_ending(0, 1, 2, 3, 4)
    priorities = ["0", "5", "0", "5", "-1"]
    rows = [{"phone": each, "name": "A", "priority": rank} for each, rank in zip(numbers, priorities, strict=True)]
    plan = await night.dialer.plan(rows, agent=night.agent, consent="form", region="US", rejects=None)
    due = await night.dialer.store.due(plan.campaign, None, START, 40)
    assert [row.number for row in due] == [numbers[each] for each in (1, 3, 0, 2, 4)]
    await night.dialer.store.postpone(due[0].id, START - 10, "hours")
    await night.dialer.store.postpone(due[2].id, START + 10, "hours")
    await night.dialer.store.postpone(due[3].id, START - 20, "hours")
    due = await night.dialer.store.due(plan.campaign, None, START, 3)
    assert [row.number for row in due] == [numbers[each] for each in (3, 1, 2)]
    assert await night.dialer.store.next_due(plan.campaign, None) == 0.0
