"""Where waits for the end of a call or batch get events from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

Subject: TypeAlias = Literal["call", "batch"]
"""What an event can be about."""


class EventSource(Protocol):
    """Wakes the waits for a call or batch. A `trudy.webhooks.WebhookRouter` is one.

    It may have an attribute `has_matched`, true once an event has matched a subscription. Until then waits keep polling
    at their usual pace, since events may name calls by ids that nobody knows.
    """

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Have `wake` called on each event that may tell of its end, until the returned function is called.

        A wait subscribes once for each id that its call is known by. An event about the end of a call that matches no
        subscription may wake all waits for calls.

        `wake` may be called from any thread, more than once, and must not block. Events from before the subscription
        are not delivered: subscribe first, then read the object.
        """
        ...
