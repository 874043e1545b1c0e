"""Webhook events for tests of their handlers."""

from __future__ import annotations

from typing import Literal, Unpack, overload

from trudy.webhooks import events
from trudy.webhooks.events import WebhookEvent
from trudy.webhooks.parse import parse_event
from trudy.webhooks.sample_events import EventOptions, make_body


@overload
def make_event(name: Literal["call.started"], /, **options: Unpack[EventOptions]) -> events.CallStarted: ...
@overload
def make_event(name: Literal["call.joined"], /, **options: Unpack[EventOptions]) -> events.CallJoined: ...
@overload
def make_event(name: Literal["call.ended"], /, **options: Unpack[EventOptions]) -> events.CallEnded: ...
@overload
def make_event(name: Literal["call.completed"], /, **options: Unpack[EventOptions]) -> events.CallCompleted: ...
@overload
def make_event(name: Literal["call.billed"], /, **options: Unpack[EventOptions]) -> events.CallBilled: ...
@overload
def make_event(name: Literal["call.failed"], /, **options: Unpack[EventOptions]) -> events.CallFailed: ...
@overload
def make_event(name: Literal["call.analyzed"], /, **options: Unpack[EventOptions]) -> events.CallAnalyzed: ...
@overload
def make_event(
    name: Literal["batch.status.changed"], /, **options: Unpack[EventOptions]
) -> events.BatchStatusChanged: ...
@overload
def make_event(name: Literal["batch.completed"], /, **options: Unpack[EventOptions]) -> events.BatchCompleted: ...
@overload
def make_event(
    name: Literal["voice.training.completed"], /, **options: Unpack[EventOptions]
) -> events.VoiceTrainingCompleted: ...
@overload
def make_event(
    name: Literal["voice.training.failed"], /, **options: Unpack[EventOptions]
) -> events.VoiceTrainingFailed: ...
@overload
def make_event(name: str, /, **options: Unpack[EventOptions]) -> WebhookEvent: ...
def make_event(name: str, /, **options: Unpack[EventOptions]) -> WebhookEvent:
    """Make an event as a handler gets it; `.to_dict()` is the body that a server would send.

    Args:
        name: the event's name, such as `call.ended`; an unknown name gives an `UnknownEvent`.
        call_id, batch_id, voice_id, agent_id: ids; if left out, new ones for those that the event has.
        status: the status word of a batch, or of a call in a flat event; `completed` if left out.
        id: the event's own id; none if left out, as documented.
        timestamp: when it happened, with a time zone; now if left out.
        data: members of `data` to add or replace; those of an object in it, such as `call`, one by one.
        style: `"nested"` (documented) or `"flat"` (an older guide).
        ids: the form of new ids: `"api"`, or `"provider"` for the voice provider's, such as `uv_call_123`.

    Raises:
        InvalidArgumentError: `style` or `ids` is neither, or `timestamp` has no time zone.
    """
    return parse_event(make_body(name, **options))
