from __future__ import annotations

from typing import Any

import httpx
import pytest

from trudy.sandbox import Outcome, Sandbox

pytestmark = pytest.mark.asyncio


async def test_the_main_job(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent(greeting="Hello {{name}}")
    answer = await api(
        "POST",
        "/calls",
        {
            "agent_id": agent["id"],
            "phone_number": "+14155550100",
            "direction": "outbound",
            "variables": {"name": "Bo", "count": 3},
            "call_settings": {"recording_enabled": True, "transcription_enabled": True},
        },
    )
    call = answer.json()["data"]
    number = agent["outbound_phone_numbers"][0]["phone_number"]
    assert answer.status_code == 201
    assert {call[name] for name in ("to", "to_number", "phone_number")} == {"+14155550100"}
    assert {call["from"], call["from_number"]} == {number}
    assert call["variables"] == {"name": "Bo", "count": "3"}
    assert call["call_settings"] == {
        "recording_enabled": True,
        "transcription_enabled": True,
        "greeting": None,
        "max_duration": "3600s",
        "join_timeout": "30s",
    }
    path = f"/calls/{call['id']}"
    seen = [call["status"]]
    for step in (1, 4, 24):
        assert (await api("GET", path + "/transcript")).status_code == 404
        sandbox.advance(seconds=step)
        seen.append((await api("GET", path)).json()["data"]["status"])
    assert seen == ["queued", "ringing", "in_progress", "completed"]
    assert (await api("GET", path + "/recording")).status_code == 404
    over = (await api("GET", path)).json()["data"]
    assert (over["duration_seconds"], over["end_reason"], over["cost_credits"]) == (24, "hangup", 1.0)
    assert (over["started_at"], over["ended_at"]) == ("2025-06-15T15:07:05.000000Z", "2025-06-15T15:07:29.000000Z")
    assert (over["recording_url"], over["transcript_url"], over["summary"]) == (None, None, None)
    sandbox.advance(seconds=3)
    transcript = (await api("GET", path + "/transcript")).json()["data"]
    assert transcript["call_id"] == call["id"]
    assert transcript["transcript"][0]["text"] == "Hello Bo"
    done = (await api("GET", path)).json()["data"]
    assert done["summary"] == transcript["summary"]
    assert done["transcript_url"].endswith(path + "/transcript")
    assert done["recording_url"].startswith("http://recordings.sandbox.localhost/")


async def test_no_answer_has_neither_transcript_nor_recording(sandbox: Sandbox, api: Any) -> None:
    call = await api.call("+14155550110")
    sandbox.advance(minutes=10)
    over = (await api("GET", f"/calls/{call['id']}")).json()["data"]
    assert (over["status"], over["end_reason"], over["started_at"]) == ("failed", "no_answer", None)
    assert (over["duration_seconds"], over["cost_credits"]) == (0, 0)
    for part in ("transcript", "recording"):
        assert (await api("GET", f"/calls/{call['id']}/{part}")).status_code == 404


async def test_accepted_as_failed(api: Any, sandbox: Sandbox) -> None:
    call = await api.call("+14155550150")
    assert (call["status"], call["end_reason"], call["ended_at"]) == ("failed", "not_placed", call["created_at"])
    await api.call("+14155550150")
    sandbox.assert_no_number_dialed_twice()


async def test_the_second_attempt_is_answered(sandbox: Sandbox, api: Any) -> None:
    statuses = []
    for _ in range(2):
        call = await api.call("+14155550160")
        sandbox.advance(minutes=2)
        statuses.append((await api("GET", f"/calls/{call['id']}")).json()["data"]["status"])
    assert statuses == ["failed", "completed"]
    assert [call.attempt for call in sandbox.calls_to("+14155550160")] == [1, 2]


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("+14155550140", 422, "validation_error"),
        ("+14155550197", 402, "payment_required"),
        ("+14155550198", 403, "forbidden"),
        ("+14155551234", 422, "validation_error"),
        ("+1234567890", 422, "validation_error"),
        ("4155550100", 422, "validation_error"),
        ("+1 415 555 0100", 422, "validation_error"),
    ],
)
async def test_refused_before_anything_is_placed(
    sandbox: Sandbox, api: Any, number: str, status: int, code: str
) -> None:
    agent = await api.agent()
    answer = await api("POST", "/calls", {"agent_id": agent["id"], "phone_number": number})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert sandbox.placed_calls == []


