"""`trudy listen` against a sandbox whose clock jumps: what it tells is what the server itself would have sent."""

from __future__ import annotations

from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest

from tests.cli.listen.conftest import START, URL, Scene, body_of
from trudy.cli.listen import watching
from trudy.cli.listen.watching import REQUESTS_A_MINUTE
from trudy.errors import AuthenticationError
from trudy.sandbox import JumpingClock, Sandbox
from trudy.webhooks import WebhookEvent, WebhookRouter
from trudy.webhooks.parse import parse_event
from trudy.webhooks.receiver_url import receiver_url

ANSWERED, NO_ANSWER, BUSY, VOICEMAIL, NOT_PLACED, LONG = (f"+141555501{tens}0" for tens in (0, 1, 2, 3, 5, 8))


def run(scene: Scene, main: Coroutine[Any, Any, None]) -> None:
    scene.clock.run(main)


def served(scene: Scene) -> list[str]:
    """The keys of the events that the sandbox itself sends from now on."""
    keys: list[str] = []
    router = WebhookRouter(secret="whsec_of_the_sandbox", clock=scene.clock)
    router.on_any(lambda event: keys.append(event.dedupe_key))
    scene.sandbox.webhooks.add(router, secret="whsec_of_the_sandbox")
    return keys


def test_what_is_told_is_what_the_server_sends(scene: Scene) -> None:
    async def main() -> None:
        keys = served(scene)
        async with scene.listening() as seen:
            await scene.place(ANSWERED, NO_ANSWER, BUSY, VOICEMAIL, NOT_PLACED)
            await scene.clock.sleep(300)
            await scene.sandbox.webhooks.deliver_async()
            assert sorted(scene.inbox.keys) == sorted(keys)
            assert sorted(parse_event(body_of(event)).dedupe_key for event in seen.events) == sorted(keys)
            assert {attempt.status for _, attempt, _, _ in seen.attempts} == {204}
            assert seen.notices == []

    run(scene, main())


def test_a_batch_and_its_calls_are_told(scene: Scene) -> None:
    async def main() -> None:
        keys = served(scene)
        async with scene.listening() as seen, scene.sandbox.async_client() as client:
            agent = await client.agents.create(name="A", voice_id=scene.sandbox.voices[0].id, system_prompt="Be kind.")
            batch = await client.batch_calls.create(
                name="B", agent_id=agent.id, contacts=[{"phone_number": ANSWERED}, {"phone_number": BUSY}]
            )
            await scene.clock.sleep(60)
            await client.batch_calls.schedule(batch.id)
            await scene.clock.sleep(600)
            await scene.sandbox.webhooks.deliver_async()
            told = [event.name for event in seen.events]
            assert told.count("batch.completed") == 1
            assert {key for key in keys if key.startswith("call.")} == {
                key for key in scene.inbox.keys if key.startswith("call.")
            }
            started = next(body_of(event) for event in seen.events if event.name == "call.started")
            assert started["data"]["call"]["batchId"] == batch.id

    run(scene, main())


def test_at_most_six_requests_leave_in_any_minute(scene: Scene) -> None:
    async def main() -> None:
        await scene.place(*[ANSWERED] * 3)
        already = len(scene.sandbox.requests)
        async with scene.listening():
            await scene.clock.sleep(600)
        times = [record.received_at.timestamp() for record in scene.sandbox.requests[already:]]
        assert len(times) >= 55
        assert all(later - first >= 60 for first, later in zip(times, times[REQUESTS_A_MINUTE:], strict=False))

    run(scene, main())


def test_what_happened_before_the_start_is_told_only_with_since(scene: Scene) -> None:
    async def main() -> None:
        await scene.place(ANSWERED)
        await scene.clock.sleep(100)
        await scene.place(BUSY)
        await scene.clock.sleep(100)
        async with scene.listening() as seen:
            await scene.clock.sleep(60)
            assert seen.names == []
        async with scene.listening(since=scene.clock.time() - 250) as seen:
            await scene.clock.sleep(60)
        assert seen.names == ["call.ended", "call.billed", "call.started", "call.failed"], "it was answered before"
        assert len(scene.inbox.events) == 4

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


