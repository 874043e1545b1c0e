from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def open_call(api: Any, **body: Any) -> dict[str, Any]:
    agent = await api.agent(greeting="Hi {{name}}")
    answer = await api("POST", "/webrtc/call", {"agent_id": agent["id"]} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(api: Any, call_id: str) -> str:
    return (await api("GET", f"/calls/{call_id}")).json()["data"]["status"]


async def test_the_answer_is_flat(api: Any) -> None:
    answer = await open_call(api)
    assert set(answer) == {"joinUrl", "callId", "agentName"}
    assert answer["agentName"] == "Ada"
    assert answer["joinUrl"].startswith("wss://voice.")


async def test_a_call_that_is_joined(sandbox: Sandbox, api: Any) -> None:
    answer = await open_call(api, variables={"name": "Bo"})
    call_id = answer["callId"]
    sandbox.advance(seconds=10)
    assert await status(api, call_id) == "queued"
    assert sandbox.join_call(answer["joinUrl"]).id == call_id
    assert await status(api, call_id) == "in_progress"
    assert [call["id"] for call in (await api("GET", "/calls?status=in_progress")).json()["data"]] == [call_id]
    sandbox.advance(seconds=24)
    done = (await api("GET", f"/calls/{call_id}")).json()["data"]
    assert (done["status"], done["direction"], done["duration_seconds"]) == ("completed", "webrtc", 24)
    assert (done["to"], done["phone_number"], done["from"]) == (None, None, None)
    assert [call["id"] for call in (await api("GET", "/calls?direction=webrtc&status=completed")).json()["data"]] == [
        call_id
    ]
    sandbox.advance(seconds=3)
    transcript = (await api("GET", f"/calls/{call_id}/transcript")).json()["data"]["transcript"]
    assert transcript[0]["text"] == "Hi Bo"
    assert sandbox.placed_calls == []


async def test_a_link_opens_once(sandbox: Sandbox, api: Any) -> None:
    answer = await open_call(api)
    sandbox.join_call(answer["joinUrl"])
    for link in (answer["joinUrl"], "wss://voice.sandbox.localhost/calls/x?token=y", "nonsense"):
        with pytest.raises(LookupError, match="was used, has expired, or is none"):
            sandbox.join_call(link)


async def test_a_link_expires_and_the_call_has_failed(sandbox: Sandbox, api: Any) -> None:
    answer = await open_call(api)
    sandbox.advance(seconds=30)
    with pytest.raises(LookupError):
        sandbox.join_call(answer["joinUrl"])
    over = (await api("GET", f"/calls/{answer['callId']}")).json()["data"]
    assert (over["status"], over["end_reason"]) == ("failed", "unjoined")


async def test_the_agents_longest_call_holds(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent(max_duration="10s")
    answer = (await api("POST", "/webrtc/call", {"agent_id": agent["id"]})).json()
    sandbox.join_call(answer["joinUrl"])
    sandbox.advance(seconds=10)
    over = (await api("GET", f"/calls/{answer['callId']}")).json()["data"]
    assert (over["status"], over["duration_seconds"], over["end_reason"]) == ("completed", 10, "max_duration")


async def test_a_test_call(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    path = f"/agents/{agent['id']}/test-call"
    for body in (None, {}, {"anything": 1}):
        answer = await api("POST", path, body)
        data = answer.json()["data"]
        assert answer.status_code == 201
        assert (data["agent_id"], data["created_at"]) == (agent["id"], "2025-06-15T15:07:00.000000Z")
        assert sandbox.join_call(data["join_url"]).id == data["call_id"]
        assert await status(api, data["call_id"]) == "in_progress"


async def test_what_is_refused(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    for body, code in (
        ({"agent_id": "none"}, 404),
        ({}, 422),
        ({"agent_id": agent["id"], "variables": []}, 422),
    ):
        assert (await api("POST", "/webrtc/call", body)).status_code == code
    assert (await api("POST", "/agents/none/test-call")).status_code == 404
    assert (await api("POST", f"/agents/{agent['id']}/test-call", [])).status_code == 422
    sandbox.payment_required = "trial_not_started"
    assert (await api("POST", "/webrtc/call", {"agent_id": agent["id"]})).status_code == 402
    assert (await api("POST", f"/agents/{agent['id']}/test-call")).status_code == 402
    assert not len(sandbox.world.state.calls)
