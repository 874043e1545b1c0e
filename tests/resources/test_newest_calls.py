"""Many creates that look for their calls at once share the pages of the list."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.fakes.clock import FakeClock, settle
from tests.resources.creates import SLOW, Case, Newest, row
from trudy import (
    CallOutcomeUnknownError,
)
from trudy.request import Response

pytestmark = pytest.mark.anyio


async def test_fifty_that_look_at_once_share_few_lists() -> None:
    clock = FakeClock()
    newest = Newest(clock, *(row(f"mine-{number}", 1, variables={"n": str(number)}) for number in range(60)))
    newest.rows = [*newest.rows]
    case = Case(clock, newest)
    found: set[str] = set()

    async def look(number: int) -> None:
        body: Any = (await case.look(variables={"n": number})).json()
        found.add(body["data"]["id"])

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(look, number)
        await settle()
        assert len(newest.asked) <= 5
        await clock.run(1)
        group.cancel_scope.cancel()
    assert found <= {f"mine-{number}" for number in range(50)}


async def test_fifty_that_look_in_vain_cost_five_lists_a_round() -> None:
    clock = FakeClock()
    newest = Newest(clock, *(row(f"other-{number}", 1, to="+14155550199") for number in range(60)))
    case = Case(clock, newest)

    async def look(number: int) -> None:
        with pytest.raises(CallOutcomeUnknownError):
            await case.look()

    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(look, number)
        await clock.run(31)
    rounds = newest.asked.count(0)
    assert rounds <= 8
    assert len(newest.asked) <= 5 * rounds


async def test_when_the_one_who_lists_for_all_is_cancelled_another_does() -> None:
    clock = FakeClock()
    newest = Newest(clock, row("a", variables={"n": "1"}), row("b", variables={"n": "2"}))
    case = Case(clock, newest)
    hold = anyio.Event()
    leading = anyio.CancelScope()
    ids: list[str] = []
    lists = newest.__call__

    async def held(offset: int) -> tuple[Response, float]:
        await hold.wait()
        return await lists(offset)

    async def look(number: int) -> None:
        reconciler, request = case.reconciler(), case.request(variables={"n": number})
        reconciler._fetch = lambda _: held
        with reconciler.registered(request):
            body: Any = (await reconciler(request, SLOW)).json()
        ids.append(body["data"]["id"])

    async def lead() -> None:
        with leading:
            await look(1)

    async with anyio.create_task_group() as group:
        group.start_soon(lead)
        await settle()
        group.start_soon(look, 2)
        await settle()
        leading.cancel()
        hold.set()
        await clock.run(2)
    assert ids == ["b"]
