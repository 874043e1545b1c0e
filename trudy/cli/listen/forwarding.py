"""Posts signed events to receivers. A receiver that is down or slow holds up nobody but itself."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import anyio
from attrs import define, field

from trudy.cli.listen.journal import ForwardAttempt, LoggedEvent
from trudy.webhooks.receiver_url import TIMEOUT, ReceiverURL
from trudy.webhooks.signing import sign

if TYPE_CHECKING:
    import httpx

    from trudy.clock import Clock

TRIES: Final = 5
"""How often an event is sent until a receiver accepts it: over 15 seconds, in which one that restarts is back. More
would fill the screen with a receiver that is not there."""
_MOST_READ: Final = 1024 * 1024
"""Bytes of an answer that are read: more than an error page has, and no endless stream."""
FIRST_WAIT: Final = 1.0
"""Seconds from the first try to the second; each further wait is twice as long. The server's own numbers are not
published; the sandbox waits the same."""


_Due: TypeAlias = tuple[float, int, int, LoggedEvent]
"""When to send, the event's number, the tries made before, and the event."""


class Record(Protocol):
    """Keeps an attempt; `is_last` where no other one follows."""

    def __call__(self, event: LoggedEvent, attempt: ForwardAttempt, *, number: int, is_last: bool) -> object: ...


def receiver_client(receiver: ReceiverURL) -> httpx.AsyncClient:
    """A client for one receiver. A proxy set in the environment cannot reach this machine's loopback address."""
    import httpx

    return httpx.AsyncClient(timeout=TIMEOUT, trust_env=not receiver.is_loopback)


async def post(
    http: httpx.AsyncClient, receiver: ReceiverURL, body: str, *, secret: str, clock: Clock
) -> ForwardAttempt:
    """Send an event once, signed now."""
    import httpx

    content = body.encode()
    at, began = clock.time(), clock.monotonic()
    status, fault = None, ""
    try:
        with anyio.fail_after(TIMEOUT):
            headers = sign(content, secret=secret, timestamp=at)
            async with http.stream("POST", receiver.url, content=content, headers=headers) as answer:
                status = answer.status_code
                await _read_some(answer)
    except (httpx.HTTPError, TimeoutError) as error:
        if status is None:
            fault = type(error).__name__
    return ForwardAttempt(
        url=receiver.label, at=at, status=status, fault=fault, seconds=round(clock.monotonic() - began, 4)
    )


async def _read_some(answer: httpx.Response) -> None:
    """Read the body, of which nothing is used: some servers complain where a connection is closed before its end."""
    length = 0
    async for part in answer.aiter_bytes():
        length += len(part)
        if length > _MOST_READ:
            return


@define(kw_only=True)
class Forwarder:
    """Sends events to one receiver, one after the other, and again where it does not accept them.

    Attributes:
        clock: tells the signed time and when to try again.
        record: told of each attempt.
    """

    receiver: ReceiverURL
    secret: str = field(repr=False)
    clock: Clock
    record: Record
    client: Callable[[ReceiverURL], httpx.AsyncClient] = receiver_client
    _queue: list[_Due] = field(init=False, factory=list[_Due])
    _news: anyio.Event = field(init=False, factory=anyio.Event)

    def add(self, event: LoggedEvent, *, tries: int = 0) -> None:
        """Send an event as soon as those before it are sent; `tries` were made before."""
        heappush(self._queue, (self.clock.monotonic(), event.id, tries, event))
        self._news.set()

    async def run(self) -> None:
        """Send what is added, until cancelled."""
        async with self.client(self.receiver) as http:
            while True:
                await self._until_due()
                _, _, tries, event = heappop(self._queue)
                attempt = await post(http, self.receiver, event.body, secret=self.secret, clock=self.clock)
                is_last = attempt.is_accepted or tries + 1 >= TRIES
                if not is_last:
                    due = self.clock.monotonic() + FIRST_WAIT * 2.0**tries
                    heappush(self._queue, (due, event.id, tries + 1, event))
                self.record(event, attempt, number=tries + 1, is_last=is_last)

    async def _until_due(self) -> None:
        while True:
            self._news = anyio.Event()
            pause = self._queue[0][0] - self.clock.monotonic() if self._queue else None
            if pause is not None and pause <= 0:
                return
            async with anyio.create_task_group() as either:
                if pause is not None:
                    either.start_soon(self._wake_after, pause)
                await self._news.wait()
                either.cancel_scope.cancel()

    async def _wake_after(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self._news.set()
