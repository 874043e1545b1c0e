"""Quirks of events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.quirks.quirk_tests import QuirkTests, World, within
from trudy.webhooks import WebhookRouter
from trudy.webhooks.events import CallCompleted, CallEvent, CallResult

survives = QuirkTests()


@survives("webhook_provider_ids")
async def webhook_provider_ids(quirk: str) -> None:
    world = World(quirk, "provider_call_id")
    router = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock)
    told: list[CallEvent] = []
    router.on_any(told.append)
    world.sandbox.connect(router)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    await world.sandbox.webhooks.deliver_async()
    assert {event.call_id for event in told} == {call.provider_id}
    assert {event.agent_id for event in told}.isdisjoint({call.agent_id})


@survives("webhook_inner_data")
async def webhook_inner_data(quirk: str) -> None:
    world = World(quirk)
    router = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock)
    told: list[CallEvent] = []
    router.on_any(told.append)
    world.sandbox.connect(router, events=["call.ended"])
    await world.call()
    world.sandbox.advance(seconds=310)
    await world.sandbox.webhooks.deliver_async()
    (ended,) = told
    assert isinstance(ended, CallResult)
    assert ended.data["data"].keys() == {"duration_seconds", "cost_usd", "end_reason"}
    assert ended.data["call"].keys().isdisjoint({"billedDuration", "costUsd", "endReason"})
    assert (ended.duration_seconds, ended.cost_usd, ended.end_reason) == (24, 0.04, "hangup")


@survives(
    "webhook_early_headers",
    "webhook_iso_timestamp",
    "webhook_sorted_signature",
    "webhook_flat",
    "webhook_snake_case",
    "webhook_event_id",
    "webhook_call_completed",
)
async def webhook_early_headers(quirk: str) -> None:
    world = World(quirk)
    router = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock)
    strict = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock, strict=True)
    told: list[CallEvent] = []
    router.on_any(told.append)
    world.sandbox.connect(router, duplicates=1.0)
    world.sandbox.connect(strict, tries=1, events=["call.ended"])
    call = await world.call()
    world.sandbox.advance(seconds=310)
    await world.sandbox.webhooks.deliver_async()
    assert [event.call_id for event in told] == [call.id] * 4
    ended = told[2]
    assert isinstance(ended, CallResult)
    assert (ended.duration_seconds, ended.end_reason) == (24, "hangup")
    assert isinstance(ended, CallCompleted) is (quirk == "webhook_call_completed")
    assert (ended.id is not None) is (quirk == "webhook_event_id")
    assert ended.signature_form == ("sorted" if quirk == "webhook_sorted_signature" else "raw")
    assert ("call" in ended.data) is (quirk != "webhook_flat")
    if quirk != "webhook_flat":
        assert ("call_id" in ended.data["call"]) is (quirk == "webhook_snake_case")
    refused = [one for one in world.sandbox.webhooks.deliveries if one.status == 401]
    assert len(refused) == (quirk == "webhook_sorted_signature")


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", survives.by_quirk)
async def test_the_sdk_survives(quirk: str) -> None:
    await survives.run(quirk)


@pytest.mark.asyncio
async def test_what_the_headers_of_a_delivery_look_like(monkeypatch: pytest.MonkeyPatch) -> None:
    await within(60, headers_of_a_delivery(monkeypatch))


async def headers_of_a_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World("webhook_early_headers", "webhook_iso_timestamp")
    router = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock)
    seen: list[dict[str, str]] = []
    handle = router.handle

    async def note(method: str, headers: Any, body: bytes) -> Any:
        seen.append(headers)
        return await handle(method, headers, body)

    monkeypatch.setattr(router, "handle", note)
    world.sandbox.connect(router, events=["call.started"])
    await world.call()
    world.sandbox.advance(seconds=60)
    await world.sandbox.webhooks.deliver_async()
    assert seen[0]["X-Trudy-Timestamp"] == "2025-06-15T15:08:20.000Z"
    assert "X-Trudy-Signature" in seen[0]
