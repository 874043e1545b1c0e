from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

import anyio
import pytest

from tests.fakes.clock import settle
from tests.resources.waiters import Case, Thing
from trudy import InvalidArgumentError, NotFoundError, ServerError, WaitTimeoutError
from trudy.event_source import Subject

pytestmark = pytest.mark.anyio


async def test_one_waiter_polls_alone_and_ever_more_slowly() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(case.wait, "0")
        await case.clock.run(60)
        pauses = [later - sooner for sooner, later in pairwise(case.server.asked_at)]
        assert [round(pause, 2) for pause in pauses] == [2, 3, 4.5, 6.75, 10.12, 15, 15]
        case.server.finish("0")
        await case.clock.run(15)
    assert case.ended == ["0"]
    assert case.server.pages == []


async def test_an_event_wakes_at_once() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(case.wait, "0")
        group.start_soon(lambda: case.wait("0", events=case.events))
        await settle()
        case.server.finish("0")
        asked = len(case.server.gets)
        case.events.wakes["call", "0"]()
        await settle()
        assert case.ended == ["0"]
        assert len(case.server.gets) == asked + 1
        assert case.events.wakes == {}
        group.cancel_scope.cancel()


async def test_an_event_from_another_thread_wakes() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await settle()
        case.server.finish("0")
        thread = threading.Thread(target=case.events.wakes["call", "0"])
        thread.start()
        thread.join()
        with anyio.fail_after(60):
            while not case.ended:
                await anyio.lowlevel.checkpoint()


async def test_with_events_polling_is_only_a_safety_net() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await case.clock.run(29)
        assert len(case.server.gets) == 1
        case.server.finish("0")
        await case.clock.run(2)
    assert case.ended == ["0"]


async def test_a_fault_that_may_pass_does_not_end_the_wait() -> None:
    for waiters in (1, 5):
        case = Case(5)
        case.server.faults = [ServerError("down") for _ in range(3)]
        async with anyio.create_task_group() as group:
            for number in range(waiters):
                group.start_soon(case.wait, str(number))
            await case.clock.run(20)
            assert case.failed == []
            case.server.finish(*map(str, range(5)))
            await case.clock.run(20)
        assert len(case.ended) == waiters


async def test_a_fault_that_lasts_is_the_cause_of_the_error() -> None:
    case = Case(1)
    case.server.faults = [ServerError("down") for _ in range(99)]
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", max_wait=10))
        await case.clock.run(11)
    assert isinstance(case.failed[0], WaitTimeoutError)
    assert isinstance(case.failed[0].__cause__, ServerError)
    assert case.failed[0].last is None


async def test_a_refusal_ends_the_wait() -> None:
    case = Case(1)
    case.server.faults = [NotFoundError("no")]
    await case.wait("0")
    assert isinstance(case.failed[0], NotFoundError)


async def test_after_an_event_that_the_list_does_not_show_yet_the_next_poll_comes_soon() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await settle()
        case.events.wakes["call", "0"]()
        await case.clock.run(1)
        case.server.finish("0")
        await case.clock.run(2)
    assert case.ended == ["0"]


async def test_until_an_event_has_matched_polling_keeps_its_quick_pace() -> None:
    case = Case(1)
    case.events.has_matched = False
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await case.clock.run(25)
        pauses = [later - sooner for sooner, later in pairwise(case.server.asked_at)]
        assert [round(pause, 2) for pause in pauses] == [2, 3, 4.5, 6.75]
        case.events.has_matched = True
        await case.clock.run(10)
        asked = len(case.server.gets)
        await case.clock.run(25)
        assert len(case.server.gets) <= asked + 1
        group.cancel_scope.cancel()


async def test_an_event_source_without_has_matched_is_trusted_once_it_has_woken_a_wait() -> None:
    class Plain:
        def __init__(self) -> None:
            self.wakes: list[Callable[[], None]] = []

        def subscribe(self, kind: Subject, thing_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
            self.wakes.append(wake)
            return lambda: None

    case, source = Case(1), Plain()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=source))  # type: ignore[arg-type]
        await case.clock.run(3)
        assert len(case.server.gets) == 2
        source.wakes[0]()
        await case.clock.run(3)
        asked = len(case.server.gets)
        await case.clock.run(25)
        assert len(case.server.gets) == asked
        group.cancel_scope.cancel()


