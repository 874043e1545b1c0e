from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio

GUIDE = {
    "modelToolName": "look_up",
    "description": "Finds an order",
    "http": {"baseUrlPattern": "https://a.test/orders", "httpMethod": "POST"},
    "dynamicParameters": [{"name": "id", "location": "PARAMETER_LOCATION_BODY", "schema": {"type": "string"}}],
    "extra": {"kept": [1, None]},
}


async def create(api: Any, **body: Any) -> dict[str, Any]:
    answer = await api("POST", "/tools", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize(
    ("definition", "url", "method"),
    [
        (GUIDE, "https://a.test/orders", "POST"),
        ({"http": {"url": "https://a.test", "method": "PUT"}}, "https://a.test", "PUT"),
        ({"http": {"url": "https://a.test"}}, "https://a.test", "GET"),
        ({"base_url": "https://a.test", "method": "DELETE", "parameters": []}, "https://a.test", "DELETE"),
        ({"type": "client"}, None, None),
    ],
)
async def test_any_shape_passes_through(api: Any, definition: dict[str, Any], url: str | None, method: str) -> None:
    tool = await create(api, name="Look up", definition=definition)
    assert tool["definition"] == definition
    assert (tool["name"], tool["url"], tool["method"]) == ("Look up", url, method)
    assert tool["description"] == definition.get("description")
    assert (await api("GET", f"/tools/{tool['id']}")).json()["data"] == tool


async def test_names(api: Any) -> None:
    assert (await create(api, definition=GUIDE))["name"] == "look_up"
    assert (await create(api, name="Placeholder"))["definition"] is None
    for body in ({}, {"definition": {"http": {"url": "https://a.test"}}}):
        answer = await api("POST", "/tools", body)
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "name")


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ([], "definition"),
        ({"modelToolName": "look up"}, "definition.modelToolName"),
        ({"modelToolName": "x" * 65}, "definition.modelToolName"),
        ({"http": {}}, "definition.http.url"),
        ({"http": {"baseUrlPattern": "https://a.test", "httpMethod": "LOOK"}}, "definition.http.httpMethod"),
        ({"dynamicParameters": [{}]}, "definition.dynamicParameters.0.name"),
        ({"staticParameters": [{"name": "x", "location": "HERE"}]}, "definition.staticParameters.0.location"),
    ],
)
async def test_rejected_definitions(sandbox: Sandbox, api: Any, definition: Any, field: str) -> None:
    answer = await api("POST", "/tools", {"name": "x", "definition": definition})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    assert not len(sandbox.world.state.tools)
    tool = await create(api, name="x")
    answer = await api("PATCH", f"/tools/{tool['id']}", {"definition": definition})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)


async def test_update_and_delete(sandbox: Sandbox, api: Any) -> None:
    tool = await create(api, name="x", definition=GUIDE)
    path = f"/tools/{tool['id']}"
    sandbox.advance(seconds=5)
    renamed = (await api("PATCH", path, {"name": "y"})).json()["data"]
    assert renamed == tool | {"name": "y", "updated_at": "2025-06-15T15:07:05.000000Z"}
    emptied = (await api("PATCH", path, {"name": None, "definition": None})).json()["data"]
    assert (emptied["name"], emptied["definition"], emptied["url"]) == ("y", None, None)
    agent = await api.agent(tools=[tool["id"]])
    assert (await api("DELETE", path)).json()["data"] == {"id": tool["id"], "deleted": True}
    assert (await api("GET", f"/agents/{agent['id']}")).json()["data"]["tools"] == []
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        answer = await api(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_lists(api: Any) -> None:
    for name in ("Look up", "Book", "Look out"):
        await create(api, name=name)

    async def names(query: str) -> list[str]:
        return [tool["name"] for tool in (await api("GET", f"/tools?{query}")).json()["data"]]

    assert await names("") == ["Look out", "Book", "Look up"]
    assert await names("name=LOOK") == ["Look out", "Look up"]
    assert await names("limit=1&offset=1") == ["Book"]


async def test_the_key_keeps_a_repeat_from_making_another(api: Any) -> None:
    key = {"X-Idempotency-Key": "k"}
    first = await api("POST", "/tools", {"name": "x"}, headers=key)
    assert (await api("POST", "/tools", {"name": "x"}, headers=key)).content == first.content


async def test_an_agent_may_only_name_tools_that_are_there(sandbox: Sandbox, api: Any) -> None:
    body = {"name": "Ada", "voice_id": sandbox.voices[0].id, "system_prompt": "x", "tools": ["none"]}
    answer = await api("POST", "/agents", body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Tool not found")
