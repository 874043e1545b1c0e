"""Waits at the same time share requests."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from tests.fakes.clock import settle
from tests.resources.waiters import Case, Thing
from trudy import NotFoundError, PermissionDeniedError, ServerError, TrudyError, WaitTimeoutError
from trudy.options import RequestOptions

pytestmark = pytest.mark.anyio


async def test_many_waiters_share_the_pages_of_each_round() -> None:
    case = Case(500)
    async with anyio.create_task_group() as group:
        for number in range(500):
            group.start_soon(case.wait, str(number))
        await case.clock.run(0)
        await settle()
        assert len(case.server.gets) <= 5
        case.server.pages.clear()
        case.server.gets.clear()
        await case.clock.run(2)
        await settle()
        assert len(case.server.pages) <= 10
        case.server.finish(*map(str, range(500)))
        await case.clock.run(3.1)
        await settle()
    assert len(case.ended) == 500
    assert len(case.server.gets) <= 2
    assert len(case.server.pages) <= 20


async def test_those_that_are_not_among_the_newest_are_asked_for_one_by_one() -> None:
    case = Case(3000)
    old = ["2990", "2991", "2992", "2993"]
    async with anyio.create_task_group() as group:
        for thing_id in old:
            group.start_soon(case.wait, thing_id)
        await settle()
        case.server.finish(*old)
        await case.clock.run(3)
    assert sorted(case.ended) == old
    assert set(case.server.gets) == set(old)
    assert set(case.server.pages) == {0, 1}


@pytest.mark.parametrize("fault", [ServerError("down"), PermissionDeniedError("not the list")])
async def test_where_only_the_list_fails_each_is_asked_for_alone(fault: TrudyError) -> None:
    case = Case(20)
    case.server.list_fault = fault
    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(case.wait, str(number))
        await case.clock.run(1)
        assert sorted(case.server.gets, key=int) == [str(number) for number in range(20)]
        case.server.finish(*map(str, range(20)))
        await case.clock.run(3)
    assert len(case.ended) == 20
    assert case.failed == []


async def test_where_everything_fails_not_each_of_many_asks() -> None:
    case = Case(500)
    case.server.faults = [ServerError("down") for _ in range(9999)]
    async with anyio.create_task_group() as group:
        for number in range(500):
            group.start_soon(case.wait, str(number))
        await case.clock.run(30)
        assert len(case.server.gets) + len(case.server.pages) <= 30
        case.server.faults.clear()
        case.server.finish(*map(str, range(500)))
        await case.clock.run(16)
    assert len(case.ended) == 500


async def test_a_refusal_for_one_does_not_reach_the_others() -> None:
    case = Case(5)
    case.server.list_fault = PermissionDeniedError("not the list")
    case.server.finish("1", "2", "3")
    async with anyio.create_task_group() as group:
        for thing_id in ("none", "1", "2", "3"):
            group.start_soon(case.wait, thing_id)
    assert sorted(case.ended) == ["1", "2", "3"]
    assert [type(error) for error in case.failed] == [NotFoundError]


async def test_the_time_is_over_for_one_but_not_for_the_others() -> None:
    case = Case(4)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", max_wait=5))
        for number in (1, 2, 3):
            group.start_soon(case.wait, str(number))
        await case.clock.run(6)
        assert [type(error) for error in case.failed] == [WaitTimeoutError]
        assert case.failed[0].last == Thing("0")  # type: ignore[attr-defined]
        case.server.finish("1", "2", "3")
        await case.clock.run(10)
    assert sorted(case.ended) == ["1", "2", "3"]


async def test_the_time_is_over_for_one_while_another_leads_a_round_that_takes_longer() -> None:
    case = Case(4)
    hold = anyio.Event()
    answer = case.server.newest

    async def held(number: int, options: RequestOptions) -> tuple[Sequence[Thing], bool]:
        await hold.wait()
        return await answer(number, options)

    object.__setattr__(case.waiting, "newest", held)
    async with anyio.create_task_group() as group:
        for number in (1, 2, 3):
            group.start_soon(case.wait, str(number))
        await settle()
        group.start_soon(lambda: case.wait("0", max_wait=5))
        await case.clock.run(6)
        assert [type(error) for error in case.failed] == [WaitTimeoutError]
        case.server.finish("1", "2", "3")
        hold.set()
    assert sorted(case.ended) == ["1", "2", "3"]


async def test_when_the_one_who_leads_a_round_is_cancelled_another_leads() -> None:
    case = Case(5)
    case.server.finish("1", "2", "3")
    hold = anyio.Event()
    answer = case.server.newest
    leading = anyio.CancelScope()

    async def held(number: int, options: RequestOptions) -> tuple[Sequence[Thing], bool]:
        await hold.wait()
        return await answer(number, options)

    object.__setattr__(case.waiting, "newest", held)

    async def lead() -> None:
        with leading:
            await case.wait("0")

    async with anyio.create_task_group() as group:
        with case.waiting.poller.waiting("3"), case.waiting.poller.waiting("4"):
            group.start_soon(lead)
            await settle()
            group.start_soon(case.wait, "1")
            group.start_soon(case.wait, "2")
            await settle()
            leading.cancel()
            hold.set()
            await settle()
    assert sorted(case.ended) == ["1", "2"]


async def test_events_about_many_at_once_share_one_poll() -> None:
    case = Case(500)
    async with anyio.create_task_group() as group:
        for number in range(500):
            group.start_soon(lambda number=number: case.wait(str(number), events=case.events))
        await case.clock.run(1)
        case.server.finish(*map(str, range(300)))
        case.server.gets.clear()
        case.server.pages.clear()
        for number in range(300):
            case.events.wakes["call", str(number)]()
        await case.clock.run(1)
        assert len(case.ended) == 300
        assert len(case.server.gets) + len(case.server.pages) <= 15
        case.server.finish("400")
        case.server.gets.clear()
        case.server.pages.clear()
        case.events.wakes["call", "400"]()
        await settle()
        assert "400" in case.ended
        assert (case.server.gets, case.server.pages) == (["400"], [])
        group.cancel_scope.cancel()


async def test_an_event_that_matches_no_wait_makes_all_poll_together() -> None:
    case = Case(300)
    async with anyio.create_task_group() as group:
        for number in range(300):
            group.start_soon(lambda number=number: case.wait(str(number), events=case.events))
        await case.clock.run(1)
        case.server.finish("7")
        case.server.gets.clear()
        case.server.pages.clear()
        for wake in list(case.events.wakes.values()):
            wake()
        for _ in range(20):
            await settle()
        assert "7" in case.ended
        assert len(case.server.gets) + len(case.server.pages) <= 10
        group.cancel_scope.cancel()


@pytest.mark.parametrize("count", [3, 5, 40])
async def test_all_waits_that_one_event_wakes_share_one_poll(count: int) -> None:
    case = Case(count)
    async with anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(lambda number=number: case.wait(str(number), events=case.events))
        await case.clock.run(1)
        case.server.gets.clear()
        case.server.pages.clear()
        for wake in list(case.events.wakes.values()):
            wake()
        for _ in range(20):
            await settle()
        assert len(case.server.gets) + len(case.server.pages) == 1
        group.cancel_scope.cancel()
