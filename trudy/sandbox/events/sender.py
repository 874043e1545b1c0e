"""Sends signed events to URLs, or straight into a router of this process.

Nothing is sent in the background: `deliver` sends what is due by the sandbox's clock, and `pumping()` repeats that
while a block runs. A served sandbox does so as long as it is served.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.from_thread
import httpx
from attrs import frozen

from trudy.clock import Clock, SystemClock
from trudy.sandbox.domain.lifecycle import PlacedCall
from trudy.sandbox.events.of_things import (
    NAMES,
    SandboxEvent,
    body_of,
    event_of_training,
    events_of_batch,
    events_of_call,
    iso,
)
from trudy.sandbox.events.outbox import DeliveryAttempt, Outbox, Receiver
from trudy.webhooks import WebhookRouter
from trudy.webhooks.signing import sign

if TYPE_CHECKING:
    from trudy.sandbox.world import World

logger = logging.getLogger("trudy.sandbox")

KEPT_DELIVERIES = 20_000
"""Records of deliveries that are kept, the newest: more than a test makes, and a few megabytes in a server."""
TIMEOUT_SECONDS = 10.0
"""Real seconds that a URL may take to answer, as on the early server."""

_PUMP_SECONDS = 0.05
"""Real seconds between two looks at the outbox: the most that a delivery is late, against CPU while nothing happens."""


@frozen(kw_only=True)
class DeliveryRecord:
    """One attempt to deliver an event.

    Attributes:
        receiver: the URL, or `router`.
        call_id, batch_id, voice_id: the object that the event is about.
        attempt: counts from 1.
        due: when it was to be sent, in Unix seconds of the sandbox's clock.
        status: the status of the answer; None if there was none, and `fault` says why.
    """

    receiver: str
    event: str
    call_id: str | None
    batch_id: str | None
    voice_id: str | None
    attempt: int
    due: float
    status: int | None
    fault: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver answered 2xx, so that the event is not sent again."""
        return self.status is not None and 200 <= self.status < 300


