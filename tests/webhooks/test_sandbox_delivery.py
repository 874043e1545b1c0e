"""The sandbox as the sender: copies, late ones, retries, and a receiver that is restarted, over ten thousand events."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.events.of_things import events_of_call
from trudy.webhooks import Answer, SQLiteReplayGuard, WebhookEvent, WebhookRouter
from trudy.webhooks.delivery import DeliveryInProgress

CALLS_A_STEP = 50
STEPS = 52
STEPS_A_LIFE = 10
SENDERS = 4


class Address(WebhookRouter):
    """The sandbox's receiver: it passes deliveries to a process that stops and is started again."""

    def __init__(self, sandbox: Sandbox, store: Path) -> None:
        super().__init__(secret=sandbox.webhook_secret, clock=sandbox.clock)
        self.handled: Counter[tuple[str, str]] = Counter()
        self.order: list[float] = []
        self.answers: Counter[object] = Counter()
        self.lives = 0
        self._sandbox = sandbox
        self._store = store
        self._failing = random.Random(5)
        self._under_way = 0
        self._receiver: WebhookRouter | None = None
        self._guard: SQLiteReplayGuard | None = None

    async def handle(self, method: str, headers: Any, body: bytes) -> Answer:
        receiver = self._receiver
        if receiver is None:
            self.answers["refused"] += 1
            raise ConnectionRefusedError
        self._under_way += 1
        try:
            answer = await receiver.handle(method, headers, body)
        finally:
            self._under_way -= 1
        self.answers[answer.status] += 1
        return answer

    async def start(self) -> None:
        """Start a new process with the old store."""
        self.lives += 1
        self._guard = SQLiteReplayGuard(self._store, clock=self._sandbox.clock)
        router = WebhookRouter(
            secret=self._sandbox.webhook_secret,
            clock=self._sandbox.clock,
            replay_guard=self._guard,
        )

        @router.on_any
        async def handle(event: WebhookEvent) -> None:
            if self._failing.random() < 0.05:
                raise OSError("database is away")
            await anyio.lowlevel.checkpoint()
            assert event.timestamp is not None
            self.handled[event.type, str(getattr(event, "call_id", None))] += 1
            self.order.append(event.timestamp.timestamp())

        self._receiver = router

    async def stop(self) -> None:
        """Stop as servers do: accept nothing more, finish the requests at work, then end."""
        receiver, self._receiver = self._receiver, None
        assert receiver is not None
        while self._under_way:
            await anyio.lowlevel.checkpoint()
        assert self._guard is not None
        self._guard.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_nothing_is_lost_or_handled_twice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", logger="trudy")
    sandbox = Sandbox(speed=0, rate_limit=None, seed=11)
    address = Address(sandbox, tmp_path / "keys.db")
    sandbox.connect(address, duplicates=0.3, reorder=0.3, reorder_by=90, tries=20, backoff=0.5)
    client = sandbox.async_client()
    agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")

    async def deliver() -> None:
        # One who finds nobody listening goes home; there is a next step.
        with suppress(ConnectionRefusedError):
            await sandbox.webhooks.deliver_async()

    async def restart() -> None:
        await anyio.lowlevel.checkpoint()
        await address.stop()
        await address.start()

    await address.start()
    step = 0
    while step < STEPS or sandbox.webhooks.pending:
        if step < STEPS:
            for lane in range(CALLS_A_STEP):
                await client.calls.create(agent_id=agent.id, phone_number=f"+1415555010{lane % 10}")
        sandbox.advance(seconds=20)
        step += 1
        async with anyio.create_task_group() as group:
            for _ in range(SENDERS):
                group.start_soon(deliver)
            if step % STEPS_A_LIFE == 0:
                group.start_soon(restart)
    await address.stop()
    await client.aclose()

    events = [event for call in sandbox.placed_calls for event in events_of_call(call)]
    assert len(events) >= 10_000
    assert address.lives >= 5
    assert address.answers[204] > 1.2 * len(events), "there were no copies"
    assert min(address.answers[answer] for answer in ("refused", 500, 503)) > 0, "nothing was ever sent again"
    assert address.order != sorted(address.order)
    assert set(address.handled) == {(event.name, event.ids["call_id"]) for event in events}, "lost"
    assert set(address.handled.values()) == {1}, "handled twice"


@pytest.mark.parametrize(
    ("tries", "options", "waits", "handled"),
    [
        ({}, {}, [0, 1, 3, 7, 15], 0),
        ({}, {"lease": 10}, [0, 1, 3, 7, 15], 1),
        ({"tries": 7}, {}, [0, 1, 3, 7, 15, 31, 63], 1),
    ],
)
def test_what_a_killed_process_was_handling_is_handled_if_the_sender_outlasts_the_lease(
    tries: Any, options: Any, waits: list[float], handled: int, tmp_path: Path
) -> None:
    """With the defaults of both, the sandbox gives up first, as README says."""
    sandbox, seen = Sandbox(speed=0), list[str]()
    guards = [SQLiteReplayGuard(tmp_path / "keys.db", clock=sandbox.clock) for _ in range(2)]
    killed, alive = (
        WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock, replay_guard=guard, **options)
        for guard in guards
    )
    alive.on_any(lambda event: seen.append(event.name))  # type: ignore[arg-type, return-value]

    class Proxy(WebhookRouter):
        """Hands the first delivery to the process that is killed in its handler."""

        has_killed = False

        def handle_blocking(self, method: str, headers: Any, body: bytes) -> Answer:
            if self.has_killed:
                return alive.handle_blocking(method, headers, body)
            self.has_killed = True
            delivery = killed.admit(method, headers, body)
            assert isinstance(delivery, DeliveryInProgress)
            next(delivery.claim()).run()
            return Answer(status=502)

    proxy = Proxy(secret=sandbox.webhook_secret, clock=sandbox.clock)
    sandbox.connect(proxy, events=["call.ended"], **tries)
    with sandbox.client() as client:
        agent = client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
        client.calls.create(agent_id=agent.id, phone_number="+14155550100")
        for _ in range(300):
            sandbox.advance(seconds=1)
            sandbox.webhooks.deliver()
    for guard in guards:
        guard.close()
    due = [attempt.due for attempt in sandbox.webhooks.deliveries]
    assert [round(moment - due[0]) for moment in due] == waits
    assert seen == ["call.ended"] * handled