async def test_a_number_may_be_rate_limited_once(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    body = {"agent_id": agent["id"], "phone_number": "+14155550190"}
    refused = await api("POST", "/calls", body)
    assert refused.status_code == 429
    assert refused.json()["error"]["details"]["reset_at"] == "2025-06-15T15:08:00.000000Z"
    assert [(await api("POST", "/calls", body)).status_code for _ in range(2)] == [201, 201]
    other = body | {"phone_number": "+12125550190"}
    assert (await api("POST", "/calls", other)).status_code == 429


async def test_500_after_the_call_was_placed(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    body, key = {"agent_id": agent["id"], "phone_number": "+14155550191"}, {"X-Idempotency-Key": "k"}
    for count in (1, 2):
        answer = await api("POST", "/calls", body, headers=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
        assert len(sandbox.calls_to("+14155550191")) == count
    with pytest.raises(AssertionError, match=r"\+1415\*\*\*0191 2 times"):
        sandbox.assert_no_number_dialed_twice()


async def test_reset_after_the_call_was_placed_is_replayed(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    body, key = {"agent_id": agent["id"], "phone_number": "+14155550192"}, {"X-Idempotency-Key": "k"}
    with pytest.raises(httpx.ReadError):
        await api("POST", "/calls", body, headers=key)
    assert len(sandbox.calls_to("+14155550192")) == 1
    assert sandbox.requests[-1].status is None
    answer = await api("POST", "/calls", body, headers=key)
    assert (answer.status_code, answer.json()["data"]["id"]) == (201, sandbox.placed_calls[0].id)
    sandbox.assert_no_number_dialed_twice()


async def test_other_numbers_when_allowed(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, any_number=True)
    call = await api_of(sandbox).call("+4915112345678")
    assert call["status"] == "queued"
    assert sandbox.placed_calls[0].outcome is Outcome.COMPLETED


async def test_from_number_must_be_the_agents(api: Any) -> None:
    agent = await api.agent()
    other = await api.agent()
    mine, theirs = (row["outbound_phone_numbers"][0]["phone_number"] for row in (agent, other))
    body = {"agent_id": agent["id"], "phone_number": "+14155550100"}
    assert (await api("POST", "/calls", body | {"from_number": mine})).json()["data"]["from"] == mine
    refused = await api("POST", "/calls", body | {"from_number": theirs})
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (422, "from_number")


async def test_an_agent_without_a_number_cannot_call(api_of: Any) -> None:
    api = api_of(Sandbox(speed=0, assign_numbers=False))
    agent = await api.agent()
    assert agent["outbound_phone_numbers"] == []
    answer = await api("POST", "/calls", {"agent_id": agent["id"], "phone_number": "+14155550100"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "no_phone_number_configured")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"agent_id": None}, "agent_id"),
        ({"phone_number": None}, "phone_number"),
        ({"direction": "inbound"}, "direction"),
        ({"variables": []}, "variables"),
        ({"call_settings": "x"}, "call_settings"),
        ({"call_settings": {"recording_enabled": 1}}, "call_settings.recording_enabled"),
        ({"call_settings": {"max_duration": "x"}}, "call_settings.max_duration"),
    ],
)
async def test_validation_names_the_member(api: Any, change: dict[str, Any], field: str) -> None:
    agent = await api.agent()
    answer = await api("POST", "/calls", {"agent_id": agent["id"], "phone_number": "+14155550100"} | change)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)


