"""Objects to wait for, a server that has them, events about them, and those who wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import anyio
from attrs import frozen

from tests.fakes.clock import FakeClock
from trudy import NotFoundError
from trudy.event_source import Subject
from trudy.options import RequestOptions
from trudy.resources._shared_poller import SharedPoller
from trudy.resources._waiting import Waiting


@frozen
class Thing:
    id: str
    done: bool = False
    provider_id: str | None = None


class Server:
    """A server of things, listed newest first in pages of a hundred; it counts the requests."""

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
    """Events as of a webhook router; one has matched already."""

    has_matched = True

    def __init__(self) -> None:
        self.wakes: dict[tuple[str, str], Callable[[], None]] = {}

    def subscribe(self, kind: Subject, thing_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        self.wakes[kind, thing_id] = wake
        return lambda: self.wakes.pop((kind, thing_id), None) and None


class Case:
    """Those who wait, with one server and one clock."""

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
