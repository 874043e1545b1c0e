"""Agents: create, read, update, delete, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy.sandbox.domain import values
from trudy.sandbox.domain.account_numbers import give_number, take_numbers
from trudy.sandbox.domain.voices import voice_status
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, slice_of

if TYPE_CHECKING:
    from trudy.sandbox.world import World

_DEFAULTS: Json = {
    "description": None,
    "greeting": None,
    "model": "ultravox-v0.7",
    "tools": [],
    "knowledge_bases": [],
    "temperature": None,
    "recording_enabled": None,
    "language_hint": "en-US",
    "join_timeout": "30s",
    "max_duration": "3600s",
    "greeting_settings": None,
    "inactivity_messages": None,
    "initial_output_medium": "MESSAGE_MEDIUM_VOICE",
}
_SHOWN: Json = {"temperature": 0.3, "recording_enabled": False}
_SHOWN_NEWER: Json = {"temperature": 0.7, "recording_enabled": True}
"""Shown for members that were not set, with and without the quirk `newer_defaults`. They do not decide for calls."""
_NEVER_NULL = ("name", "voice_id", "system_prompt", "model")
_OWN = frozenset(
    {
        "id",
        "status",
        "voice_name",
        "created_at",
        "updated_at",
        "inbound_phone_numbers",
        "outbound_phone_numbers",
        "knowledge_base_ids",
    }
)
"""Members that only the server sets."""


def list_agents(request: ApiRequest) -> HandlerReply:
    """GET /agents?status&name&limit&offset"""
    limit, offset = slice_of(request.query)
    status, name = request.query.get("status"), request.query.get("name", "").casefold()

    def keep(agent: Json) -> bool:
        return (status is None or agent["status"] == status) and name in agent["name"].casefold()

    wanted = None if status is None and not name else keep
    agents, total = request.world.state.agents.page(limit, offset, wanted)
    data = [present(request.world, agent) for agent in agents]
    return HandlerReply(data=data, pagination=by_offset(total, limit, offset))


def create_agent(request: ApiRequest) -> HandlerReply:
    """POST /agents"""
    world, body = request.world, request.body
    world.check_payment()
    _check_members(request, body)
    agent = new_agent(world, world.state.ids.new("agent"), body, now=request.now)
    return HandlerReply(status=201, data=present(world, agent))


def get_agent(request: ApiRequest) -> HandlerReply:
    """GET /agents/{agent_id}"""
    return HandlerReply(data=present(request.world, find_agent(request, request.params["agent_id"])))


def update_agent(request: ApiRequest) -> HandlerReply:
    """PUT and PATCH /agents/{agent_id}: only the sent members change; null resets a member to its default."""
    agent = find_agent(request, request.params["agent_id"])
    changes = {name: value for name, value in request.body.items() if not (value is None and name in _NEVER_NULL)}
    _check_members(request, changes)
    agent = agent | _members(changes) | {"updated_at": request.now}
    request.world.state.agents.put(request.params["agent_id"], agent)
    return HandlerReply(data=present(request.world, agent))


def delete_agent(request: ApiRequest) -> HandlerReply:
    """DELETE /agents/{agent_id}"""
    agent = find_agent(request, request.params["agent_id"])
    request.world.state.agents.remove(agent["id"])
    take_numbers(request.world.state, agent["id"], now=request.now)
    return HandlerReply(data={"id": agent["id"], "deleted": True})


HANDLERS = {
    "list_agents": list_agents,
    "create_agent": create_agent,
    "get_agent": get_agent,
    "update_agent": update_agent,
    "patch_agent": update_agent,
    "delete_agent": delete_agent,
}


def new_agent(world: World, agent_id: str, body: Json, *, now: float) -> Json:
    """Add an agent, with a number to call from if the sandbox gives one."""
    own: Json = {
        "id": agent_id,
        "status": "active",
        "created_at": now,
        "updated_at": now,
        "inbound_phone_numbers": [],
        "outbound_phone_numbers": [],
    }
    agent = _DEFAULTS | _members(body) | own
    world.state.agents.put(agent_id, agent)
    if world.options.assign_numbers:
        give_number(world.state, agent, now=now)
    return agent


def find_agent(request: ApiRequest, agent_id: str) -> Json:
    """The agent with that id; raises 404."""
    agent = request.world.state.agents.get(agent_id)
    if agent is None:
        raise problems.not_found("Agent")
    return agent


def present(world: World, agent: Json) -> Json:
    """The agent as the API shows it."""
    voice = world.state.voices.get(agent["voice_id"])
    defaults = _SHOWN_NEWER if "newer_defaults" in world.wire.quirks else _SHOWN
    untold = {name: value for name, value in defaults.items() if agent[name] is None}
    return (
        agent
        | untold
        | {
            "voice_name": None if voice is None else voice.name,
            "knowledge_base_ids": agent["knowledge_bases"],
            "created_at": world.wire.time(agent["created_at"]),
            "updated_at": world.wire.time(agent["updated_at"]),
        }
    )


def _members(body: Json) -> Json:
    return {name: _DEFAULTS.get(name) if value is None else value for name, value in body.items() if name not in _OWN}


def _check_members(request: ApiRequest, body: Json) -> None:
    state = request.world.state
    values.check_durations(body, "join_timeout", "max_duration")
    if "voice_id" in body:
        voice = state.voices.get(body["voice_id"])
        if voice is None:
            raise problems.not_found("Voice")
        if voice_status(voice, request.now) != "active":
            raise problems.invalid("voice_id", "this voice is not trained", value=voice.id)
    if any(tool_id not in state.tools for tool_id in body.get("tools") or ()):
        raise problems.not_found("Tool")
    if any(kb_id not in state.knowledge_bases for kb_id in body.get("knowledge_bases") or ()):
        raise problems.not_found("Knowledge base")
