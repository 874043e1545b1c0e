"""A sandbox whose clock jumps, a log in a folder of its own, and a receiver of this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from attrs import define, field

from trudy.cli.listen.journal import ForwardAttempt, Journal, LoggedEvent
from trudy.cli.listen.listening import Listening
from trudy.sandbox import JumpingClock, Sandbox
from trudy.webhooks import WebhookEvent, unwrap
from trudy.webhooks.receiver_url import ReceiverURL, receiver_url

SECRET = "whsec_" + "x" * 40
URL = "http://localhost:8000/hooks"
START = 1_780_315_200.0
ANSWERED, NO_ANSWER, BUSY, VOICEMAIL, NOT_PLACED, LONG = (f"+141555501{tens}0" for tens in (0, 1, 2, 3, 5, 8))


@define
class Seen:
    """A screen that keeps what it was given."""

    events: list[LoggedEvent] = field(factory=list)
    attempts: list[tuple[str, ForwardAttempt, int, bool]] = field(factory=list)
    notices: list[str] = field(factory=list)

    def event(self, event: LoggedEvent) -> None:
        self.events.append(event)

    def attempt(self, event: LoggedEvent, attempt: ForwardAttempt, *, number: int, is_last: bool) -> None:
        self.attempts.append((event.name, attempt, number, is_last))

    def notice(self, text: str) -> None:
        self.notices.append(text)

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]


@define
class Inbox:
    """A receiver: verifies what comes, and answers as it is told to."""

    clock: JumpingClock
    answer: Callable[[WebhookEvent], Any] = lambda event: 204
    events: list[WebhookEvent] = field(factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        event = unwrap(request.content, request.headers, secret=SECRET, now=self.clock.time())
        self.events.append(event)
        answer = self.answer(event)
        if not isinstance(answer, int):
            answer = await answer
        return httpx.Response(answer)

    def client(self, _: ReceiverURL) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.handle))

    @property
    def keys(self) -> list[str]:
        return [event.dedupe_key for event in self.events]


@define
class Scene:
    """All that a test of `trudy listen` needs."""

    clock: JumpingClock
    sandbox: Sandbox
    journal: Journal
    inbox: Inbox
    requests: list[float] = field(factory=list)

    @asynccontextmanager
    async def listening(
        self, *, before: Callable[[], Awaitable[object]] | None = None, own_clock: bool = False, **settings: Any
    ) -> AsyncIterator[Seen]:
        """Listen while the block runs; `before` happens after the start, and before the first look.

        `own_clock`: the client's clock is that of the scene, not that of the sandbox.
        """
        seen = Seen()
        async with self.sandbox.async_client(**({"clock": self.clock} if own_clock else {})) as client:
            listening = Listening(
                client=client,
                journal=self.journal,
                screen=seen,
                account="mine",
                secret=SECRET,
                clock=self.clock,
                **{"http": self.inbox.client, "receivers": [receiver_url(URL)], **settings},
            )
            async with anyio.create_task_group() as tasks:
                if before is not None:
                    await before()
                tasks.start_soon(listening.run)
                await self.clock.sleep(1)
                yield seen
                tasks.cancel_scope.cancel()

    async def place(self, *numbers: str) -> list[str]:
        """Place calls; their ids."""
        async with self.sandbox.async_client() as client:
            agents = [agent async for agent in client.agents.list()]
            agent = (
                agents[0]
                if agents
                else await client.agents.create(
                    name="Ada", voice_id=self.sandbox.voices[0].id, system_prompt="Be kind."
                )
            )
            return [(await client.calls.create(agent_id=agent.id, phone_number=number)).id for number in numbers]

    def lists_read(self) -> list[tuple[float, str]]:
        """When each list was asked for."""
        return [
            (record.received_at.timestamp(), record.path) for record in self.sandbox.requests if record.method == "GET"
        ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = JumpingClock(start=START)
    with Journal(tmp_path / "events.db") as journal:
        yield Scene(clock=clock, sandbox=Sandbox(clock=clock), journal=journal, inbox=Inbox(clock))


def body_of(event: LoggedEvent) -> Any:
    return json.loads(event.body)


def run(scene: Scene, main: Coroutine[Any, Any, None]) -> None:
    scene.clock.run(main)
