"""Who waits for news of which call or batch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from trudy.event_source import Subject
from trudy.webhooks.events import WebhookEvent

Wake: TypeAlias = Callable[[], None]


class Subscriptions:
    """Wake-ups by call or batch; usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakes: dict[tuple[Subject, str], dict[object, Wake]] = {}

    def __len__(self) -> int:
        """How many calls and batches somebody waits for."""
        return len(self._wakes)

    def subscribe(self, kind: Subject, subject_id: str, wake: Wake) -> Wake:
        """Add one; the returned function removes it, and may be called twice."""
        token = object()
        place: tuple[Subject, str] = (kind, subject_id)
        with self._lock:
            self._wakes.setdefault(place, {})[token] = wake

        def unsubscribe() -> None:
            with self._lock:
                wakes = self._wakes.get(place, {})
                wakes.pop(token, None)
                if not wakes:
                    self._wakes.pop(place, None)

        return unsubscribe

    def tell(self, event: WebhookEvent) -> None:
        """Wake everybody who waits for what the event is about."""
        if not self._wakes:
            return
        for place in _subjects(event):
            with self._lock:
                wakes = tuple(self._wakes.get(place, {}).values())
            for wake in wakes:
                try:
                    wake()
                except RuntimeError:  # the loop of the one who waited is closed
                    continue


def _subjects(event: WebhookEvent) -> list[tuple[Subject, str]]:
    found: list[tuple[Subject, str]] = []
    call_id: str | None = getattr(event, "call_id", None)
    batch_id: str | None = getattr(event, "batch_id", None)
    if call_id is not None:
        found.append(("call", call_id))
    if batch_id is not None:
        found.append(("batch", batch_id))
    return found
