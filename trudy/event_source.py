"""Where news of calls and batches comes from, for those who wait for their end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

Subject: TypeAlias = Literal["call", "batch"]
"""What news can be about."""


class EventSource(Protocol):
    """Wakes whoever waits for a call or batch. A `trudy.webhooks.WebhookRouter` is one."""

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None], /) -> Callable[[], None]:
        """Have `wake` called on each event that may tell of its end, until the returned function is called.

        `wake` may be called from any thread, more than once, and must neither block nor wait. News from before the
        subscription is not told: subscribe first, look second.
        """
        ...