def test_a_watch_that_goes_on_tells_what_happened_in_between_and_nothing_twice(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening():
            await scene.place(ANSWERED)
            await scene.clock.sleep(20)
        await scene.place(NO_ANSWER)
        await scene.clock.sleep(3600)
        await scene.place(BUSY)
        await scene.clock.sleep(20)
        async with scene.listening(resume=True) as seen:
            await scene.clock.sleep(60)
            assert seen.notices == []
        async with scene.listening(resume=True):
            await scene.clock.sleep(60)
        assert len(scene.inbox.keys) == len(set(scene.inbox.keys)) == 4 + 2 + 2

    run(scene, main())


def test_a_watch_that_never_succeeded_can_go_on_too(scene: Scene) -> None:
    async def main() -> None:
        rule = scene.sandbox.faults.add(method="GET", path="/calls", status=503)
        async with scene.listening():
            await scene.clock.sleep(60)
        await scene.place(BUSY)
        await scene.clock.sleep(60)
        scene.sandbox.faults.remove(rule)
        async with scene.listening(resume=True) as seen:
            assert seen.names == ["call.started", "call.failed"]

    run(scene, main())


def test_without_an_earlier_watch_resume_says_so(scene: Scene) -> None:
    async def main() -> None:
        await scene.place(ANSWERED)
        await scene.clock.sleep(100)
        async with scene.listening(resume=True) as seen:
            await scene.clock.sleep(60)
        assert seen.names == []
        assert "no earlier watch" in seen.notices[0]

    run(scene, main())


def test_what_was_not_delivered_is_sent_when_the_watch_goes_on(scene: Scene) -> None:
    async def main() -> None:
        scene.inbox.answer = lambda event: 500
        async with scene.listening():
            await scene.place(NOT_PLACED)
            await scene.clock.sleep(15.5)
        failed = len(scene.inbox.events)
        assert failed in (1, 2)
        scene.inbox.answer = lambda event: 204
        async with scene.listening(resume=True):
            await scene.clock.sleep(1)
        assert len(scene.inbox.events) == failed + 1
        async with scene.listening(resume=True):
            await scene.clock.sleep(1)
        assert len(scene.inbox.events) == failed + 1

    run(scene, main())


def test_a_new_watch_sends_nothing_of_the_one_before(scene: Scene) -> None:
    async def main() -> None:
        scene.inbox.answer = lambda event: 500
        async with scene.listening():
            await scene.place(NOT_PLACED)
            await scene.clock.sleep(15.5)
        failed = len(scene.inbox.events)
        async with scene.listening():
            await scene.clock.sleep(30)
        assert len(scene.inbox.events) == failed

    run(scene, main())


def test_a_receiver_that_answers_500_gets_an_event_five_times(scene: Scene) -> None:
    async def main() -> None:
        scene.inbox.answer = lambda event: 500
        async with scene.listening() as seen:
            await scene.place(NOT_PLACED)
            await scene.clock.sleep(60)
        assert [(number, is_last) for _, _, number, is_last in seen.attempts] == [
            (1, False),
            (2, False),
            (3, False),
            (4, False),
            (5, True),
        ]
        times = [attempt.at for _, attempt, _, _ in seen.attempts]
        assert [round(later - first) for first, later in pairwise(times)] == [1, 2, 4, 8]
        assert len(set(scene.inbox.keys)) == 1
        [event] = scene.journal.newest(10)
        assert [attempt.status for attempt in event.attempts] == [500] * 5

    run(scene, main())


@pytest.mark.parametrize("kind", ["slow", "down"])
def test_a_receiver_that_is_slow_or_down_holds_up_nobody_else(scene: Scene, kind: str) -> None:
    import httpx

    async def answer(event: WebhookEvent) -> int:
        if kind == "down":
            raise httpx.ConnectError("refused")
        await scene.clock.sleep(10_000)
        return 204

    other: list[str] = []
    bad = scene.inbox

    def client(receiver: Any) -> httpx.AsyncClient:
        if "9000" in receiver.url:

            def note(request: httpx.Request) -> httpx.Response:
                other.append(request.headers["X-Truedy-Signature"])
                return httpx.Response(204)

            return httpx.AsyncClient(transport=httpx.MockTransport(note))
        return bad.client(receiver)

    async def main() -> None:
        bad.answer = answer
        urls = [receiver_url(URL), receiver_url("http://127.0.0.1:9000/")]
        async with scene.listening(receivers=urls, http=client) as seen:
            await scene.place(ANSWERED, BUSY)
            await scene.clock.sleep(90)
        assert len(other) == len(seen.events) == 6
        faults = {attempt.fault for _, attempt, _, _ in seen.attempts if attempt.url == URL}
        assert faults == ({"ConnectError"} if kind == "down" else set())

    run(scene, main())


def test_only_the_events_asked_for_are_told(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening(names=["call.ended"]) as seen:
            await scene.place(ANSWERED, BUSY)
            await scene.clock.sleep(90)
        assert seen.names == ["call.ended"]
        assert len(scene.journal.newest(10)) == 1

    run(scene, main())


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


@pytest.mark.parametrize(
    "quirks",
    [
        {"lagging_calls", "shifting_rows", "bad_rows"},
        {"has_more_for_ever", "guide_status_words", "naive_timestamps"},
        {"dashboard_status_words", "odd_fractions", "early_number_names"},
        {"empty_forms", "unknown_members", "string_numbers"},
    ],
    ids=lambda quirks: "+".join(sorted(quirks)),
)
def test_whatever_the_server_is_like(scene: Scene, quirks: set[str]) -> None:
    async def main() -> None:
        scene.sandbox = Sandbox(clock=scene.clock, quirks=quirks)
        keys = served(scene)
        async with scene.listening() as seen:
            await scene.place(ANSWERED, NO_ANSWER, BUSY, VOICEMAIL)
            await scene.clock.sleep(200)
            await scene.sandbox.webhooks.deliver_async()
        assert sorted(scene.inbox.keys) == sorted(keys)
        assert seen.notices == []

    run(scene, main())


def test_events_name_calls_by_the_providers_ids_where_rows_show_them(scene: Scene) -> None:
    async def main() -> None:
        scene.sandbox = Sandbox(clock=scene.clock, quirks={"provider_call_id", "webhook_provider_ids"})
        keys = served(scene)
        async with scene.listening():
            [call_id] = await scene.place(ANSWERED)
            await scene.clock.sleep(90)
            await scene.sandbox.webhooks.deliver_async()
        assert sorted(scene.inbox.keys) == sorted(keys)
        assert f"call.ended:{call_id}" not in keys
        async with scene.listening(ids="api"):
            [call_id] = await scene.place(BUSY)
            await scene.clock.sleep(90)
        assert scene.inbox.keys[-1] == f"call.failed:{call_id}"

    run(scene, main())


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE_SIZE", 10)


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
        async with scene.listening(receivers=[], since=scene.clock.time() - 200) as seen:
            await scene.clock.sleep(120)
        assert len(seen.events) == 75 * 2
        assert seen.notices == []

    run(scene, main())


@pytest.mark.usefixtures("small_pages")
def test_more_new_calls_than_a_look_reads_are_told_of(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening(receivers=[]) as seen:
            await scene.place(*[BUSY] * 65)
            await scene.clock.sleep(120)
        assert "more new calls than one look reads" in seen.notices[0]

    run(scene, main())
