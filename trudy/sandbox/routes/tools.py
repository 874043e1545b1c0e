"""Tools: create, read, update, delete, list. Definitions are kept as they were given."""

from __future__ import annotations

from typing import Any

from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, slice_of


def list_tools(request: ApiRequest) -> HandlerReply:
    """GET /tools?name&limit&offset"""
    limit, offset = slice_of(request.query)
    name: str = request.query.get("name", "").casefold()

    def keep(tool: Json) -> bool:
        return name in tool["name"].casefold()

    tools, total = request.world.state.tools.page(limit, offset, keep if name else None)
    return HandlerReply(data=[_present(request, tool) for tool in tools], pagination=by_offset(total, limit, offset))


def create_tool(request: ApiRequest) -> HandlerReply:
    """POST /tools; without a definition it is a placeholder."""
    definition: Json | None = request.body.get("definition")
    name = request.body.get("name") or (definition or {}).get("modelToolName")
    if not name:
        raise problems.invalid("name", "is required", value=None)
    _check_definition(definition)
    tool: Json = {
        "id": request.world.state.ids.new("tool"),
        "name": name,
        "definition": definition,
        "created_at": request.now,
        "updated_at": request.now,
    }
    request.world.state.tools.put(tool["id"], tool)
    return HandlerReply(status=201, data=_present(request, tool))


def get_tool(request: ApiRequest) -> HandlerReply:
    """GET /tools/{tool_id}"""
    return HandlerReply(data=_present(request, _find(request)))


def update_tool(request: ApiRequest) -> HandlerReply:
    """PATCH /tools/{tool_id}; null removes the definition, but not the name."""
    tool, body = _find(request), request.body
    definition = body.get("definition", tool["definition"])
    _check_definition(definition)
    tool = tool | {"name": body.get("name") or tool["name"], "definition": definition, "updated_at": request.now}
    request.world.state.tools.put(request.params["tool_id"], tool)
    return HandlerReply(data=_present(request, tool))


def delete_tool(request: ApiRequest) -> HandlerReply:
    """DELETE /tools/{tool_id}; agents that use it lose it."""
    tool = _find(request)
    state = request.world.state
    state.tools.remove(tool["id"])
    for agent in state.agents:
        agent["tools"] = [tool_id for tool_id in agent["tools"] if tool_id != tool["id"]]
    return HandlerReply(data={"id": tool["id"], "deleted": True})


HANDLERS = {
    "list_tools": list_tools,
    "create_tool": create_tool,
    "get_tool": get_tool,
    "update_tool": update_tool,
    "delete_tool": delete_tool,
}


def _find(request: ApiRequest) -> Json:
    tool = request.world.state.tools.get(request.params["tool_id"])
    if tool is None:
        raise problems.not_found("Tool")
    return tool


def _check_definition(definition: Json | None) -> None:
    http: Json | None = (definition or {}).get("http")
    if http is not None and not _url(http):
        raise problems.invalid("definition.http.url", "is required", value=None)


def _url(http: Json) -> Any:
    return http.get("url") or http.get("baseUrlPattern")


def _present(request: ApiRequest, tool: Json) -> Json:
    wire = request.world.wire
    definition: Json = tool["definition"] or {}
    http: Json = definition.get("http") or {}
    # The three shapes that pages show: `http.url`, `http.baseUrlPattern`, and members beside `type`.
    url: object = _url(http) or definition.get("base_url")
    method: object = http.get("method") or http.get("httpMethod") or definition.get("method")
    return {
        "id": tool["id"],
        "name": tool["name"],
        "type": definition.get("type", "http"),
        "description": definition.get("description"),
        "status": "active",
        "definition": tool["definition"],
        "url": url if isinstance(url, str) else None,
        "method": method if isinstance(method, str) else ("GET" if url else None),
        "created_at": wire.time(tool["created_at"]),
        "updated_at": wire.time(tool["updated_at"]),
    }
