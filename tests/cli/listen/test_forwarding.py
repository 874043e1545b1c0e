"""How `trudy listen` posts events, and what it does where nobody takes them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio
import pytest

from tests.cli.listen.conftest import (
    ANSWERED,
    BUSY,
    NOT_PLACED,
    SECRET,
    START,
    URL,
    Scene,
    run,
)
from trudy.cli.listen import forwarding
from trudy.cli.listen.changes import SimulatedEvent
from trudy.webhooks import WebhookEvent
from trudy.webhooks.receiver_url import receiver_url
from trudy.webhooks.sample_events import make_body


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


def test_a_receiver_that_never_answers_is_not_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "TIMEOUT", 0.01)

    async def never(event: WebhookEvent) -> int:
        await anyio.sleep_forever()
        return 204

    async def main() -> None:
        scene.inbox.answer = never
        [event] = scene.journal.add([made], source="trigger")
        async with scene.inbox.client(receiver_url(URL)) as http:
            attempt = await forwarding.post(http, receiver_url(URL), event.body, secret=SECRET, clock=scene.clock)
        assert (attempt.status, attempt.fault) == (None, "TimeoutError")

    made = SimulatedEvent(name="call.ended", about="c1", moment=START, body=make_body("call.ended"))
    run(scene, main())


def test_a_watch_that_goes_on_counts_the_tries_of_before(scene: Scene) -> None:
    async def main() -> None:
        scene.inbox.answer = lambda event: 500
        async with scene.listening():
            await scene.place(NOT_PLACED)
            await scene.clock.sleep(16.5)
        assert 1 <= len(scene.inbox.events) <= 3
        async with scene.listening(resume=True):
            await scene.clock.sleep(60)
        assert len(scene.inbox.events) == 5

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
        async with scene.listening(resume=True):
            await scene.clock.sleep(30)
        assert len(scene.inbox.events) == failed

    run(scene, main())
