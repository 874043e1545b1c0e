"""`trudy listen` against a sandbox whose clock jumps: what it tells is what the server itself would have sent."""

from __future__ import annotations

import pytest

from tests.cli.listen.conftest import (
    ANSWERED,
    BUSY,
    NO_ANSWER,
    NOT_PLACED,
    VOICEMAIL,
    Scene,
    body_of,
    run,
)
from trudy.sandbox import Sandbox
from trudy.webhooks import WebhookRouter
from trudy.webhooks.parse import parse_event


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


def test_only_the_events_asked_for_are_told(scene: Scene) -> None:
    async def main() -> None:
        async with scene.listening(names=["call.ended"]) as seen:
            await scene.place(ANSWERED, BUSY)
            await scene.clock.sleep(90)
        assert seen.names == ["call.ended"]
        assert len(scene.journal.newest(10)) == 1

    run(scene, main())


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
