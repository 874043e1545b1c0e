"""For each quirk: that it shows on the wire, and that the SDK survives it. A quirk without a test here fails."""

from __future__ import annotations

import io
import json
import re
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx
import pytest

from trudy import (
    APIConnectionError,
    APIError,
    AsyncTrudyClient,
    CallOutcomeUnknownError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    ServerError,
    TrudyError,
    ValidationError,
    WaitTimeoutError,
)
from trudy.sandbox import QUIRKS, Sandbox
from trudy.sandbox.__main__ import main
from trudy.webhooks import WebhookRouter
from trudy.webhooks.events import CallCompleted, CallEvent, CallResult

NOON = 1_750_000_040.0
"""20 s after a clock minute began."""
AHEAD = timedelta(minutes=5)


OPEN: list[AsyncTrudyClient] = []
"""The clients that a test has made, for it to close."""


async def within(seconds: float, survival: Awaitable[None]) -> None:
    """Let a test run for so long, and close its clients."""
    try:
        with anyio.fail_after(seconds):
            await survival
    finally:
        while OPEN:
            await OPEN.pop().aclose()


class World:
    """A sandbox with quirks, the SDK's client of it, and raw requests to it."""

    def __init__(self, *quirks: str, speed: float = 0.0, **options: Any) -> None:
        self.sandbox = Sandbox(speed=speed, start=NOON, quirks=quirks, **{"rate_limit": None} | options)
        self.client = self.new_client()

    def new_client(self, **options: Any) -> AsyncTrudyClient:
        client = self.sandbox.async_client(**options)
        OPEN.append(client)
        return client

    async def raw(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request of no SDK, and what came of it."""
        key = {"Authorization": f"Bearer {self.sandbox.api_key}"}
        async with self.sandbox.http_client() as http:
            return await http.request(method, self.sandbox.base_url + path, json=body, headers=key | headers)

    async def agent(self, **options: Any) -> Any:
        return await self.client.agents.create(
            name="Ada", voice_id=self.sandbox.voices[0].id, system_prompt="Be kind.", **options
        )

    def agent_body(self) -> dict[str, str]:
        return {"name": "Ada", "voice_id": self.sandbox.voices[0].id, "system_prompt": "Be kind."}

    async def call(self, number: str = "+14155550100", **options: Any) -> Any:
        agents = (await self.client.agents.list(limit=2)).data
        agent_id = (agents[0] if agents else await self.agent()).id
        # On a fast clock the usual 30 s may pass while the machine looks elsewhere.
        patience = {"reconcile_timeout": 600.0}
        return await self.client.calls.create(agent_id=agent_id, phone_number=number, **patience | options)

    async def refusal(self, expected: type[APIError], coroutine: Awaitable[object]) -> Any:
        """The typed error of a request; never one of the HTTP library."""
        with pytest.raises(expected) as raised:
            await coroutine
        return raised.value


Survival = Callable[[str], Awaitable[None]]
SURVIVALS: dict[str, Survival] = {}


def survives(*names: str) -> Callable[[Survival], Survival]:
    def register(test: Survival) -> Survival:
        SURVIVALS.update(dict.fromkeys(names, test))
        return test

    return register


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", QUIRKS)
async def test_the_sdk_survives(quirk: str) -> None:
    await within(60, SURVIVALS[quirk](quirk))


def test_no_test_is_of_a_quirk_that_is_none() -> None:
    assert SURVIVALS.keys() == QUIRKS.keys()


# Errors


@survives("error_early_form")
async def _(quirk: str) -> None:
    world = World(quirk)
    body = (await world.raw("GET", "/agents/x")).json()
    assert body.keys() == {"error"}
    error = await world.refusal(NotFoundError, world.client.agents.get("x"))
    assert (error.code, bool(error.request_id)) == ("not_found", True)
    world.sandbox.faults.add(path="/agents", status=500)
    shown = (await world.raw("GET", "/agents")).json()["error"]
    assert shown["ts"] is None
    assert "details" not in shown
    error = await world.refusal(ServerError, world.client.with_options(max_retries=0).agents.list())
    assert (error.code, error.details) == ("internal_error", {})


@survives("fastapi_detail")
async def _(quirk: str) -> None:
    world = World(quirk)
    refused = await world.raw("POST", "/agents", world.agent_body() | {"name": "+14155550123" * 30})
    assert refused.json()["detail"][0]["input"].startswith("+14155550123")
    error = await world.refusal(
        ValidationError,
        world.client.agents.create(name="x", voice_id="x", system_prompt="x", extra_body={"name": "+14155550123" * 30}),
    )
    assert [one.field for one in error.field_errors] == ["body.name"]
    assert "14155550123" not in f"{error} {error!r}"


@survives("wrapped_errors")
async def _(quirk: str) -> None:
    world = World(quirk)
    assert (await world.raw("GET", "/agents/x")).json()["detail"].keys() == {"error"}
    error = await world.refusal(NotFoundError, world.client.agents.get("x"))
    assert (error.code, error.message) == ("not_found", "Agent not found")
    assert error.request_id


@survives("octet_stream_errors", "html_errors", "empty_errors")
async def _(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=502)
    answer = await world.raw("GET", "/agents")
    expected = {"octet_stream_errors": "application/octet-stream", "html_errors": "text/html"}
    assert answer.headers["content-type"] == expected.get(quirk, "application/json")
    assert (answer.content == b"") is (quirk == "empty_errors")
    quick = world.client.with_options(max_retries=0)
    error = await world.refusal(ServerError, quick.agents.list())
    assert error.status_code == 502
    assert "<html>" not in str(error)
    if quirk == "octet_stream_errors":
        assert error.code == "provider_error"


@survives("no_request_id")
async def _(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(path="/agents", status=500)
    answer = await world.raw("GET", "/agents")
    assert "x-request-id" not in answer.headers
    error = await world.refusal(ServerError, world.client.with_options(max_retries=0).agents.list())
    assert error.request_id == world.sandbox.requests[-1].request_id


@survives("hidden_server_faults")
async def _(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=500)
    error = await world.refusal(ValidationError, world.client.agents.list())
    assert (error.status_code, error.code) == (422, "validation_error")


@survives("provider_details")
async def _(quirk: str) -> None:
    world = World(quirk)
    world.sandbox.faults.add(status=502)
    assert (await world.raw("GET", "/agents")).json()["error"]["details"]["httpStatus"] == 503
    error = await world.refusal(ProviderError, world.client.with_options(max_retries=0).agents.list())
    assert error.details == {"provider": "voice", "httpStatus": 503, "retry_after": 1}
    world.sandbox.faults.clear()
    world.sandbox.fail_next(status=502)
    world.sandbox.clock.speed = 60
    assert (await world.client.agents.list()).data == []


@survives("create_500_after")
async def _(quirk: str) -> None:
    world = World(quirk, speed=300)
    assert (await world.raw("POST", "/agents", world.agent_body())).status_code == 500
    for lane in range(3):
        call = await world.call(f"+1415555010{lane}")
        assert call.to == f"+1415555010{lane}"
    world.sandbox.assert_no_number_dialed_twice()
    assert len(world.sandbox.placed_calls) == 3


# Rate limit and clock


@survives("sliding_reset_at", "naive_reset_at", "offset_reset_at", "no_reset_at", "past_reset_at", "far_reset_at")
async def _(quirk: str) -> None:
    world = World(quirk, rate_limit=2)
    for _ in range(2):
        await world.raw("GET", "/agents")
    shown = (await world.raw("GET", "/agents")).json()["error"]["details"].get("reset_at")
    assert (
        shown
        == {
            "sliding_reset_at": "2025-06-15T15:08:20.000000Z",
            "naive_reset_at": "2025-06-15T15:08:00",
            "offset_reset_at": "2025-06-15T15:08:00+00:00",
            "no_reset_at": None,
            "past_reset_at": "2025-06-15T14:07:20.000000Z",
            "far_reset_at": "9999-12-31T23:59:59.999999Z",
        }[quirk]
    )
    hasty = world.new_client(rate_limit=False, max_rate_limit_wait=0)
    error = await world.refusal(RateLimitError, hasty.agents.list())
    assert error.details.get("reset_at") == shown
    # Whatever it says, the wait is bounded and ends in an answer.
    patient = World(quirk, rate_limit=2, speed=100)
    for _ in range(5):
        await patient.client.agents.list()
    waited = patient.sandbox.clock.monotonic()
    assert 60 < waited < 600
    assert sum(window.refused for window in patient.sandbox.requests_per_window()) < 12


@survives("several_counters")
async def _(quirk: str) -> None:
    plain, world = World(rate_limit=10), World(quirk, rate_limit=10)
    statuses = [(await world.raw("GET", "/agents")).status_code for _ in range(60)]
    assert statuses.count(200) == 30
    assert 200 in statuses[statuses.index(429) :]
    assert [(await plain.raw("GET", "/agents")).status_code for _ in range(60)].count(200) == 10
    patient = World(quirk, rate_limit=10, speed=300)
    for _ in range(25):
        await patient.client.agents.list()


# Idempotency and creates


@survives("key_over_headers")
async def _(quirk: str) -> None:
    world = World(quirk, speed=300)
    key = {"X-Idempotency-Key": "k"}
    for more, expected in (({}, 1), ({}, 1), ({"User-Agent": "other"}, 1), ({"traceparent": "1"}, 2)):
        await world.raw("POST", "/agents", world.agent_body(), **key, **more)
        assert (await world.raw("GET", "/agents")).json()["pagination"]["total"] == expected
    world.sandbox.fail_next(method="POST", reset="after")
    await world.agent()
    assert (await world.raw("GET", "/agents")).json()["pagination"]["total"] == 3


@survives("creates_answer_200")
async def _(quirk: str) -> None:
    world = World(quirk)
    key = {"X-Idempotency-Key": "k"}
    statuses = [(await world.raw("POST", "/agents", world.agent_body(), **key)).status_code for _ in range(3)]
    assert statuses == [200, 201, 201]
    assert (await world.agent()).name == "Ada"


@survives("slow_creates")
async def _(quirk: str) -> None:
    world = World(quirk, speed=300)
    begun = world.sandbox.clock.monotonic()
    await world.agent()
    between = world.sandbox.clock.monotonic()
    call = await world.call()
    assert between - begun >= 20
    assert world.sandbox.clock.monotonic() - between >= 150
    assert [placed.id for placed in world.sandbox.placed_calls] == [call.id]
    # Who waits no longer than that looks first.
    call = await world.call("+14155550101", timeout=60)
    assert [placed.id for placed in world.sandbox.calls_to("+14155550101")] == [call.id]


# Data


@survives("naive_timestamps", "offset_timestamps", "odd_fractions")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert (await world.raw("GET", f"/agents/{agent.id}")).json()["meta"].keys() == {"request_id", "timestamp"}
    assert agent.meta.server_time == datetime.fromtimestamp(NOON, UTC)


@survives("prefixed_ids")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    world.sandbox.advance(seconds=310)
    assert (await world.raw("GET", f"/calls/{call.id}")).json()["data"]["duration_seconds"] == "24"
    read = await world.client.calls.get(call.id)
    assert (read.duration_seconds, read.cost_credits) == (24, 1)
    turns = (await world.client.calls.get_transcript(call.id)).turns
    assert [turn.timestamp for turn in turns] == [0, 6, 12, 18]


@survives("newer_defaults")
async def _(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert (agent.temperature, agent.recording_enabled) == (0.7, True)
    told = await world.client.agents.update(agent.id, temperature=0.1, recording_enabled=False)
    assert (told.temperature, told.recording_enabled) == (0.1, False)
    reset = await world.client.agents.update(agent.id, temperature=None)
    assert (reset.temperature, reset.recording_enabled) == (0.7, False)


@survives("unknown_members")
async def _(quirk: str) -> None:
    world = World(quirk)
    agent = await world.agent()
    assert agent.extra["_row"] == {"version": 3, "tags": [], "owner": None}
    assert agent.name == "Ada"
    assert (await world.call()).extra["x-new"] == [1, {"a": 2}]


@survives("empty_forms")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
    world = World(quirk, speed=300)
    call = await world.call("+14155550191")
    row = (await world.raw("GET", f"/calls/{call.id}")).json()["data"]
    assert not row.keys() & {"to", "from", "to_number", "from_number"}
    assert call.to == "+14155550191"


@survives("guide_status_words")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
    world = World(quirk)
    for number, word in (("+14155550110", "no_answer"), ("+14155550120", "busy"), ("+14155550130", "voicemail")):
        call = await world.call(number)
        world.sandbox.advance(seconds=310)
        read = await world.client.calls.wait(call.id, timeout=5)
        assert read.status == word
        assert read.status.is_final


# Lists


@survives("has_more_for_ever")
async def _(quirk: str) -> None:
    world = World(quirk)
    agents = {(await world.agent()).id for _ in range(5)}
    assert (await world.raw("GET", "/agents?offset=99")).json()["pagination"]["has_more"] is True
    found = [agent.id async for agent in world.client.agents.list(page_size=2)]
    assert (len(found), set(found)) == (5, agents)


@survives("shifting_rows", "bad_rows")
async def _(quirk: str) -> None:
    world = World(quirk)
    agents = [(await world.agent()).id for _ in range(11)][::-1]
    pages = [(await world.raw("GET", f"/agents?limit=5&offset={offset}")).json() for offset in (0, 5, 10, 15)]
    rows = [[row.get("id", "bad") for row in page["data"]] for page in pages]
    if quirk == "shifting_rows":
        assert rows == [agents[:5], agents[4:9], agents[9:], []]
    else:
        bad = "bad"
        assert rows[0] == [bad, *agents[:3], bad]
        assert rows[1] == [*agents[3:6], bad, agents[6]]
        assert rows[2] == [*agents[7:9], bad, *agents[9:]]
    assert [page["pagination"]["has_more"] for page in pages] == [True, True, quirk == "shifting_rows" and False, False]
    for size in (1, 2, 3, 5, 100):
        found = [agent.id async for agent in world.client.agents.list(page_size=size)]
        assert found == agents, size
    page = await world.client.agents.list(page_size=5)
    assert len(page.invalid) == (0 if quirk == "shifting_rows" else 2)
    # A lost call is found in such a list, and found once.
    world.sandbox.clock.speed = 300
    lost = await world.call("+14155550191")
    assert [placed.id for placed in world.sandbox.placed_calls] == [lost.id]


# Deletes, redirects, connections


@survives("delete_no_content", "delete_success", "delete_contact_id")
async def _(quirk: str) -> None:
    world = World(quirk)
    first, second = await world.agent(), await world.agent()
    answer = await world.raw("DELETE", f"/agents/{first.id}")
    if quirk == "delete_no_content":
        assert (answer.status_code, answer.content) == (204, b"")
    elif quirk == "delete_success":
        assert answer.json() == {"success": True}
    else:
        assert answer.json()["data"] == {"contact_id": first.id, "deleted": True}
    await world.client.agents.delete(second.id)
    assert (await world.client.agents.list()).data == []


@survives("slash_redirects")
async def _(quirk: str) -> None:
    world = World(quirk)
    answer = await world.raw("GET", "/agents?limit=1")
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["location"] == f"{world.sandbox.base_url}/agents/?limit=1"
    assert (await world.raw("GET", "/agents/")).status_code == 200
    agent = await world.agent()
    assert (await world.raw("GET", f"/agents/{agent.id}/")).status_code == 307
    assert (await world.client.agents.get(agent.id)).id == agent.id
    await world.call()
    assert len(world.sandbox.placed_calls) == 1
    assert [one.id async for one in world.client.agents.list()] == [agent.id]


@survives("idle_drops")
async def _(quirk: str) -> None:
    world = World(quirk)
    await world.agent()
    async with world.sandbox.http_client() as http:
        world.sandbox.advance(seconds=80)
        with pytest.raises(httpx.ConnectError):
            await http.get(world.sandbox.base_url)
        assert (await http.get(world.sandbox.base_url + "/agents")).status_code == 401
    world.sandbox.clock.speed = 60
    world.sandbox.advance(seconds=80)
    call = await world.call()
    assert [placed.id for placed in world.sandbox.placed_calls] == [call.id]
    world.sandbox.advance(seconds=80)
    with pytest.raises(APIConnectionError) as caught:
        await world.client.with_options(max_retries=0).agents.list()
    assert not caught.value.request_sent


# Calls


@survives("stuck_calls")
async def _(quirk: str) -> None:
    world = World(quirk, speed=300)
    calls = [await world.call(f"+1415555010{lane}") for lane in range(4)]
    world.sandbox.advance(seconds=310)
    words = [str((await world.client.calls.get(call.id)).status) for call in calls]
    assert words == ["completed", "queued", "completed", "in_progress"]
    with pytest.raises(WaitTimeoutError):
        await world.client.calls.wait(calls[1].id, timeout=60)


@survives("accepted_but_failed")
async def _(quirk: str) -> None:
    world = World(quirk)
    words = [str((await world.call(f"+1415555010{lane}")).status) for lane in range(3)]
    assert words == ["queued", "queued", "failed"]
    call = (await world.client.calls.list()).data[0]
    assert (await world.client.calls.wait(call.id, timeout=5)).end_reason == "not_placed"


@survives("null_until_ready")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert "variables" not in (await world.raw("GET", f"/calls/{call.id}")).json()["data"]
    assert not call.variables
    world.sandbox.clock.speed = 100
    assert (await world.call("+14155550192")).id in {placed.id for placed in world.sandbox.placed_calls}
    assert len(world.sandbox.placed_calls) == 2


@survives("lagging_calls")
async def _(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert (await world.client.calls.list()).data == []
    assert (await world.client.calls.get(call.id)).id == call.id
    world.sandbox.advance(seconds=11)
    assert [row.id async for row in world.client.calls.list()] == [call.id]
    world.sandbox.clock.speed = 100
    assert (await world.call("+14155550192")).id == world.sandbox.placed_calls[1].id


@survives("provider_call_id")
async def _(quirk: str) -> None:
    world = World(quirk)
    call = await world.call()
    assert call.provider_id is not None
    assert call.provider_id.startswith("uv_call_")
    assert (await world.client.calls.get(call.id)).provider_id == call.provider_id
    assert [row.provider_id async for row in world.client.calls.list()] == [call.provider_id]


@survives("recording_type")
async def _(quirk: str) -> None:
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


# Webhooks


@survives("webhook_provider_ids")
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
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
async def _(quirk: str) -> None:
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


# All of them


@pytest.mark.asyncio
async def test_the_sdk_survives_all_of_them_at_once() -> None:
    await within(60, all_at_once())


async def all_at_once() -> None:
    world = World("all", speed=200, rate_limit=50)
    client, sandbox = world.client, world.sandbox
    assert sandbox.world.wire.quirks == frozenset(QUIRKS)
    router = WebhookRouter(secret=sandbox.webhook_secret, clock=sandbox.clock)
    told: list[Any] = []
    router.on_any(told.append)
    sandbox.connect(router, events=["call.ended"])
    agent = await client.agents.create(name="Ada", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    placed: dict[str, str] = {}
    unknown: list[list[str | None]] = []
    for lane in range(6):
        number = f"+1415555010{lane}"
        try:
            call = await client.calls.create(agent_id=agent.id, phone_number=number, reconcile_timeout=600)
        except CallOutcomeUnknownError as error:
            unknown.append([candidate.to for candidate in error.candidates])
        else:
            placed[call.id] = number
    sandbox.assert_no_number_dialed_twice()
    assert len(placed) >= 4, unknown
    sandbox.advance(minutes=10)
    listed = {call.id async for call in client.calls.list(page_size=4)}
    assert placed.keys() <= listed
    for call_id, number in placed.items():
        read = await client.calls.get(call_id)
        assert (read.id, read.to) == (call_id, number)
        assert [turn.text for turn in (await client.calls.get_transcript(call_id)).turns][-1].startswith("Yes")
        audio = io.BytesIO()
        await client.calls.download_recording(call_id, to=audio)
        assert audio.getvalue()
    await sandbox.webhooks.deliver_async()
    provider_ids = {(await client.calls.get(call_id)).provider_id for call_id in placed}
    assert {event.call_id for event in told} >= provider_ids
    with pytest.raises(NotFoundError):
        await client.agents.get("nobody")
    async for one in client.agents.list():
        await client.agents.delete(one.id)
    assert [one.id async for one in client.agents.list()] == []
    sandbox.assert_no_key_left_the_host()


def test_the_command_line_takes_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Sandbox] = []

    def refuse(self: Sandbox, **_: Any) -> None:
        made.append(self)
        raise OSError("enough")

    monkeypatch.setattr(Sandbox, "serve", refuse)
    assert main(["--quirk", "all"]) == 1
    assert main(["--quirk", "bad_rows", "--quirk", "naive_timestamps"]) == 1
    assert [sandbox.world.wire.quirks for sandbox in made] == [set(QUIRKS), {"bad_rows", "naive_timestamps"}]
    assert "enough" in capsys.readouterr().err


def test_a_text_is_not_several_names() -> None:
    with pytest.raises(ValueError, match="several names"):
        Sandbox(quirks="all")


def test_an_idle_connection_is_dropped_over_a_socket() -> None:
    sandbox = Sandbox(speed=75, quirks={"idle_drops"})
    with sandbox.serve() as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(b"GET /api/public/v1/agents HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            while piece := connection.recv(65_536):  # until the other side closes
                received += piece
        assert received.startswith(b"HTTP/1.1 401 ")
        with server.client() as client:
            assert client.agents.list().data == []
