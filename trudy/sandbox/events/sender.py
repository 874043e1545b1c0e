"""The sender of signed events: to URLs, or straight into a router of this process.

Nothing is sent by itself: `deliver` sends what is due by the sandbox's clock, `pumping()` keeps doing so while a block
runs, and a sandbox that is served does it as long as it is.
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
TIMEOUT_SECONDS = 10.0
"""How long a URL may take to answer, in real seconds."""

_LOOK_EVERY_SECONDS = 0.05


@frozen(kw_only=True)
class DeliveryRecord:
    """One attempt to deliver an event.

    Attributes:
        receiver: the URL, or `router`.
        call_id, batch_id, voice_id: of what the event is about.
        attempt: from 1.
        due: Unix seconds of the sandbox's clock at which it was sent, or would have been had anybody looked.
        status: of the answer; None when there was none, and `fault` says why.
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
        """Whether it will not be sent again."""
        return self.status is not None and 200 <= self.status < 300


class EventSender:
    """Who is told of a sandbox's events. Thread-safe."""

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
        """What deliveries are signed with where a receiver has no secret of its own."""

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
        """Tell somebody of all that happens from now on. Times are in seconds on the sandbox's clock.

        Args:
            target: a URL, or a router of this process.
            secret: to sign with; the sandbox's own, `webhooks.secret`, if left out. A router that was made without a
                secret accepts it until the receiver is removed.
            events: names; all if left out.
            delay: from an event until it is sent.
            duplicates: the probability that an event is sent twice.
            reorder: the probability that an event comes up to `reorder_by` later, and so after others.
            loss: the probability that an event is never sent.
            tries: how often an event is sent at most until it is accepted; 100 at most.
            backoff: from the first try to the second; each further wait is twice as long.
            clock: what the signed timestamp is read from: the receiver's clock. A router's own, and real time for a
                URL, if left out.

        Raises:
            ValueError: a number out of its range, an unknown event or no http URL.
        """
        names = None if events is None else _names(events)
        if not isinstance(target, WebhookRouter) and not _is_http_url(target):
            raise ValueError("a receiver is a URL that begins with http:// or https://, or a WebhookRouter")
        if secret is not None and (not _is_text(secret) or not secret or secret != secret.strip()):
            raise ValueError("a secret is a text that is not empty and neither begins nor ends with white space")
        with self._world.state.lock:
            self._read_up()
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
        """Send it nothing more, not even what is under way."""
        with self._world.state.lock:
            self._read_up()
            self._receivers.remove(receiver)
            if receiver in self._lent_secrets:
                self._lent_secrets.pop(receiver)()
            self._outbox.forget(lambda other: other is not receiver)

    @property
    def receivers(self) -> tuple[Receiver, ...]:
        """Who is told."""
        return tuple(self._receivers)

    @property
    def deliveries(self) -> list[DeliveryRecord]:
        """Every attempt so far, in order."""
        with self._world.state.lock:
            return list(self._deliveries)

    @property
    def pending(self) -> int:
        """How many attempts of what has happened, or is sure to, are still to be made."""
        with self._world.state.lock:
            self._read_up()
            return len(self._outbox)

    def deliver(self) -> int:
        """Send all that is due, one after the other, retries included, and say how many attempts that took.

        Async handlers of a router run on a private event loop. Where a loop runs already, await `deliver_async`.
        """
        sent = 0
        with ExitStack() as stack:
            http: httpx.Client | None = None
            while (attempt := self._take()) is not None:
                with self._noting(attempt) as answered:
                    target, body, headers = self._written(attempt)
                    if isinstance(target, WebhookRouter):
                        answered(target.handle_blocking("POST", headers, body).status)
                    else:
                        http = http or stack.enter_context(httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False))
                        answered(http.post(target, content=body, headers=headers).status_code)
                sent += 1
        return sent

    async def deliver_async(self) -> int:
        """The same, on this event loop."""
        sent = 0
        async with AsyncExitStack() as stack:
            http: httpx.AsyncClient | None = None
            while (attempt := self._take()) is not None:
                with self._noting(attempt) as answered:
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
        """Deliver whatever becomes due, until cancelled; what goes wrong is logged."""
        while True:
            try:
                await self.deliver_async()
            except Exception:
                logger.exception("a delivery failed")
            # In real time: whoever counts the sleepers on the sandbox's clock means those who wait for answers.
            await anyio.sleep(_LOOK_EVERY_SECONDS)

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
        """Plan the events of a call that nobody dialed. Hold the state's lock."""
        for event in events_of_call(call):
            self._outbox.post(event, self._receivers)

    def _take(self) -> DeliveryAttempt | None:
        with self._world.state.lock:
            now = self._read_up()
            return self._outbox.take(now)

    def _read_up(self) -> float:
        """Put what is new in the state into the outbox, and say what the time is. Hold the state's lock."""
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
    def _noting(self, attempt: DeliveryAttempt) -> Generator[Callable[[int], None], None, None]:
        """Note how an attempt went; one that was broken off, or a router that raised, is a fault to be tried again."""
        try:
            yield lambda status: self._note(attempt, status)
        except httpx.TransportError as error:
            self._note(attempt, None, type(error).__name__)
        except BaseException as error:
            self._note(attempt, None, type(error).__name__)
            raise

    def _note(self, attempt: DeliveryAttempt, status: int | None, fault: str = "") -> None:
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
