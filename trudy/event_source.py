"""Where news of calls and batches comes from, for those who wait for their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

Subject: TypeAlias = Literal["call", "batch"]
"""What news can be about."""


class EventSource(Protocol):
    """Wakes whoever waits for a call or batch. A `trudy.webhooks.WebhookRouter` is one.

    It may have an attribute `has_matched`, true once an event has been about something that somebody waited for: until
    then those who wait keep polling at their quick pace, since events may name calls by ids that they do not know.
    """

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Have `wake` called on each event that may tell of its end, until the returned function is called.

        One who waits subscribes under each id that a call is known by. An event of a call's end that fits nobody may
        wake all who wait for one.

        `wake` may be called from any thread, more than once, and must neither block nor wait. News from before the
        subscription is not told: subscribe first, look second.
        """
        ...
