"""Wakes those who wait for the end of a call or batch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import cast

from trudy._concurrency.fork import reset_in_child
from trudy._concurrency.loops import wake_all
from trudy._parse import call_ids_in
from trudy.event_source import Subject
from trudy.webhooks.events import (
    BatchCompleted,
    CallCompleted,
    CallEnded,
    CallEvent,
    CallFailed,
    CallJoined,
    CallStarted,
    WebhookEvent,
)


class Subscriptions:
    """Functions to wake those who wait, by call or batch; usable from any thread."""

    def __init__(self) -> None:
        self.after_fork()
        reset_in_child(self)

    def after_fork(self) -> None:
        """Forget the parent's subscriptions: those who wait are not in the child."""
        self._lock = threading.Lock()
        self._wakes: dict[tuple[Subject, str], dict[object, Callable[[], None]]] = {}
        self._has_matched = False

    @property
    def has_matched(self) -> bool:
        """Whether an event has been about a call or batch that somebody waited for."""
        return self._has_matched

    def subscribe(self, kind: Subject, subject_id: str, wake: Callable[[], None]) -> Callable[[], None]:
        """Add a subscription; the returned function removes it, and may be called twice."""
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

    def notify(self, event: WebhookEvent) -> None:
        """Wake those who wait for the call or batch that the event is about.

        If nobody waits for that call, the event may name it by the voice provider's id, which those who wait do not
        know. Then the end of a call wakes all who wait for a call.
        """
        with self._lock:
            if not self._wakes:
                return
            places = [place for place in _subjects(event) if place in self._wakes]
            self._has_matched = self._has_matched or bool(places)
            if isinstance(event, CallStarted | CallJoined):
                return  # not an end: each waiter would send a request for nothing
            if not places and isinstance(event, CallEnded | CallCompleted | CallFailed | BatchCompleted):
                kind = "batch" if isinstance(event, BatchCompleted) else "call"
                places = [place for place in self._wakes if place[0] == kind]
            # A waiter may have subscribed to several ids, and is woken once.
            wakes = dict.fromkeys(wake for place in places for wake in self._wakes[place].values())
        wake_all(wakes)


def _subjects(event: WebhookEvent) -> list[tuple[Subject, str]]:
    """The calls and batches that an event is about. It may name one call by our id and by the provider's."""
    call_id: str | None = getattr(event, "call_id", None)
    batch_id: str | None = getattr(event, "batch_id", None)
    if isinstance(event, CallEvent):
        batch_id = None  # the end of one call is not the end of its batch
    data: Mapping[str, object] = event.data
    inner = data.get("data")
    named = (
        *call_ids_in(data),
        *(call_ids_in(cast("Mapping[str, object]", inner)) if isinstance(inner, Mapping) else ()),
    )
    found: list[tuple[Subject, str | None]] = [*(("call", each) for each in (call_id, *named)), ("batch", batch_id)]
    return [(kind, subject_id) for kind, subject_id in dict.fromkeys(found) if subject_id is not None]
