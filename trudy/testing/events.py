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
    """An event as a handler gets it; `.to_dict()` is the body the server would send.

    Args:
        name: such as `call.ended`; any other name gives an `UnknownEvent`.
        call_id, batch_id, voice_id, agent_id: ids; new ones, where the event has them, if left out.
        status: the status word of a batch or a flat call; `completed` if left out.
        id: the event's own id; none if left out, as the documentation has it.
        timestamp: when it happened; now if left out.
        data: members of `data` to add or replace, one level deep inside `call`.
        style: `"nested"` or `"flat"`.
        ids: whose ids of call and agent are made up: `"api"`, or `"provider"` for the voice provider's, such as
            `uv_call_123`, which no answer of the API has.
    """
    return parse_event(make_body(name, **options))
