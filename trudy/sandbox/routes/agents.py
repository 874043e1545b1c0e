"""Agents: create, read, update, delete, list."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from trudy.sandbox import problems, validation
from trudy.sandbox.desk import ApiRequest, Method, Reply
from trudy.sandbox.state import PLACEHOLDER_AGENT, PLACEHOLDER_VOICE, outbound_number
from trudy.sandbox.validation import Json

if TYPE_CHECKING:
    from trudy.sandbox.sandbox import Sandbox

_DEFAULTS: Json = {
    "description": None,
    "greeting": None,
    "model": "ultravox-v0.7",
    "tools": [],
    "knowledge_bases": [],
    "temperature": 0.3,
    "recording_enabled": False,
    "language_hint": "en-US",
    "join_timeout": "30s",
    "max_duration": "3600s",
    "greeting_settings": None,
    "inactivity_messages": None,
    "initial_output_medium": "MESSAGE_MEDIUM_VOICE",
}
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
"""Members that only the server writes."""


def list_agents(request: ApiRequest) -> Reply:
    """GET /agents?status&name&limit&offset"""
    limit, offset = validation.parse_page(request.query)
    status, name = request.query.get("status"), request.query.get("name", "").casefold()

    def keep(agent: Json) -> bool:
        return (status is None or agent["status"] == status) and name in agent["name"].casefold()

    wanted = None if status is None and not name else keep
    agents, total = request.sandbox.state.agents.page(limit, offset, wanted)
    data = [present(request.sandbox, agent) for agent in agents]
    return Reply(data=data, pagination=pagination(total, limit, offset))


def create_agent(request: ApiRequest) -> Reply:
    """POST /agents"""
    body = request.json()
    validation.check_body(body, validation.AGENT)
    sandbox = request.sandbox
    if sandbox.payment_required is not None:
        raise problems.payment_required(sandbox.payment_required)
    _check_voice(sandbox, body)
    agent = new_agent(sandbox, str(uuid.uuid4()), body, now=request.now)
    return Reply(status=201, data=present(sandbox, agent))


def get_agent(request: ApiRequest) -> Reply:
    """GET /agents/{agent_id}"""
    return Reply(data=present(request.sandbox, _find(request)))


def update_agent(request: ApiRequest) -> Reply:
    """PUT and PATCH /agents/{agent_id}: only the members sent change; null puts a member back to its default."""
    agent_id, agent = request.params["agent_id"], _find(request)
    body = request.json()
    validation.check_body(body, validation.AGENT_UPDATE, partial=True)
    changes = {name: value for name, value in body.items() if not (value is None and name in _NEVER_NULL)}
    _check_voice(request.sandbox, changes)
    agent = agent | _members(changes) | {"updated_at": request.now}
    request.sandbox.state.agents.put(agent_id, agent)
    return Reply(data=present(request.sandbox, agent))


def delete_agent(request: ApiRequest) -> Reply:
    """DELETE /agents/{agent_id}"""
    agent = _find(request)
    request.sandbox.state.agents.remove(agent["id"])
    return Reply(data={"id": agent["id"], "deleted": True})


COLLECTION = {"GET": Method(handle=list_agents), "POST": Method(handle=create_agent, idempotent_by_key=True)}
ITEM = {
    "GET": Method(handle=get_agent),
    "PUT": Method(handle=update_agent),
    "PATCH": Method(handle=update_agent),
    "DELETE": Method(handle=delete_agent),
}


def new_agent(sandbox: Sandbox, agent_id: str, body: Json, *, now: float) -> Json:
    """Put an agent on the shelf, with a number to call from where the sandbox gives one."""
    numbers: list[Json] = []
    if sandbox.assign_numbers:
        number = outbound_number(sandbox.next_number_index())
        numbers.append({"id": str(uuid.uuid5(uuid.NAMESPACE_OID, number)), "phone_number": number})
    agent = (
        _DEFAULTS
        | _members(body)
        | {
            "id": agent_id,
            "status": "active",
            "created_at": now,
            "updated_at": now,
            "inbound_phone_numbers": [],
            "outbound_phone_numbers": numbers,
        }
    )
    sandbox.state.agents.put(agent_id, agent)
    return agent


def seed_placeholder_agent(sandbox: Sandbox) -> None:
    """Make the agent that the promised snippets name."""
    body = {"name": "Support", "voice_id": PLACEHOLDER_VOICE, "system_prompt": "You are a friendly support agent."}
    new_agent(sandbox, PLACEHOLDER_AGENT, body, now=sandbox.clock.time())


def present(sandbox: Sandbox, agent: Json) -> Json:
    """The agent as the API shows it."""
    voice = sandbox.state.voice(agent["voice_id"])
    return agent | {
        "voice_name": None if voice is None else voice.name,
        "knowledge_base_ids": agent["knowledge_bases"],
        "created_at": sandbox.wire.time(agent["created_at"]),
        "updated_at": sandbox.wire.time(agent["updated_at"]),
    }


def pagination(total: int, limit: int, offset: int) -> dict[str, Any]:
    """The `pagination` member of an offset-style list."""
    return {"total": total, "limit": limit, "offset": offset, "has_more": offset + limit < total}


def _find(request: ApiRequest) -> Json:
    agent = request.sandbox.state.agents.get(request.params["agent_id"])
    if agent is None:
        raise problems.not_found("Agent")
    return agent


def _members(body: Json) -> Json:
    return {name: _DEFAULTS.get(name) if value is None else value for name, value in body.items() if name not in _OWN}


def _check_voice(sandbox: Sandbox, body: Json) -> None:
    if "voice_id" in body and sandbox.state.voice(body["voice_id"]) is None:
        raise problems.not_found("Voice")
