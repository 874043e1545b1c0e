from __future__ import annotations

import httpx
import pytest

from tests.fakes.wire import Wire, envelope, refusal
from trudy import AsyncTrudyClient, InvalidArgumentError, ProviderError, ResponseDecodeError

pytestmark = pytest.mark.anyio
JOIN = "wss://voice.ultravox.ai/calls/c1/server_web_socket?apiVersion=1"


def flat(url: str = JOIN) -> httpx.Response:
    return httpx.Response(200, json={"joinUrl": url, "callId": "c1", "agentName": "Ava"})


async def test_the_flat_answer_is_read(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(flat())
    call = await client.webrtc.create_call(agent_id="a1", variables={"name": "Ada"})
    assert (wire.last.method, wire.last.path) == ("POST", "/webrtc/call")
    assert wire.last.body == {"agent_id": "a1", "variables": {"name": "Ada"}}
    assert "x-idempotency-key" not in wire.last.headers
    assert (call.call_id, call.join_url, call.agent_name) == ("c1", JOIN, "Ava")
    assert call.to_dict()["joinUrl"] == JOIN
    assert "server_web_socket" not in repr(call)


async def test_an_answer_in_an_envelope_is_read_too(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"join_url": JOIN, "call_id": "c1"}))
    assert (await client.webrtc.create_call(agent_id="a1")).join_url == JOIN


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://voice..ai/calls/c1", "voice..ai"),
        ("wss:///calls/c1", ""),
        ("voice.ultravox.ai/calls/c1", ""),
        ("wss://voice_ultravox/c1", "voice_ultravox"),
        ("wss://-voice.ai/c1", "-voice.ai"),
        ("wss://[::1/c1", ""),
        ("wss://voice.ultravox.ai:abc/c1", "voice.ultravox.ai:abc"),
        ("wss://who@voice.ultravox.ai:99999/c1", "voice.ultravox.ai:99999"),
        ("javascript:alert(1)", ""),
        ("", ""),
    ],
)
async def test_a_host_that_no_browser_can_find_is_reported(
    client: AsyncTrudyClient, wire: Wire, url: str, host: str
) -> None:
    wire.answer(flat(url))
    with pytest.raises(ResponseDecodeError, match="host of its join URL is malformed") as caught:
        await client.webrtc.create_call(agent_id="a1")
    assert caught.value.details == {"call_id": "c1", "host": host}
    assert "POST /webrtc/call" in str(caught.value)


@pytest.mark.parametrize("url", [JOIN, "wss://localhost:8080/x", "wss://10.0.0.1/x", "wss://[::1]/x", "wss://a-b.c./x"])
async def test_hosts_that_can_be_found_pass(client: AsyncTrudyClient, wire: Wire, url: str) -> None:
    wire.answer(flat(url))
    assert (await client.webrtc.create_call(agent_id="a1")).join_url == url


async def test_an_answer_without_a_join_url_is_no_answer(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(httpx.Response(200, json={"callId": "c1"}))
    with pytest.raises(ResponseDecodeError):
        await client.webrtc.create_call(agent_id="a1")


async def test_a_call_is_not_made_twice(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(refusal(502, "provider_error"))
    with pytest.raises(ProviderError):
        await client.webrtc.create_call(agent_id="a1")
    assert len(wire.sent) == 1


async def test_an_agent_is_needed(client: AsyncTrudyClient, wire: Wire) -> None:
    with pytest.raises(InvalidArgumentError):
        await client.webrtc.create_call(agent_id="")
    assert wire.sent == []


async def test_an_agent_is_tried_from_a_browser(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"call_id": "c1", "join_url": JOIN, "agent_id": "a1"}, 201))
    call = await client.agents.create_test_call("a1", extra_body={"variables": {}})
    assert (wire.last.method, wire.last.path, wire.last.body) == ("POST", "/agents/a1/test-call", {"variables": {}})
    assert (call.call_id, call.join_url) == ("c1", JOIN)
    assert "server_web_socket" not in repr(call)
    await client.agents.create_test_call("a1")
    assert wire.last.body == {}


async def test_several_calls_are_deleted(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"deleted_count": 1, "failed_count": 1, "deleted_ids": ["a"], "failed_ids": ["b"]}, 201))
    result = await client.calls.bulk_delete(("a", "b"))
    assert (wire.last.method, wire.last.path, wire.last.body) == ("POST", "/calls/bulk-delete", {"ids": ["a", "b"]})
    assert (result.deleted_ids, result.failed_ids) == (("a",), ("b",))
    with pytest.raises(InvalidArgumentError):
        await client.calls.bulk_delete([])
