"""Decides, by the clock and a seed, when each event is sent to each receiver, and how often. Does no I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count

from attrs import evolve, field, frozen

from trudy.clock import Clock
from trudy.sandbox.domain.outcome_by_number import EventFate, event_fate
from trudy.sandbox.events.of_things import SandboxEvent
from trudy.sandbox.faults.rules import LONGEST_SECONDS
from trudy.webhooks import WebhookRouter

LATE_SECONDS = 600.0
"""How late the events are for a number that forces late events."""

MOST_TRIES = 100
"""The wait doubles with each try, so that more would never be sent."""

_COPY_AFTER_SECONDS = 2.0
"""From an event to its duplicate: long enough for a handler to have ended."""


@frozen(kw_only=True, eq=False)
class Receiver:
    """Where events are sent, and how reliably; see `EventSender.add`."""

    order: int
    target: str | WebhookRouter
    label: str
    secret: str = field(repr=False)
    events: frozenset[str] | None
    delay: float
    duplicates: float
    reorder: float
    reorder_by: float
    loss: float
    tries: int
    backoff: float
    clock: Clock = field(repr=False)

    def __attrs_post_init__(self) -> None:
        for name in ("duplicates", "reorder", "loss"):
            if not _is_between(0, getattr(self, name), 1):
                raise ValueError(f"{name} must be a probability, between 0 and 1")
        for name in ("delay", "reorder_by", "backoff"):
            if not _is_between(0, getattr(self, name), LONGEST_SECONDS):
                raise ValueError(f"{name} must be a number of seconds between 0 and {LONGEST_SECONDS:,}")
        if not _is_between(1, self.tries, MOST_TRIES) or self.tries % 1:
            raise ValueError(f"tries must be a whole number between 1 and {MOST_TRIES}")


def _is_between(least: float, value: object, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


@frozen(kw_only=True)
class DeliveryAttempt:
    """One attempt to send one event. `due` is in Unix seconds of the sandbox's clock, `number` counts from 1."""

    receiver: Receiver
    event: SandboxEvent
    due: float
    number: int = 1


class Outbox:
    """Planned attempts in the order of their time. Not thread-safe by itself."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._attempts: list[tuple[float, int, DeliveryAttempt]] = []
        self._sequence = count()

    def __len__(self) -> int:
        return len(self._attempts)

    def post(self, event: SandboxEvent, receivers: Iterable[Receiver]) -> None:
        """Plan the first attempts of an event."""
        for receiver in receivers:
            if receiver.events is None or event.name in receiver.events:
                for due in self._moments(event, receiver):
                    self._plan(DeliveryAttempt(receiver=receiver, event=event, due=due))

    def take(self, now: float) -> DeliveryAttempt | None:
        """Remove and return the next attempt that is due; None if none is."""
        return heappop(self._attempts)[2] if self._attempts and self._attempts[0][0] <= now else None

    def failed(self, attempt: DeliveryAttempt) -> None:
        """Plan another attempt with exponential backoff, unless that was the last one."""
        receiver = attempt.receiver
        if attempt.number < receiver.tries:
            wait = receiver.backoff * 2.0 ** (attempt.number - 1)
            self._plan(evolve(attempt, due=attempt.due + wait, number=attempt.number + 1))

    def forget(self, keep: Callable[[Receiver], bool]) -> None:
        """Drop the attempts of all receivers for which `keep` is false."""
        self._attempts = sorted(entry for entry in self._attempts if keep(entry[2].receiver))

    def _plan(self, attempt: DeliveryAttempt) -> None:
        heappush(self._attempts, (attempt.due, next(self._sequence), attempt))

    def _moments(self, event: SandboxEvent, receiver: Receiver) -> list[float]:
        fate = None if event.number is None else event_fate(event.number)
        # A seed for each event, so that its fate does not depend on what else is sent.
        draw = random.Random(f"{self._seed}:{receiver.order}:{event.name}:{event.number}:{event.moment}")  # noqa: S311
        if draw.random() < receiver.loss or fate is EventFate.NEVER:
            return []
        due = event.moment + receiver.delay
        is_copied = draw.random() < receiver.duplicates
        if draw.random() < receiver.reorder:
            due += draw.uniform(0, receiver.reorder_by)
        if fate is EventFate.LATE:
            due += LATE_SECONDS
        if fate is EventFate.JUMBLED and event.over_at is not None:
            # As long after the end of the call as it happened before it: the first event is sent last.
            due, is_copied = due + 2 * max(0.0, event.over_at - event.moment), True
        return [due, due + _COPY_AFTER_SECONDS] if is_copied else [due]
