"""Signed events from the sandbox into routers."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import pytest

from trudy.errors import ConfigurationError
from trudy.sandbox import Sandbox
from trudy.webhooks import Answer, WebhookRouter
from trudy.webhooks.events import WebhookEvent

NOON = 1_750_000_020.0
ALL = ["call.started", "call.joined", "call.ended", "call.billed"]


class Collecting:
    """A router that keeps the events it handled."""

    def __init__(self, sandbox: Sandbox, **options: Any) -> None:
        self.events: list[WebhookEvent] = []
        self.router = WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock, **options)
        self.router.on_any(self.note)

    def note(self, event: WebhookEvent) -> None:
        self.events.append(event)

    @property
    def names(self) -> list[str]:
        return [event.type for event in self.events]


@pytest.fixture
def collecting(sandbox: Sandbox) -> Collecting:
    return Collecting(sandbox)


@pytest.mark.anyio
async def test_a_router_gets_what_is_due(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    sandbox.connect(collecting.router)
    call_id = (await api.call())["id"]
    assert await sandbox.webhooks.deliver_async() == 0
    sandbox.advance(seconds=6)
    assert await sandbox.webhooks.deliver_async() == 2
    assert collecting.names == ALL[:2]
    sandbox.advance(hours=1)
    assert await sandbox.webhooks.deliver_async() == 2
    assert collecting.names == ALL
    assert {getattr(event, "call_id", None) for event in collecting.events} == {call_id}
    assert [(one.event, one.status, one.attempt, one.due - NOON) for one in sandbox.webhooks.deliveries] == [
        ("call.started", 204, 1, 1),
        ("call.joined", 204, 1, 5),
        ("call.ended", 204, 1, 29),
        ("call.billed", 204, 1, 32),
    ]
    assert sandbox.webhooks.pending == 0


def test_without_an_event_loop(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    sandbox.connect(collecting.router)
    anyio.run(api.call)
    sandbox.advance(minutes=5)
    assert sandbox.webhooks.deliver() == 4
    assert collecting.names == ALL


@pytest.mark.anyio
async def test_a_receiver_gets_the_events_after_it_was_added(
    sandbox: Sandbox, api: Any, collecting: Collecting
) -> None:
    await api.call()
    sandbox.connect(collecting.router, events=["call.ended", "call.failed"])
    await api.call("+14155550120")
    await api.call("+14155550101")
    sandbox.advance(minutes=5)
    await sandbox.webhooks.deliver_async()
    assert collecting.names == ["call.failed", "call.ended"]


@pytest.mark.anyio
async def test_deleted_calls_and_calls_whose_answer_was_lost_have_events(
    sandbox: Sandbox, api: Any, collecting: Collecting
) -> None:
    sandbox.connect(collecting.router, events=["call.ended"])
    call_id = (await api.call())["id"]
    sandbox.advance(minutes=5)
    assert (await api("DELETE", f"/calls/{call_id}")).status_code == 200
    agent_id = sandbox.placed_calls[0].agent_id
    assert (await api("POST", "/calls", {"agent_id": agent_id, "phone_number": "+14155550191"})).status_code == 500
    sandbox.advance(minutes=5)
    await sandbox.webhooks.deliver_async()
    assert collecting.names == ["call.ended"] * 2


@pytest.mark.anyio
async def test_a_receiver_that_fails_is_tried_again(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    failures = 2

    @collecting.router.on("call.ended")
    def fail_twice(_: WebhookEvent) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise RuntimeError("not yet")

    sandbox.connect(collecting.router, events=["call.ended"], backoff=10)
    await api.call()
    sandbox.advance(seconds=30)
    assert await sandbox.webhooks.deliver_async() == 1
    sandbox.advance(seconds=9)
    assert await sandbox.webhooks.deliver_async() == 1
    sandbox.advance(seconds=20)
    assert await sandbox.webhooks.deliver_async() == 1
    assert [(one.status, one.attempt, one.due - NOON) for one in sandbox.webhooks.deliveries] == [
        (500, 1, 29),
        (500, 2, 39),
        (204, 3, 59),
    ]


@pytest.mark.anyio
async def test_events_sent_twice_and_backwards_are_handled_once(
    sandbox: Sandbox, api: Any, collecting: Collecting
) -> None:
    sandbox.connect(collecting.router)
    for number in ("+14155550194", "+14155550195", "+14155550196"):
        await api.call(number)
    sandbox.advance(minutes=5)
    assert await sandbox.webhooks.deliver_async() == 8
    assert collecting.names == ["call.ended", "call.billed", "call.joined", "call.started"]
    sandbox.advance(minutes=10)
    assert await sandbox.webhooks.deliver_async() == 4
    assert collecting.names[4:] == ALL
    assert {one.status for one in sandbox.webhooks.deliveries} == {204}


@pytest.mark.anyio
async def test_an_attempt_that_is_broken_off_is_made_again(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    entered, hangs = anyio.Event(), True

    @collecting.router.on("call.ended")
    async def hang_once(_: WebhookEvent) -> None:
        entered.set()
        if hangs:
            await anyio.sleep_forever()

    sandbox.connect(collecting.router, events=["call.ended"])
    await api.call()
    sandbox.advance(minutes=5)
    with anyio.fail_after(20):
        async with sandbox.webhooks.pumping():
            await entered.wait()
    hangs = False
    assert sandbox.webhooks.pending == 1
    assert await sandbox.webhooks.deliver_async() == 1
    assert [(one.status is None, one.attempt) for one in sandbox.webhooks.deliveries] == [(True, 1), (False, 2)]
    assert sandbox.webhooks.deliveries[0].fault in ("CancelledError", "Cancelled")


@pytest.mark.anyio
async def test_a_router_that_raises_is_tried_again_and_ends_no_pump(
    sandbox: Sandbox, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Shut(WebhookRouter):
        is_open = False

        async def handle(self, method: str, headers: Any, body: bytes) -> Answer:
            if not self.is_open:
                raise ConfigurationError("not yet")
            return await super().handle(method, headers, body)

    collecting = Collecting(sandbox)
    router = Shut(secret=sandbox.webhook_secret, clock=sandbox.clock)
    router.on_any(collecting.events.append)
    sandbox.connect(router, events=["call.ended"])
    await api.call()
    sandbox.advance(minutes=5)
    with pytest.raises(ConfigurationError):
        await sandbox.webhooks.deliver_async()
    assert [(one.status, one.fault) for one in sandbox.webhooks.deliveries] == [(None, "ConfigurationError")]
    with anyio.fail_after(20):
        async with sandbox.webhooks.pumping():
            while len(sandbox.webhooks.deliveries) < 2:
                await anyio.lowlevel.checkpoint()
            router.is_open = True
            while not collecting.events:
                await anyio.lowlevel.checkpoint()
    assert "ConfigurationError" in caplog.text
    assert sandbox.webhooks.pending == 0


@pytest.mark.anyio
async def test_a_router_with_another_secret_refuses_until_the_last_try(
    sandbox: Sandbox, api: Any, collecting: Collecting
) -> None:
    sandbox.connect(collecting.router, secret="whsec_other", events=["call.started"], tries=3)
    await api.call()
    sandbox.advance(minutes=5)
    assert await sandbox.webhooks.deliver_async() == 3
    assert [one.status for one in sandbox.webhooks.deliveries] == [401] * 3
    assert collecting.events == []


@pytest.mark.anyio
async def test_a_removed_receiver_gets_nothing_more(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    receiver = sandbox.connect(collecting.router)
    await api.call()
    sandbox.webhooks.remove(receiver)
    sandbox.advance(minutes=5)
    assert (await sandbox.webhooks.deliver_async(), sandbox.webhooks.receivers) == (0, ())


@pytest.mark.anyio
async def test_each_change_of_a_batch_is_sent(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    sandbox.connect(collecting.router)
    agent = await api.agent()
    body = {
        "name": "Spring",
        "agent_id": agent["id"],
        "contact_source": "manual",
        "contacts": [{"phone_number": "+14155550100"}, {"phone_number": "+14155550110"}],
    }
    batch_id = (await api("POST", "/batch-calls", body)).json()["data"]["id"]
    assert (await api("POST", f"/batch-calls/{batch_id}/schedule", {})).status_code == 201
    sandbox.advance(hours=48)  # over a Sunday
    await sandbox.webhooks.deliver_async()
    batch = [event for event in collecting.events if event.type.startswith("batch.")]
    assert [(event.type, event.data["status"]) for event in batch] == [
        ("batch.status.changed", "scheduled"),
        ("batch.status.changed", "active"),
        ("batch.status.changed", "completed"),
        ("batch.completed", "completed"),
    ]
    assert {getattr(event, "batch_id", None) for event in collecting.events if event.type != "call.joined"} == {
        batch_id
    }
    moments = [event.timestamp for event in collecting.events if event.timestamp is not None]
    assert moments == sorted(moments)
    assert len(collecting.events) == 4 + 4 + 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file", "name"), [("a.wav", "voice.training.completed"), ("fail.wav", "voice.training.failed")]
)
async def test_the_end_of_a_training_is_sent(
    sandbox: Sandbox, api: Any, collecting: Collecting, file: str, name: str
) -> None:
    sandbox.connect(collecting.router)
    body = {"name": "Mine", "files": [{"filename": file, "data": "UklGRg==", "content_type": "audio/wav"}]}
    voice = (await api("POST", "/voices/clone", body)).json()["data"]
    assert await sandbox.webhooks.deliver_async() == 0
    sandbox.advance(minutes=2)
    assert await sandbox.webhooks.deliver_async() == 1
    assert [(event.type, getattr(event, "voice_id", None)) for event in collecting.events] == [(name, voice["id"])]


@pytest.mark.anyio
async def test_a_browsers_call_has_events_once_joined(sandbox: Sandbox, api: Any, collecting: Collecting) -> None:
    sandbox.connect(collecting.router)
    agent = await api.agent()
    link = (await api("POST", "/webrtc/call", {"agent_id": agent["id"]})).json()["joinUrl"]
    sandbox.join_call(link)
    sandbox.advance(minutes=2)
    await sandbox.webhooks.deliver_async()
    assert collecting.names == ["call.joined", "call.ended", "call.billed"]


def test_the_same_seed_sends_the_same_events() -> None:
    def story(seed: int) -> list[tuple[str, float]]:
        sandbox = Sandbox(speed=0, start=NOON, rate_limit=None, seed=seed)
        collecting = Collecting(sandbox, replay_guard=None)
        sandbox.connect(collecting.router, duplicates=0.3, reorder=0.3, loss=0.2)
        with sandbox.client() as client:
            agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
            for lane in range(10):
                client.calls.create(agent_id=agent.id, phone_number=f"+1415555010{lane}")
        sandbox.advance(hours=1)
        sandbox.webhooks.deliver()
        return [(one.event, one.due) for one in sandbox.webhooks.deliveries]

    assert story(1) == story(1)
    assert story(1) != story(2)


@pytest.mark.anyio
async def test_waiting_for_a_call_wakes_on_its_event() -> None:
    sandbox = Sandbox(speed=60, rate_limit=None)
    collecting = Collecting(sandbox)
    sandbox.connect(collecting.router)
    async with sandbox.async_client() as client, sandbox.webhooks.pumping():
        agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        call = await client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        ended = anyio.Event()

        @collecting.router.on("call.ended")
        async def note(event: Any) -> None:
            assert event.call_id == call.id
            ended.set()

        with anyio.fail_after(20):
            await ended.wait()
        assert (await client.calls.get(call.id)).status.is_final


def test_pumping_from_a_thread() -> None:
    sandbox = Sandbox(speed=60, rate_limit=None)
    router, ended = WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock), threading.Event()

    @router.on("call.ended")
    def note(_: Any) -> None:
        ended.set()

    sandbox.connect(router)
    with sandbox.client() as client, sandbox.webhooks.pumping_in_thread():
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        assert ended.wait(20)


@pytest.mark.parametrize(
    ("target", "options", "word"),
    [
        ("ftp://x", {}, "http"),
        ("http://[::1", {}, "http"),
        ("http://x/", {"events": ["call.exploded"]}, "call.exploded"),
        ("http://x/", {"events": "call.ended"}, "list of names"),
        ("http://x/", {"delay": float("inf")}, "delay"),
        ("http://x/", {"backoff": float("nan")}, "backoff"),
        ("http://x/", {"loss": "0"}, "loss"),
        ("http://x/", {"tries": 101}, "tries"),
    ],
)
def test_what_makes_no_sense_is_refused(sandbox: Sandbox, target: str, options: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        sandbox.webhooks.add(target, **options)
    assert sandbox.webhooks.receivers == ()