class EventSender:
    """The receivers of a sandbox's events, and the sending. Thread-safe."""

    def __init__(self, world: World, secret: str) -> None:
        self._world = world
        self._outbox = Outbox(world.seed)
        self._receivers: list[Receiver] = []
        self._receivers_made = 0
        self._lent_secrets: dict[Receiver, Callable[[], None]] = {}
        self._calls_seen = 0
        self._changes_seen: dict[str, int] = {}
        self._voices_seen: set[str] = set()
        self._deliveries: deque[DeliveryRecord] = deque(maxlen=KEPT_DELIVERIES)
        self.secret = secret
        """Signs deliveries to receivers without a secret of their own."""

    def add(
        self,
        target: str | WebhookRouter,
        *,
        secret: str | None = None,
        events: Iterable[str] | None = None,
        delay: float = 0.0,
        duplicates: float = 0.0,
        reorder: float = 0.0,
        reorder_by: float = 60.0,
        loss: float = 0.0,
        tries: int = 5,
        backoff: float = 1.0,
        clock: Clock | None = None,
    ) -> Receiver:
        """Send the events of everything that happens from now on. Times are in seconds of the sandbox's clock.

        Args:
            target: a URL, or a router of this process.
            secret: signs the events; the sandbox's own, `webhooks.secret`, if left out. A router that was made without
                a secret accepts it until the receiver is removed.
            events: names of events; all if left out.
            delay: seconds from an event until it is sent.
            duplicates: the probability that an event is sent twice.
            reorder: the probability that an event is sent up to `reorder_by` seconds later, and so after others.
            loss: the probability that an event is never sent.
            tries: how often an event is sent until it is accepted, 100 at most.
            backoff: seconds from the first try to the second; each further wait is twice as long.
            clock: gives the signed timestamp, so pass the receiver's clock. If left out, a router's own clock, and the
                machine's clock for a URL.

        Raises:
            ValueError: a number is out of range, an event is unknown, or the target is no http URL.
        """
        names = None if events is None else _names(events)
        if not isinstance(target, WebhookRouter) and not _is_http_url(target):
            raise ValueError("a receiver is a URL that begins with http:// or https://, or a WebhookRouter")
        if secret is not None and (not _is_text(secret) or not secret or secret != secret.strip()):
            raise ValueError("secret must be text, not empty, and without white space at its ends")
        with self._world.state.lock:
            self._plan_news()
            receiver = Receiver(
                order=self._receivers_made,
                target=target,
                label=target if isinstance(target, str) else "router",
                secret=self.secret if secret is None else secret,
                events=names,
                delay=delay,
                duplicates=duplicates,
                reorder=reorder,
                reorder_by=reorder_by,
                loss=loss,
                tries=tries,
                backoff=backoff,
                clock=clock or (SystemClock() if isinstance(target, str) else target.clock),
            )
            if isinstance(target, WebhookRouter):
                self._lent_secrets[receiver] = target.accept_secret(receiver.secret)
            self._receivers_made += 1
            self._receivers.append(receiver)
        return receiver

    def remove(self, receiver: Receiver) -> None:
        """Send nothing more to this receiver, not even what is planned."""
        with self._world.state.lock:
            self._plan_news()
            self._receivers.remove(receiver)
            if receiver in self._lent_secrets:
                self._lent_secrets.pop(receiver)()
            self._outbox.forget(lambda other: other is not receiver)

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """All receivers, in the order in which they were added."""
        return tuple(self._receivers)

    @property
    def deliveries(self) -> list[DeliveryRecord]:
        """The attempts so far, in order: the newest 20,000."""
        with self._world.state.lock:
            return list(self._deliveries)

    @property
    def pending(self) -> int:
        """How many attempts are planned, for events that have happened or are certain to."""
        with self._world.state.lock:
            self._plan_news()
            return len(self._outbox)

    def deliver(self) -> int:
        """Send all events that are due, one after the other, retries included; returns the number of attempts.

        Async handlers of a router run on a private event loop. If a loop runs in this thread, await `deliver_async`.
        """
        sent = 0
        with ExitStack() as stack:
            http: httpx.Client | None = None
            while (attempt := self._take()) is not None:
                with self._recorded(attempt) as answered:
                    target, body, headers = self._written(attempt)
                    if isinstance(target, WebhookRouter):
                        answered(target.handle_blocking("POST", headers, body).status)
                    else:
                        http = http or stack.enter_context(httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False))
                        answered(http.post(target, content=body, headers=headers).status_code)
                sent += 1
        return sent

    async def deliver_async(self) -> int:
        """`deliver`, on this event loop."""
        sent = 0
        async with AsyncExitStack() as stack:
            http: httpx.AsyncClient | None = None
            while (attempt := self._take()) is not None:
                with self._recorded(attempt) as answered:
                    target, body, headers = self._written(attempt)
                    if isinstance(target, WebhookRouter):
                        answered((await target.handle("POST", headers, body)).status)
                    else:
                        if http is None:
                            client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
                            http = await stack.enter_async_context(client)
                        answered((await http.post(target, content=body, headers=headers)).status_code)
                sent += 1
        return sent

    async def pump(self) -> None:
        """Deliver events as they become due, until cancelled; exceptions are logged."""
        while True:
            try:
                await self.deliver_async()
            except Exception:
                logger.exception("a delivery failed")
            # In real time: a sleeper on the sandbox's clock would be counted by `wait_for_sleepers`.
            await anyio.sleep(_PUMP_SECONDS)

    @asynccontextmanager
    async def pumping(self) -> AsyncGenerator[None, None]:
        """Deliver while the block runs, on its event loop."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.pump)
            yield
            group.cancel_scope.cancel()

    @contextmanager
    def pumping_in_thread(self) -> Generator[None, None, None]:
        """Deliver while the block runs, from a thread with an event loop of its own."""
        with anyio.from_thread.start_blocking_portal() as portal:
            pump = portal.start_task_soon(self.pump)
            try:
                yield
            finally:
                if not pump.cancel():
                    pump.result()

    def queue_events_of(self, call: PlacedCall) -> None:
        """Plan the events of a call from a browser. Hold the state's lock."""
        for event in events_of_call(call):
            self._outbox.post(event, self._receivers)

    def _take(self) -> DeliveryAttempt | None:
        with self._world.state.lock:
            now = self._plan_news()
            return self._outbox.take(now)

    def _plan_news(self) -> float:
        """Plan the events of everything that is new in the state; returns the time. Hold the state's lock."""
        now = self._world.settle()
        for event in self._news(now):
            self._outbox.post(event, self._receivers)
        return now

    def _news(self, now: float) -> Iterator[SandboxEvent]:
        state = self._world.state
        while self._calls_seen < len(state.placed):
            yield from events_of_call(state.placed[self._calls_seen])
            self._calls_seen += 1
        for campaign in state.campaigns:
            seen = self._changes_seen.get(campaign.id, 0)
            if seen < len(campaign.history):
                yield from events_of_batch(campaign.id, campaign.history, first=seen)
                self._changes_seen[campaign.id] = len(campaign.history)
        for voice in state.voices:
            event = event_of_training(voice)
            if event is not None and event.moment <= now and voice.id not in self._voices_seen:
                yield event
                self._voices_seen.add(voice.id)

    def _written(self, attempt: DeliveryAttempt) -> tuple[str | WebhookRouter, bytes, dict[str, str]]:
        receiver, quirks = attempt.receiver, self._world.wire.quirks
        body, moment = body_of(attempt.event, quirks), receiver.clock.time()
        headers = sign(
            body,
            secret=receiver.secret,
            timestamp=iso(moment) if "webhook_iso_timestamp" in quirks else moment,
            form="sorted" if "webhook_sorted_signature" in quirks else "raw",
            prefix="X-Trudy-" if "webhook_early_headers" in quirks else "X-Truedy-",
        )
        return receiver.target, body, headers

    @contextmanager
    def _recorded(self, attempt: DeliveryAttempt) -> Generator[Callable[[int], None], None, None]:
        """Record how an attempt ended. A broken connection, or a router that raises, counts as a failed attempt."""
        try:
            yield lambda status: self._record(attempt, status)
        except httpx.TransportError as error:
            self._record(attempt, None, type(error).__name__)
        except BaseException as error:
            self._record(attempt, None, type(error).__name__)
            raise

    def _record(self, attempt: DeliveryAttempt, status: int | None, fault: str = "") -> None:
        event = attempt.event
        record = DeliveryRecord(
            receiver=attempt.receiver.label,
            event=event.name,
            call_id=event.ids.get("call_id"),
            batch_id=event.ids.get("batch_id"),
            voice_id=event.ids.get("voice_id"),
            attempt=attempt.number,
            due=attempt.due,
            status=status,
            fault=fault,
        )
        with self._world.state.lock:
            self._deliveries.append(record)
            if not record.is_accepted and attempt.receiver in self._receivers:
                self._outbox.failed(attempt)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_http_url(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _names(events: Iterable[str]) -> frozenset[str]:
    if _is_text(events) or not isinstance(events, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError("events must be a list of names")
    names = tuple(events)
    if unknown := [str(name) for name in names if name not in NAMES]:
        raise ValueError(f"unknown event {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return frozenset(names)
