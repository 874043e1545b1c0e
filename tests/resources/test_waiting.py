from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Unpack

import anyio
import pytest
from attrs import frozen

from tests.fakes.clock import FakeClock, settle
from trudy import (
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResponseDecodeError,
    ServerError,
    TrudyError,
    WaitTimeoutError,
)
from trudy.event_source import Subject
from trudy.options import RequestOptions
from trudy.resources._shared_poller import SharedPoller
from trudy.resources._waiting import Artifact, OnSeen, Waiting

pytestmark = pytest.mark.anyio


@frozen
class Thing:
    id: str
    done: bool = False
    provider_id: str | None = None


class Server:
    """Things, newest first, on pages of a hundred; counts what it is asked."""

    def __init__(self, total: int, clock: FakeClock) -> None:
        self.clock = clock
        self.things = {str(number): Thing(str(number)) for number in range(total)}
        self.gets: list[str] = []
        self.asked_at: list[float] = []
        self.pages: list[int] = []
        self.faults: list[Exception] = []
        self.list_fault: Exception | None = None

    def finish(self, *ids: str) -> None:
        for each in ids:
            self.things[each] = Thing(each, done=True)

    async def get(self, thing_id: str, /, **options: Unpack[RequestOptions]) -> Thing:
        self.gets.append(thing_id)
        self.asked_at.append(self.clock.monotonic())
        await anyio.lowlevel.checkpoint()
        if self.faults:
            raise self.faults.pop()
        if thing_id not in self.things:
            raise NotFoundError("no")
        return self.things[thing_id]

    async def newest(self, number: int, options: RequestOptions) -> tuple[Sequence[Thing], bool]:
        self.pages.append(number)
        await anyio.lowlevel.checkpoint()
        if self.list_fault is not None:
            raise self.list_fault
        if self.faults:
            raise self.faults.pop()
        rows = list(self.things.values())[number * 100 : number * 100 + 100]
        return rows, (number + 1) * 100 < len(self.things)


class Source:
    """Events as a webhook router gives them; one has fitted already."""

    has_matched = True

    def __init__(self) -> None:
        self.wakes: dict[tuple[str, str], Callable[[], None]] = {}

    def subscribe(self, kind: Subject, thing_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        self.wakes[kind, thing_id] = wake
        return lambda: self.wakes.pop((kind, thing_id), None) and None


class Case:
    """Waiters on one server and one clock."""

    def __init__(self, total: int) -> None:
        self.clock = FakeClock()
        self.server = Server(total, self.clock)
        self.events = Source()
        self.ended: list[str] = []
        self.failed: list[Exception] = []
        self.waiting = Waiting(
            poller=SharedPoller[Thing](self.clock),
            clock=self.clock,
            get=self.server.get,
            newest=self.server.newest,
            is_final=lambda thing: thing.done,
            describe=lambda thing: "open",
            noun="thing",
            kind="call",
            ids_of=lambda thing: [thing.id, *([thing.provider_id] if thing.provider_id else [])],
        )

    async def wait(self, thing_id: str, *, max_wait: float = 600, events: Source | None = None) -> None:
        try:
            await self.waiting.until_final(thing_id, max_wait=max_wait, poll_interval=None, events=events, options={})
        except Exception as error:
            self.failed.append(error)
        else:
            self.ended.append(thing_id)


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


async def test_a_refusal_of_one_is_not_told_to_the_others() -> None:
    case = Case(5)
    case.server.list_fault = PermissionDeniedError("not the list")
    case.server.finish("1", "2", "3")
    async with anyio.create_task_group() as group:
        for thing_id in ("none", "1", "2", "3"):
            group.start_soon(case.wait, thing_id)
    assert sorted(case.ended) == ["1", "2", "3"]
    assert [type(error) for error in case.failed] == [NotFoundError]


async def test_a_fault_that_lasts_is_told_at_the_end() -> None:
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


async def test_news_of_many_at_once_is_looked_into_together() -> None:
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


async def test_news_that_comes_before_the_list_shows_it_is_looked_into_again_soon() -> None:
    case = Case(1)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: case.wait("0", events=case.events))
        await settle()
        case.events.wakes["call", "0"]()
        await case.clock.run(1)
        case.server.finish("0")
        await case.clock.run(2)
    assert case.ended == ["0"]