async def test_a_wait_listens_under_every_id_that_it_learns_of() -> None:
    case = Case(1)
    case.server.things["0"] = Thing("0", provider_id="uv_1")
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await case.clock.run(2)
        assert set(case.events.wakes) == {("call", "0"), ("call", "uv_1")}
        case.server.finish("0")
        case.events.wakes["call", "uv_1"]()
        await settle()
    assert case.ended == ["0"]
    assert case.events.wakes == {}


async def test_an_event_just_before_its_id_was_known_costs_two_seconds() -> None:
    case = Case(1)
    case.server.things["0"] = Thing("0", provider_id="uv_1")
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await settle()
        case.server.finish("0")
        await case.clock.run(2)
    assert case.ended == ["0"]


@pytest.mark.parametrize("given", [True, 7, "text", object()])
async def test_what_progress_gives_is_awaited_only_where_it_can_be(given: object) -> None:
    case = Case(1)
    case.server.finish("0")
    seen: list[Thing] = []

    def progress(thing: Thing) -> object:
        seen.append(thing)
        return given

    await case.waiting.until_final("0", max_wait=9, poll_interval=None, events=None, options={}, progress=progress)
    assert seen == [Thing("0", done=True)]


async def test_progress_is_called_at_each_reading() -> None:
    case = Case(1)
    seen: list[Thing] = []

    async def progress(thing: Thing) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(thing)

    async def wait() -> None:
        await case.waiting.until_final("0", max_wait=60, poll_interval=None, events=None, options={}, progress=progress)

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await case.clock.run(2)
        case.server.finish("0")
        await case.clock.run(3)
    assert seen == [Thing("0"), Thing("0"), Thing("0", done=True)]
    with pytest.raises(InvalidArgumentError, match="progress"):
        await case.waiting.until_final(
            "0",
            max_wait=60,
            poll_interval=None,
            events=None,
            options={},
            progress=5,  # type: ignore[arg-type]
        )


async def test_each_change_is_yielded_until_the_end() -> None:
    case = Case(1)
    seen: list[Thing] = []

    async def watch() -> None:
        changes = case.waiting.changes("0", max_wait=600, poll_interval=None, events=case.events, options={})
        async for thing in changes:
            seen.append(thing)
            assert case.events.wakes == {}
        with pytest.raises(StopAsyncIteration):
            await anext(changes)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await case.clock.run(10)
        assert seen == [Thing("0")]
        case.server.things["0"] = Thing("0", provider_id="uv_1")
        case.events.wakes["call", "0"]()
        await settle()
        assert seen == [Thing("0"), Thing("0", provider_id="uv_1")]
        case.server.finish("0")
        await case.clock.run(31)
    assert seen[2:] == [Thing("0", done=True)]


async def test_what_happens_between_two_steps_of_a_watch_is_seen_at_the_next() -> None:
    """Nobody listens then, so that the event of the end is lost."""
    case = Case(1)
    changes = case.waiting.changes("0", max_wait=600, poll_interval=None, events=case.events, options={})
    assert await anext(changes) == Thing("0")
    case.server.finish("0")
    case.clock.advance(20)
    assert await anext(changes) == Thing("0", done=True)
    assert case.events.wakes == {}


async def test_a_watch_that_is_resumed_after_its_time_still_polls_once() -> None:
    case = Case(1)
    changes = case.waiting.changes("0", max_wait=10, poll_interval=None, events=None, options={})
    assert await anext(changes) == Thing("0")
    case.server.finish("0")
    case.clock.advance(20)
    assert await anext(changes) == Thing("0", done=True)

    late = case.waiting.changes("0", max_wait=10, poll_interval=None, events=None, options={})
    assert await anext(late) == Thing("0", done=True)
    with pytest.raises(StopAsyncIteration):
        await anext(late)


async def test_after_an_event_the_next_poll_comes_no_later_than_poll_interval() -> None:
    case = Case(1)

    async def wait() -> None:
        await case.waiting.until_final("0", max_wait=60, poll_interval=0.5, events=case.events, options={})

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await case.clock.run(0.1)
        case.events.wakes["call", "0"]()
        await settle()
        case.server.finish("0")
        await case.clock.run(0.8)
        assert case.events.wakes == {}
        group.cancel_scope.cancel()


async def test_a_watch_ends_in_time() -> None:
    case = Case(1)
    failed: list[WaitTimeoutError] = []

    async def watch() -> None:
        with pytest.raises(WaitTimeoutError) as caught:
            async for _ in case.waiting.changes("0", max_wait=10, poll_interval=None, events=None, options={}):
                pass
        failed.append(caught.value)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        await case.clock.run(11)
    assert failed[0].last == Thing("0")  # type: ignore[comparison-overlap]
