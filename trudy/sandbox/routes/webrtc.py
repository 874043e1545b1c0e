"""Create calls from a browser: for an app's users, and to try an agent."""

from __future__ import annotations

from trudy.sandbox.domain import browser_calls
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply
from trudy.sandbox.routes.agents import find_agent


def create_webrtc_call(request: ApiRequest) -> HandlerReply:
    """POST /webrtc/call; the only answer without an envelope."""
    request.world.check_payment()
    agent = find_agent(request, request.body["agent_id"])
    variables: Json = request.body.get("variables") or {}
    call, link = browser_calls.open_call(request.world, agent, variables, now=request.now)
    return HandlerReply(data={"joinUrl": link, "callId": call.id, "agentName": agent["name"]}, is_flat=True)


def create_test_call(request: ApiRequest) -> HandlerReply:
    """POST /agents/{agent_id}/test-call"""
    request.world.check_payment()
    agent = find_agent(request, request.params["agent_id"])
    call, link = browser_calls.open_call(request.world, agent, {}, now=request.now)
    data = {
        "call_id": call.id,
        "join_url": link,
        "agent_id": agent["id"],
        "created_at": request.world.wire.time(request.now),
    }
    return HandlerReply(status=201, data=data)


HANDLERS = {"create_webrtc_call": create_webrtc_call, "create_test_call": create_test_call}