async def test_an_unknown_agent_is_not_found(api: Any) -> None:
    answer = await api("POST", "/calls", {"agent_id": "agent-uuid", "phone_number": "+14155550100"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Agent not found")


async def test_call_settings_shape_the_call(sandbox: Sandbox, api: Any) -> None:
    call = await api.call(
        "+14155550180", call_settings={"max_duration": "60s", "recording_enabled": False, "greeting": None}
    )
    sandbox.advance(minutes=5)
    over = (await api("GET", f"/calls/{call['id']}")).json()["data"]
    assert (over["duration_seconds"], over["end_reason"]) == (60, "max_duration")
    assert (await api("GET", f"/calls/{call['id']}/recording")).status_code == 404
    assert (await api("GET", f"/calls/{call['id']}/transcript")).status_code == 200


async def test_the_settings_of_a_call_override_those_of_its_agent(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent(max_duration="60s", join_timeout="20s", recording_enabled=False)
    long = await api.call("+14155550180")
    unanswered = await api.call("+14155550110")
    own = await api.call("+14155550181", call_settings={"max_duration": "90s", "recording_enabled": True})
    body = {
        "name": "June",
        "agent_id": agent["id"],
        "contacts": [{"phone_number": "+14155550182"}],
        "working_days": [1, 2, 3, 4, 5, 6, 7],
    }
    batch = (await api("POST", "/batch-calls", body)).json()["data"]
    await api("POST", f"/batch-calls/{batch['id']}/schedule", {})
    sandbox.advance(minutes=30)
    (of_batch,) = sandbox.calls_to("+14155550182")

    async def read(call_id: str) -> dict[str, Any]:
        return (await api("GET", f"/calls/{call_id}")).json()["data"]

    for call_id, seconds, recorded in ((long["id"], 60, 404), (own["id"], 90, 200), (of_batch.id, 60, 404)):
        over = await read(call_id)
        assert (over["duration_seconds"], over["end_reason"]) == (seconds, "max_duration")
        assert (await api("GET", f"/calls/{call_id}/recording")).status_code == recorded
    assert (await read(unanswered["id"]))["call_settings"]["join_timeout"] == "20s"
    timeline = sandbox.calls_to("+14155550110")[0].timeline
    assert timeline.ringing_at is not None
    assert timeline.ended_at - timeline.ringing_at == 20


async def test_lists_and_filters(sandbox: Sandbox, api: Any) -> None:
    first = await api.call("+14155550100")
    sandbox.advance(minutes=1)
    second = await api.call("+14155550110")
    other = await api.agent(name="Other")
    third = await api.call("+14155550101", agent_id=other["id"])

    async def ids(query: str) -> list[str]:
        return [call["id"] for call in (await api("GET", f"/calls?{query}")).json()["data"]]

    assert await ids("") == [third["id"], second["id"], first["id"]]
    assert await ids("limit=1&offset=1") == [second["id"]]
    assert await ids("status=completed") == [first["id"]]
    assert await ids("status=queued&limit=1") == [third["id"]]
    assert await ids(f"agent_id={other['id']}") == [third["id"]]
    assert await ids("direction=inbound") == []
    assert len(await ids("direction=outbound")) == 3
    assert await ids("created_after=2025-06-15T15:07:30Z") == [third["id"], second["id"]]
    assert await ids("created_before=2025-06-15T15:07:30") == [first["id"]]
    faulty = await api("GET", "/calls?created_after=yesterday")
    assert (faulty.status_code, faulty.json()["error"]["details"]["field"]) == (422, "created_after")


async def test_a_call_in_flight_cannot_be_deleted(sandbox: Sandbox, api: Any) -> None:
    call = await api.call()
    path = f"/calls/{call['id']}"
    for step in (0, 1, 4):
        sandbox.advance(seconds=step)
        answer = await api("DELETE", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "validation_error")
    sandbox.advance(seconds=24)
    assert (await api("DELETE", path)).json()["data"] == {"id": call["id"], "deleted": True}
    assert (await api("GET", path)).status_code == 404
    assert [placed.id for placed in sandbox.calls_to("+14155550100")] == [call["id"]]


async def test_bulk_delete(sandbox: Sandbox, api: Any) -> None:
    old = [(await api.call())["id"] for _ in range(2)]
    sandbox.advance(minutes=1)
    running = (await api.call())["id"]
    answer = await api("POST", "/calls/bulk-delete", {"ids": [*old, old[0], running, "nobody"]})
    assert answer.json()["data"] == {
        "deleted_count": 2,
        "failed_count": 2,
        "deleted_ids": old,
        "failed_ids": [running, "nobody"],
    }
    assert (await api("POST", "/calls/bulk-delete", {"ids": []})).status_code == 422
