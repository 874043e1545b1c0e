from __future__ import annotations

import json
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.events.of_things import NAMES, body_of, events_of_call, iso
from trudy.webhooks import events as typed
from trudy.webhooks.parse import parse_event

pytestmark = pytest.mark.asyncio
NOON = 1_750_000_020.0


async def events(sandbox: Sandbox, api: Any, number: str) -> Any:
    await api.call(number)
    return events_of_call(sandbox.placed_calls[-1])


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+14155550100", [("call.started", 1), ("call.joined", 5), ("call.ended", 29), ("call.billed", 32)]),
        ("+14155550110", [("call.started", 1), ("call.failed", 31)]),
        ("+14155550120", [("call.started", 1), ("call.failed", 3)]),
        ("+14155550130", [("call.started", 1), ("call.joined", 21), ("call.ended", 33), ("call.billed", 36)]),
        ("+14155550150", [("call.failed", 0)]),
    ],
)
async def test_the_events_of_a_call_and_their_times(sandbox: Sandbox, api: Any, number: str, expected: Any) -> None:
    found = await events(sandbox, api, number)
    assert [(event.name, event.moment - NOON) for event in found] == expected
    assert len({event.key for event in found}) == len(found)
    assert {event.name for event in found} <= set(NAMES)


async def test_a_body_holds_the_providers_event(sandbox: Sandbox, api: Any) -> None:
    found = await events(sandbox, api, "+14155550100")
    call = sandbox.placed_calls[0]
    body = json.loads(body_of(found[2]))
    assert body["event"] == "call.ended"
    assert body["timestamp"] == iso(NOON + 29) == "2025-06-15T15:07:29.000Z"
    assert body["data"]["event"] == "call.ended"
    assert body["data"]["call"] | {"summary": ""} == {
        "callId": call.id,
        "agent": {"agentId": call.agent_id},
        "created": "2025-06-15T15:07:00.000Z",
        "joined": "2025-06-15T15:07:05.000Z",
        "ended": "2025-06-15T15:07:29.000Z",
        "endReason": "hangup",
        "billedDuration": "24s",
        "billingStatus": "BILLING_STATUS_PENDING",
        "costUsd": 0.04,
        "shortSummary": "The contact was reached, agreed to what the agent asked, and said goodbye",
        "summary": "",
    }


@pytest.mark.parametrize(
    "quirks",
    [set(), {"webhook_flat"}, {"webhook_snake_case"}, {"webhook_event_id"}, {"webhook_call_completed"}],
    ids=str,
)
async def test_the_library_reads_every_form(sandbox: Sandbox, api: Any, quirks: set[str]) -> None:
    call_id = (await api.call())["id"]
    found = events_of_call(sandbox.placed_calls[0])
    read = [parse_event(json.loads(body_of(event, quirks))) for event in found]
    last = typed.CallCompleted if "webhook_call_completed" in quirks else typed.CallEnded
    assert [type(event) for event in read] == [typed.CallStarted, typed.CallJoined, last, typed.CallBilled]
    assert {event.call_id for event in read if isinstance(event, typed.CallEvent)} == {call_id}
    assert len({event.dedupe_key for event in read}) == 4
    assert isinstance(ended := read[2], typed.CallResult)
    assert (ended.duration_seconds, ended.end_reason) == (24, "hangup")
    assert (read[0].id is not None) is ("webhook_event_id" in quirks)
