"""Quirks of requests, deletes and connections."""

from __future__ import annotations

import socket

import httpx
import pytest

from tests.sandbox.quirks.quirk_tests import QuirkTests, World
from trudy import APIConnectionError
from trudy.sandbox import Sandbox

survives = QuirkTests()


@survives("delete_no_content", "delete_success", "delete_contact_id")
async def delete_no_content(quirk: str) -> None:
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
async def slash_redirects(quirk: str) -> None:
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
async def idle_drops(quirk: str) -> None:
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


@pytest.mark.asyncio
@pytest.mark.parametrize("quirk", survives.by_quirk)
async def test_the_sdk_survives(quirk: str) -> None:
    await survives.run(quirk)


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