async def test_until_an_event_has_fitted_polling_keeps_its_quick_pace() -> None:
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


async def test_a_source_that_does_not_tell_is_trusted_once_it_has_woken() -> None:
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


async def test_an_event_that_fits_nobody_makes_all_look_together() -> None:
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
async def test_all_whom_one_event_wakes_share_one_look(count: int) -> None:
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


async def test_progress_is_told_at_each_reading() -> None:
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


async def test_one_who_comes_back_to_a_watch_after_its_time_still_looks_once() -> None:
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


async def test_news_is_looked_into_again_no_later_than_asked_for() -> None:
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


class Slowly:
    """Something that is there after some readings."""

    def __init__(self, clock: FakeClock, *answers: str | TrudyError, exists: bool = True) -> None:
        self.clock = clock
        self.answers = list(answers)
        self.exists = exists
        self.faults_of_check: list[TrudyError] = []
        self.checked = 0

    async def ask(self, thing_id: str, /, **options: Unpack[RequestOptions]) -> str:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, TrudyError):
            raise found
        return found

    async def check(self, thing_id: str, /, **options: Unpack[RequestOptions]) -> None:
        self.checked += 1
        if self.faults_of_check:
            raise self.faults_of_check.pop()
        if not self.exists:
            raise NotFoundError("no such call")

    async def wait(self, max_wait: float = 60, progress: OnSeen[str] | None = None) -> str:
        artifact = Artifact(noun="transcript", clock=self.clock, get=self.ask, is_there=bool, exists=self.check)
        return await artifact.until_there("0", max_wait=max_wait, poll_interval=None, options={}, progress=progress)


async def test_what_is_not_there_yet_is_waited_for() -> None:
    clock = FakeClock()
    thing = Slowly(
        clock, NotFoundError("no"), NotFoundError("no"), ResponseDecodeError("null"), "", ServerError("x"), "it"
    )
    found: list[str] = []

    async def wait() -> None:
        found.append(await thing.wait())

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(60)
    assert found == ["it"]
    assert thing.checked == 1


async def test_a_conflict_with_the_state_of_the_call_may_pass() -> None:
    clock = FakeClock()
    thing = Slowly(clock, ConflictError("call in progress"), ConflictError("call in progress"), "it")
    found: list[str] = []

    async def wait() -> None:
        found.append(await thing.wait())

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(6)
    assert found == ["it"]


async def test_a_fault_while_it_is_asked_whether_the_call_exists_does_not_end_the_wait() -> None:
    clock = FakeClock()
    thing = Slowly(clock, NotFoundError("no"), NotFoundError("no"), NotFoundError("no"), "it")
    thing.faults_of_check = [ServerError("x"), ResponseDecodeError("x")]
    found: list[str] = []

    async def wait() -> None:
        found.append(await thing.wait())

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(30)
    assert found == ["it"]
    assert thing.checked == 3


@pytest.mark.parametrize("kind", [NotFoundError, ServerError, ResponseDecodeError, ConflictError, ValueError])
async def test_what_progress_raises_is_the_callers_own(kind: type[Exception]) -> None:
    def progress(found: str) -> None:
        raise kind("mine")

    with pytest.raises(kind, match="mine"):
        await Slowly(FakeClock(), "it").wait(progress=progress)


async def test_what_does_not_exist_is_not_waited_for() -> None:
    with pytest.raises(NotFoundError, match="no such call"):
        await Slowly(FakeClock(), NotFoundError("no"), exists=False).wait()
    with pytest.raises(PermissionDeniedError):
        await Slowly(FakeClock(), PermissionDeniedError("no")).wait()


async def test_what_is_never_there_is_given_up() -> None:
    clock = FakeClock()
    failed: list[WaitTimeoutError] = []

    async def wait() -> None:
        with pytest.raises(WaitTimeoutError, match="the transcript was not there within 10 s") as caught:
            await Slowly(clock, NotFoundError("no")).wait(10)
        failed.append(caught.value)

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await clock.run(11)
    assert isinstance(failed[0].__cause__, NotFoundError)
