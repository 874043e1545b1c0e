"""How `trudy listen` reads the lists."""

from __future__ import annotations

import pytest

from tests.cli.listen.conftest import (
    ANSWERED,
    BUSY,
    LONG,
    NOT_PLACED,
    START,
    Scene,
    run,
)
from trudy.cli.listen import watching
from trudy.cli.listen.changes import WatchState
from trudy.cli.listen.watching import REQUESTS_A_MINUTE
from trudy.errors import AuthenticationError, NotFoundError
from trudy.sandbox import JumpingClock, Sandbox


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE_SIZE", 10)


def test_at_most_six_requests_leave_in_any_minute(scene: Scene) -> None:
    async def main() -> None:
        await scene.place(*[ANSWERED] * 3)
        already = len(scene.sandbox.requests)
        async with scene.listening():
            await scene.clock.sleep(600)
        assert len(scene.sandbox.requests[already:]) >= 55
        assert_paced(scene, already)

    run(scene, main())


def assert_paced(scene: Scene, already: int) -> None:
    """At most six requests in any minute, of all but the first so many."""
    times = [record.received_at.timestamp() for record in scene.sandbox.requests[already:]]
    assert all(later - first >= 60 for first, later in zip(times, times[REQUESTS_A_MINUTE:], strict=False))


def test_a_server_that_fails_for_a_while_costs_no_event(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening() as seen:
            scene.sandbox.faults.add(method="GET", path="/calls", status=503, times=4)
            await scene.place(ANSWERED)
            await scene.clock.sleep(120)
        assert seen.names == ["call.started", "call.joined", "call.ended", "call.billed"]
        assert [notice.split(":")[0] for notice in seen.notices] == [
            "cannot read the lists",
            "the lists can be read again",
        ]

    run(scene, main())


def test_a_wrong_key_ends_it(scene: Scene) -> None:
    async def main() -> None:
        scene.sandbox.faults.add(method="GET", path="/calls", status=401, times=9)
        async with scene.listening():
            await scene.clock.sleep(60)

    with pytest.raises(ExceptionGroup) as caught:
        run(scene, main())
    assert caught.group_contains(AuthenticationError)


def test_an_address_that_serves_something_else_ends_it_at_the_first_look_only(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening() as seen:
            rule = scene.sandbox.faults.add(method="GET", path="/calls", status=404)
            await scene.clock.sleep(60)
            assert len(seen.notices) == 1
        scene.sandbox.faults.remove(rule)
        scene.sandbox.faults.add(method="GET", path="/calls", status=404)
        async with scene.listening():
            await scene.clock.sleep(60)

    with pytest.raises(ExceptionGroup) as caught:
        run(scene, main())
    assert caught.group_contains(NotFoundError)


def test_a_slow_first_look_counts_from_its_beginning(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE_SIZE", 10)
    states: list[WatchState] = []

    async def main() -> None:
        await scene.place(*[BUSY] * 75)
        await scene.clock.sleep(100)
        began = scene.clock.time()
        async with scene.sandbox.async_client() as client:
            watcher = watching.Watcher(
                client=client,
                on_swept=lambda state, events: states.append(state),
                on_trouble=lambda text: None,
                started=scene.clock.monotonic(),
                state=WatchState(since=began - 200),
                reaches_back=True,
            )
            await watcher.look()
        assert scene.clock.time() - began >= 60
        assert states[0].swept_at == pytest.approx(began, abs=1)

    run(scene, main())


def test_a_server_whose_clock_is_far_ahead(scene: Scene) -> None:
    async def main() -> None:
        scene.sandbox = Sandbox(clock=JumpingClock(start=START + 86_400))
        await scene.place(BUSY)
        scene.sandbox.advance(minutes=5)
        async with scene.listening(own_clock=True) as seen:
            await scene.place(NOT_PLACED)
            scene.sandbox.advance(minutes=5)
            await scene.clock.sleep(60)
        assert seen.names == ["call.failed"]

    run(scene, main())


def test_what_happens_between_the_start_and_the_first_look_is_told(scene: Scene) -> None:
    async def call_and_wait() -> None:
        await scene.clock.sleep(1)
        await scene.place(BUSY)
        await scene.clock.sleep(20)

    async def main() -> None:
        async with scene.listening(before=call_and_wait) as seen:
            assert seen.names == ["call.started", "call.failed"]

    run(scene, main())


@pytest.mark.usefixtures("small_pages")
def test_a_campaign_larger_than_a_page_loses_no_event(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening() as seen:
            await scene.place(*[ANSWERED] * 35)
            await scene.clock.sleep(300)
        assert len(scene.inbox.keys) == len(set(scene.inbox.keys)) == 35 * 4
        assert seen.notices == []

    run(scene, main())


@pytest.mark.usefixtures("small_pages")
def test_the_end_of_a_call_is_told_though_many_are_newer(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening(receivers=[]) as seen:
            [long] = await scene.place(LONG)
            await scene.clock.sleep(600)
            await scene.place(*[BUSY] * 35)
            await scene.clock.sleep(1800)
        assert [event.name for event in seen.events if event.about == long][-2:] == ["call.ended", "call.billed"]

    run(scene, main())


@pytest.mark.usefixtures("small_pages")
def test_since_reaches_back_over_many_pages(scene: Scene) -> None:
    async def main() -> None:
        await scene.place(*[BUSY] * 75)
        await scene.clock.sleep(100)
        already = len(scene.sandbox.requests)
        async with scene.listening(receivers=[], since=scene.clock.time() - 200) as seen:
            await scene.clock.sleep(120)
        assert len(seen.events) == 75 * 2
        assert seen.notices == []
        assert_paced(scene, already)

    run(scene, main())


@pytest.mark.usefixtures("small_pages")
def test_more_new_calls_than_a_look_reads_are_told_of(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening(receivers=[]) as seen:
            await scene.place(*[BUSY] * 65)
            await scene.clock.sleep(120)
        assert "more new calls than one look reads" in seen.notices[0]

    run(scene, main())
