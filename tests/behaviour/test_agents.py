from __future__ import annotations

import pytest

import trudy
from trudy import AsyncTrudyClient
from trudy.models import AgentStatus
from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_an_agents_life(client: AsyncTrudyClient, sandbox: Sandbox) -> None:
    agent = await client.agents.create(
        name="Ava", voice_id=sandbox.voices[0].id, system_prompt="Be kind.", temperature=0.5, description="one"
    )
    assert agent.status is AgentStatus.ACTIVE
    assert await client.agents.get(agent.id) == agent
    changed = await client.agents.update(agent.id, name="Eva", description=None)
    assert (changed.name, changed.description, changed.temperature) == ("Eva", None, 0.5)
    assert (await client.agents.delete(agent.id)).deleted
    with pytest.raises(trudy.NotFoundError) as caught:
        await client.agents.get(agent.id)
    assert caught.value.request_id


async def test_a_create_whose_answer_is_lost_is_repeated_with_its_key(
    client: AsyncTrudyClient, sandbox: Sandbox
) -> None:
    sandbox.fail_next(method="POST", path="/agents", reset="after")
    sandbox.fail_next(method="POST", path="/agents", status=500)
    agent = await client.agents.create(name="Ava", voice_id=sandbox.voices[0].id, system_prompt="Be kind.")
    assert agent.meta is not None
    assert agent.meta.attempts == 3
    assert [each.id async for each in client.agents.list()] == [agent.id]


async def test_all_agents_page_by_page(client: AsyncTrudyClient, sandbox: Sandbox) -> None:
    for number in range(7):
        await client.agents.create(name=f"agent {number}", voice_id=sandbox.voices[0].id, system_prompt="x")
    names = {agent.name async for agent in client.agents.list(page_size=3)}
    assert names == {f"agent {number}" for number in range(7)}
    page = await client.agents.list(limit=2, offset=1)
    assert len(page.data) == 2
    assert page.pagination.total == 7
    assert page.has_next()
    assert [agent.name async for agent in client.agents.list(name="AGENT 3")] == ["agent 3"]


async def test_a_raw_answer(client: AsyncTrudyClient, agent_id: str) -> None:
    raw = await client.raw(client.agents.get, agent_id)
    assert (raw.status, raw.parsed.id) == (200, agent_id)
    assert raw.headers["content-type"].startswith("application/json")
    assert agent_id.encode() in raw.body
    listed = await client.raw(client.agents.list, limit=1)
    assert listed.parsed.data[0].id == agent_id


async def test_any_endpoint_can_be_reached(client: AsyncTrudyClient, agent_id: str, sandbox: Sandbox) -> None:
    raw = await client.request("GET", f"/agents/{agent_id}")
    assert isinstance(raw.parsed, dict)
    with pytest.raises(trudy.NotFoundError):
        await client.request("GET", "/nowhere")
    sandbox.fail_next(method="POST", path="/calls", reset="after")
    with pytest.raises(trudy.CallOutcomeUnknownError):
        await client.request("POST", "/calls", body={"agent_id": agent_id, "phone_number": "+14155550100"})
    assert len(sandbox.calls_to("+14155550100")) == 1


async def test_a_wrong_key(base_url: str) -> None:
    async with AsyncTrudyClient("truedy_wrong", base_url=base_url) as client:
        with pytest.raises(trudy.AuthenticationError) as caught:
            await client.agents.list()
    assert "truedy_wrong" not in f"{caught.value!r}{vars(caught.value)}"


async def test_a_key_that_changes_is_asked_for_again(base_url: str, sandbox: Sandbox) -> None:
    keys = iter(["truedy_stale", sandbox.api_key])
    async with AsyncTrudyClient(lambda: next(keys), base_url=base_url) as client:
        assert (await client.agents.list()).data == []
        assert (await client.agents.list()).data == []
