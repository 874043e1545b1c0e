"""Which event is sent to whom, when, and how often: decided by the clock and a seed, without any I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count

from attrs import evolve, field, frozen

from trudy.clock import Clock
from trudy.sandbox.domain.outcomes import EventFate, event_fate
from trudy.sandbox.events.of_things import SandboxEvent
from trudy.sandbox.faults.rules import LONGEST_SECONDS
from trudy.webhooks import WebhookRouter

LATE_SECONDS = 600.0
"""How late the events of a number come that asks for it."""

MOST_TRIES = 100

_COPY_AFTER_SECONDS = 2.0


@frozen(kw_only=True, eq=False)
class Receiver:
    """Where events go, and how badly; see `EventSender.add`."""

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
    """One sending of one event. `due` is in Unix seconds of the sandbox's clock, `number` counts from 1."""

    receiver: Receiver
    event: SandboxEvent
    due: float
    number: int = 1


class Outbox:
    """Attempts in the order of their time. Not thread-safe by itself."""

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
        """The next attempt that is due; it is then in the caller's hands."""
        return heappop(self._attempts)[2] if self._attempts and self._attempts[0][0] <= now else None

    def failed(self, attempt: DeliveryAttempt) -> None:
        """Plan another attempt with exponential backoff, unless there were enough."""
        receiver = attempt.receiver
        if attempt.number < receiver.tries:
            wait = receiver.backoff * 2.0 ** (attempt.number - 1)
            self._plan(evolve(attempt, due=attempt.due + wait, number=attempt.number + 1))

    def forget(self, keep: Callable[[Receiver], bool]) -> None:
        """Drop the attempts of the receivers that are not kept."""
        self._attempts = sorted(entry for entry in self._attempts if keep(entry[2].receiver))

    def _plan(self, attempt: DeliveryAttempt) -> None:
        heappush(self._attempts, (attempt.due, next(self._sequence), attempt))

    def _moments(self, event: SandboxEvent, receiver: Receiver) -> list[float]:
        fate = None if event.number is None else event_fate(event.number)
        # Reproducible on purpose, whatever else is sent: the same seed gives the same story.
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
            # Mirrored at the end of the call: what happened first is told last.
            due, is_copied = due + 2 * max(0.0, event.over_at - event.moment), True
        return [due, due + _COPY_AFTER_SECONDS] if is_copied else [due]
