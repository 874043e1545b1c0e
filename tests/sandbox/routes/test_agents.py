from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def test_create_fills_in_the_documented_defaults(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent(name="Ada", custom={"kept": 1})
    assert agent["status"] == "active"
    assert (agent["temperature"], agent["recording_enabled"], agent["model"]) == (0.3, False, "ultravox-v0.7")
    assert (agent["max_duration"], agent["join_timeout"]) == ("3600s", "30s")
    assert (agent["tools"], agent["knowledge_bases"], agent["knowledge_base_ids"]) == ([], [], [])
    assert agent["voice_name"] == sandbox.voices[0].name
    assert agent["custom"] == {"kept": 1}
    assert agent["created_at"] == agent["updated_at"] == "2025-06-15T15:07:00.000000Z"
    assert len(agent["outbound_phone_numbers"]) == 1
    assert (await api("GET", f"/agents/{agent['id']}")).json()["data"] == agent


async def test_each_agent_gets_its_own_number(api: Any) -> None:
    numbers = [(await api.agent())["outbound_phone_numbers"][0]["phone_number"] for _ in range(101)]
    assert len(set(numbers)) == 101


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_update_changes_only_what_was_sent(sandbox: Sandbox, api: Any, method: str) -> None:
    agent = await api.agent(description="old", temperature=0.9)
    sandbox.advance(seconds=5)
    changed = await api(method, f"/agents/{agent['id']}", {"name": "Eve", "temperature": None, "system_prompt": None})
    expected = agent | {"name": "Eve", "temperature": 0.3, "updated_at": "2025-06-15T15:07:05.000000Z"}
    assert (changed.status_code, changed.json()["data"]) == (200, expected)


async def test_what_only_the_server_writes_stays(api: Any) -> None:
    agent = await api.agent(id="mine", status="failed", outbound_phone_numbers=[])
    assert agent["id"] != "mine"
    assert agent["status"] == "active"
    changed = (await api("PUT", f"/agents/{agent['id']}", {"id": "mine", "created_at": "2000-01-01"})).json()["data"]
    assert (changed["id"], changed["created_at"]) == (agent["id"], agent["created_at"])


async def test_delete(api: Any) -> None:
    agent = await api.agent()
    answer = await api("DELETE", f"/agents/{agent['id']}")
    assert (answer.status_code, answer.json()["data"]) == (200, {"id": agent["id"], "deleted": True})
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        answer = await api(method, f"/agents/{agent['id']}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_lists_are_newest_first_in_pages(api: Any) -> None:
    names = [(await api.agent(name=f"Agent {n}"))["name"] for n in range(5)]
    answer = (await api("GET", "/agents?limit=2&offset=1")).json()
    assert [agent["name"] for agent in answer["data"]] == [names[3], names[2]]
    assert answer["pagination"] == {"total": 5, "limit": 2, "offset": 1, "has_more": True}
    last = (await api("GET", "/agents?limit=2&offset=4")).json()
    assert ([agent["name"] for agent in last["data"]], last["pagination"]["has_more"]) == ([names[0]], False)
    beyond = (await api("GET", "/agents?offset=50")).json()
    assert (beyond["data"], beyond["pagination"]["limit"]) == ([], 50)


async def test_filters(api: Any) -> None:
    await api.agent(name="Support Desk")
    await api.agent(name="Sales")

    async def names(query: str) -> list[str]:
        return [agent["name"] for agent in (await api("GET", f"/agents?{query}")).json()["data"]]

    assert await names("name=sUPPORT%20d") == ["Support Desk"]
    assert await names("name=s") == ["Sales", "Support Desk"]
    assert await names("status=active&name=sales") == ["Sales"]
    assert await names("status=draft") == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"system_prompt": ""}, "system_prompt"),
        ({"description": "x" * 1001}, "description"),
        ({"temperature": 1.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"recording_enabled": "yes"}, "recording_enabled"),
        ({"max_duration": 3600}, "max_duration"),
        ({"join_timeout": "30"}, "join_timeout"),
        ({"tools": "t"}, "tools"),
        ({"tools": [7]}, "tools.0"),
        ({"temperature": -1}, "temperature"),
        ({"max_duration": "3600S"}, "max_duration"),
        ({"knowledge_bases": ["a", "b"]}, "knowledge_bases"),
        ({"greeting_settings": []}, "greeting_settings"),
        ({"inactivity_messages": [1]}, "inactivity_messages.0"),
        ({"initial_output_medium": "SMOKE"}, "initial_output_medium"),
    ],
)
async def test_validation_names_the_member(sandbox: Sandbox, api: Any, change: dict[str, Any], field: str) -> None:
    body = {"name": "Ada", "voice_id": sandbox.voices[0].id, "system_prompt": "x"} | change
    answer = await api("POST", "/agents", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["field"]) == (422, "validation_error", field)
    assert error["details"]["reason"]
    assert not len(sandbox.world.state.agents)


@pytest.mark.parametrize("missing", ["name", "voice_id", "system_prompt"])
async def test_required_members(sandbox: Sandbox, api: Any, missing: str) -> None:
    body = {"name": "Ada", "voice_id": sandbox.voices[0].id, "system_prompt": "x"}
    del body[missing]
    answer = await api("POST", "/agents", body)
    assert (answer.status_code, answer.json()["error"]["details"]) == (422, {"field": missing, "reason": "is required"})


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=1.5", "limit="])
async def test_faulty_pages(api: Any, query: str) -> None:
    for path in ("/agents", "/calls"):
        answer = await api("GET", f"{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, query.split("=")[0])


async def test_bodies_that_are_no_object(api: Any) -> None:
    broken = await api("POST", "/agents", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "bad_request")
    assert (await api("POST", "/agents", [1])).status_code == 422


async def test_an_unknown_voice_is_not_found(api: Any) -> None:
    body = {"name": "Ada", "voice_id": "VOICE_UUID", "system_prompt": "x"}
    assert (await api("POST", "/agents", body)).status_code == 404
    agent = await api.agent()
    assert (await api("PUT", f"/agents/{agent['id']}", {"voice_id": "nobody"})).status_code == 404
