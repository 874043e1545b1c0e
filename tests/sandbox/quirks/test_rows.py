"""Quirks of the objects in answers."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.quirks.quirk_tests import NOON, QuirkTests, World
from trudy import NotFoundError, TrudyError, WaitTimeoutError
from trudy.webhooks import WebhookRouter

survives = QuirkTests()


@survives("naive_timestamps", "offset_timestamps", "odd_fractions")
async def naive_timestamps(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    shown = [(await world.raw("GET", f"/agents/{agent.id}")).json()["data"]["created_at"] for _ in range(7)]
    form = {
        "naive_timestamps": r"2025-06-15T15:07:20\.000000",
        "offset_timestamps": r"2025-06-15T15:07:20\.000000\+00:00",
        "odd_fractions": r"2025-06-15T15:07:20(\.0{1,6})?Z",
    }[quirk]
    assert all(re.fullmatch(form, text) for text in shown)
    assert (len(set(shown)) > 3) is (quirk == "odd_fractions")
    for _ in range(7):
        read = await world.client.agents.get(agent.id)
        assert read.created_at == datetime.fromtimestamp(NOON, UTC)
        assert read.meta.server_time == datetime.fromtimestamp(NOON, UTC)


@survives("meta_timestamp")
async def meta_timestamp(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert (await world.raw("GET", f"/agents/{agent.id}")).json()["meta"].keys() == {"request_id", "timestamp"}
    assert agent.meta.server_time == datetime.fromtimestamp(NOON, UTC)


@survives("prefixed_ids")
async def prefixed_ids(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert call.id.startswith("call_")
    assert call.agent_id.startswith("agt_")
    assert (await world.client.calls.get(call.id)).id == call.id
    assert (await world.client.calls.get(call.id.removeprefix("call_"))).id == call.id
    agent = await world.client.agents.update(call.agent_id, name="Bea")
    assert (agent.id, agent.voice_id) == (call.agent_id, f"voice_{world.sandbox.voices[0].id}")
    assert [one.id async for one in world.client.calls.list(agent_id=call.agent_id)] == [call.id]
    router = WebhookRouter(secret=world.sandbox.webhook_secret, clock=world.sandbox.clock)
    told: list[Any] = []
    router.on_any(told.append)
    world.sandbox.connect(router, events=["call.ended"])
    await world.call("+14155550101")
    world.sandbox.advance(seconds=310)
    await world.sandbox.webhooks.deliver_async()
    assert told[0].call_id == f"call_{world.sandbox.placed_calls[-1].id}"


@survives("string_numbers")
async def string_numbers(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    assert (await world.raw("GET", f"/calls/{call.id}")).json()["data"]["duration_seconds"] == "24"
    read = await world.client.calls.get(call.id)
    assert (read.duration_seconds, read.cost_credits) == (24, 1)
    turns = (await world.client.calls.get_transcript(call.id)).turns
    assert [turn.timestamp for turn in turns] == [0, 6, 12, 18]


@survives("newer_defaults")
async def newer_defaults(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert (agent.temperature, agent.recording_enabled) == (0.7, True)
    told = await world.client.agents.update(agent.id, temperature=0.1, recording_enabled=False)
    assert (told.temperature, told.recording_enabled) == (0.1, False)
    reset = await world.client.agents.update(agent.id, temperature=None)
    assert (reset.temperature, reset.recording_enabled) == (0.7, False)


@survives("unknown_members")
async def unknown_members(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert agent.extra["_row"] == {"version": 3, "tags": [], "owner": None}
    assert agent.name == "Ada"
    assert (await world.call()).extra["x-new"] == [1, {"a": 2}]


@survives("empty_forms")
async def empty_forms(quirk: str) -> None:
    world = World(quirk)
    agent, call = await world.agent(), await world.call()
    shown: set[str] = set()
    for _ in range(3):
        row = (await world.raw("GET", f"/agents/{agent.id}")).json()["data"]
        shown.add(json.dumps([row["description"], row["tools"]]))
        read = await world.client.agents.get(agent.id)
        assert (read.id, read.name, read.description, list(read.tools)) == (agent.id, "Ada", None, [])
        now = await world.client.calls.get(call.id)
        assert (now.id, now.ended_at, now.recording_url, dict(now.metadata)) == (call.id, None, None, {})
        assert [one.id async for one in world.client.calls.list()] == [call.id]
    assert len(shown) == 3


@survives("early_number_names")
async def early_number_names(quirk: str) -> None:
    world = World(quirk, speed=300)
    call = await world.call("+14155550191")
    row = (await world.raw("GET", f"/calls/{call.id}")).json()["data"]
    assert not row.keys() & {"to", "from", "to_number", "from_number"}
    assert call.to == "+14155550191"


@survives("guide_status_words")
async def guide_status_words(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=10)
    assert (await world.raw("GET", f"/calls/{call.id}")).json()["data"]["status"] == "in-progress"
    assert (await world.client.calls.get(call.id)).status == "in_progress"
    world.sandbox.advance(seconds=310)
    assert (await world.raw("GET", f"/calls/{call.id}")).json()["data"]["status"] == "ended"
    read = await world.client.calls.wait(call.id, timeout=5)
    assert read.status == "completed"
    assert read.status.is_final


@survives("dashboard_status_words")
async def dashboard_status_words(quirk: str) -> None:
    world = World(quirk)
    for number, word in (("+14155550110", "no_answer"), ("+14155550120", "busy"), ("+14155550130", "voicemail")):
        call = await world.call(number)
        world.sandbox.advance(seconds=310)
        read = await world.client.calls.wait(call.id, timeout=5)
        assert read.status == word
        assert read.status.is_final


@survives("stuck_calls")
async def stuck_calls(quirk: str) -> None:
    world = World(quirk, speed=300)
    calls = [await world.call(f"+1415555010{lane}") for lane in range(4)]
    world.sandbox.advance(seconds=310)
    words = [str((await world.client.calls.get(call.id)).status) for call in calls]
    assert words == ["completed", "queued", "completed", "in_progress"]
    with pytest.raises(WaitTimeoutError):
        await world.client.calls.wait(calls[1].id, timeout=60)


@survives("accepted_but_failed")
async def accepted_but_failed(quirk: str) -> None:
    world = World(quirk)
    words = [str((await world.call(f"+1415555010{lane}")).status) for lane in range(3)]
    assert words == ["queued", "queued", "failed"]
    call = (await world.client.calls.list()).data[0]
    assert (await world.client.calls.wait(call.id, timeout=5)).end_reason == "not_placed"


@survives("null_until_ready")
async def null_until_ready(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    for what, member in (("transcript", "transcript"), ("recording", "recording_url")):
        answer = await world.raw("GET", f"/calls/{call.id}/{what}")
        assert (answer.status_code, answer.json()["data"]) == (200, {"call_id": call.id, member: None})
    assert (await world.client.calls.get_transcript(call.id)).turns == ()
    with pytest.raises(TrudyError):
        await world.client.calls.download_recording(call.id, to=io.BytesIO())
    assert (await world.client.calls.get_recording(call.id)).recording_url is None
    await world.refusal(NotFoundError, world.client.calls.get_transcript("nobody"))


@survives("transcript_roles", "transcript_text")
async def transcript_roles(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    shown = (await world.raw("GET", f"/calls/{call.id}/transcript")).json()["data"]["transcript"][0]
    assert isinstance(shown, str) if quirk == "transcript_text" else shown.keys() == {"role", "text", "timespan"}
    turns = (await world.client.calls.get_transcript(call.id)).turns
    assert [turn.text for turn in turns][1:] == [
        "Hello, yes, I do.",
        "Thank you. Shall we keep it as planned?",
        "Yes, please. Goodbye.",
    ]
    expected = [None] * 4 if quirk == "transcript_text" else [0, 6, 12, 18]
    assert [turn.timestamp for turn in turns] == expected


@survives("transcript_provider_roles")
async def transcript_provider_roles(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    shown = (await world.raw("GET", f"/calls/{call.id}/transcript")).json()["data"]["transcript"]
    assert [turn["role"].removeprefix("MESSAGE_ROLE_") for turn in shown[:4]] == [
        "AGENT",
        "TOOL_CALL",
        "TOOL_RESULT",
        "USER",
    ]
    assert ["text" in turn for turn in shown[:4]] == [True, False, False, True]
    transcript = await world.client.calls.get_transcript(call.id)
    assert [turn.speaker for turn in transcript.turns if turn.text] == ["agent", "contact", "agent", "contact"]
    assert len(transcript.text.splitlines()) == 4


@survives("calls_without_variables")
async def calls_without_variables(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert "variables" not in (await world.raw("GET", f"/calls/{call.id}")).json()["data"]
    assert not call.variables
    world.sandbox.clock.speed = 100
    assert (await world.call("+14155550192")).id in {placed.id for placed in world.sandbox.placed_calls}
    assert len(world.sandbox.placed_calls) == 2


@survives("lagging_calls")
async def lagging_calls(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert (await world.client.calls.list()).data == []
    assert (await world.client.calls.get(call.id)).id == call.id
    world.sandbox.advance(seconds=11)
    assert [row.id async for row in world.client.calls.list()] == [call.id]
    world.sandbox.clock.speed = 100
    assert (await world.call("+14155550192")).id == world.sandbox.placed_calls[1].id


@survives("provider_call_id")
async def provider_call_id(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert call.provider_id is not None
    assert call.provider_id.startswith("uv_call_")
    assert (await world.client.calls.get(call.id)).provider_id == call.provider_id
    assert [row.provider_id async for row in world.client.calls.list()] == [call.provider_id]


@survives("recording_type")
async def recording_type(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    recording = await world.client.calls.get_recording(call.id)
    async with world.sandbox.http_client() as http:
        answer = await http.get(recording.recording_url or "")
    assert (recording.format, answer.headers["content-type"]) == ("mp3", "application/octet-stream")
    audio = io.BytesIO()
    await world.client.calls.download_recording(call.id, to=audio)
    assert audio.getvalue() == answer.content
    world.sandbox.assert_no_key_left_the_host()


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", survives.by_quirk)
async def test_the_sdk_survives(quirk: str) -> None:
    await survives.run(quirk)
