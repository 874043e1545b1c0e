"""Knowledge bases, and their documents and web pages."""

from __future__ import annotations

from typing import Any

from trudy.sandbox.domain import sources, values
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply, by_offset, slice_of

_EMBEDDING_MODEL = "sandbox-embedding"


def list_knowledge_bases(request: ApiRequest) -> HandlerReply:
    """GET /knowledge-bases?name&limit&offset"""
    limit, offset = slice_of(request.query)
    name: str = request.query.get("name", "").casefold()

    def keep(base: Json) -> bool:
        return name in base["name"].casefold()

    bases, total = request.world.state.knowledge_bases.page(limit, offset, keep if name else None)
    return HandlerReply(data=[_present(request, base) for base in bases], pagination=by_offset(total, limit, offset))


def create_knowledge_base(request: ApiRequest) -> HandlerReply:
    """POST /knowledge-bases; empty and ready, or with one document, as older pages show it."""
    body = request.body
    request.world.check_payment()
    document = _first_document(body)
    base: Json = {
        "id": request.world.state.ids.new("knowledge base"),
        "name": body["name"],
        "description": body.get("description"),
        "created_at": request.now,
        "updated_at": request.now,
    }
    request.world.state.knowledge_bases.put(base["id"], base)
    if document is not None:
        _put_document(request, base, **document)
    return HandlerReply(status=201, data=_present(request, base))


def get_knowledge_base(request: ApiRequest) -> HandlerReply:
    """GET /knowledge-bases/{kb_id}"""
    return HandlerReply(data=_present(request, _find(request)))


def update_knowledge_base(request: ApiRequest) -> HandlerReply:
    """PATCH /knowledge-bases/{kb_id}; null removes the description."""
    base, body = _find(request), request.body
    base = base | {
        "name": body.get("name") or base["name"],
        "description": body.get("description", base["description"]),
        "updated_at": request.now,
    }
    request.world.state.knowledge_bases.put(request.params["kb_id"], base)
    return HandlerReply(data=_present(request, base))


def delete_knowledge_base(request: ApiRequest) -> HandlerReply:
    """DELETE /knowledge-bases/{kb_id}; with its sources. Agents that use it lose it."""
    base, state = _find(request), request.world.state
    for source in list(state.sources.of(base["id"])):
        state.sources.remove(source["id"])
    state.knowledge_bases.remove(base["id"])
    for agent in state.agents:
        agent["knowledge_bases"] = [kb_id for kb_id in agent["knowledge_bases"] if kb_id != base["id"]]
    return HandlerReply(data={"id": base["id"], "deleted": True})


def list_sources(request: ApiRequest) -> HandlerReply:
    """GET /knowledge-bases/{kb_id}/sources; all in one answer, oldest first."""
    oldest_first = reversed(list(request.world.state.sources.of(_find(request)["id"])))
    return HandlerReply(data=[_present_source(request, source) for source in oldest_first])


def add_document(request: ApiRequest) -> HandlerReply:
    """POST /knowledge-bases/{kb_id}/sources/document"""
    base, body = _find(request), request.body
    file: Json = body["file"]
    source = _put_document(
        request,
        base,
        name=body["name"],
        description=body.get("description"),
        filename=file["filename"],
        content_type=file["content_type"],
        content=_content(file["data"], "file.data"),
    )
    return HandlerReply(status=201, data=_present_source(request, source))


def add_web(request: ApiRequest) -> HandlerReply:
    """POST /knowledge-bases/{kb_id}/sources/web"""
    base, body = _find(request), request.body
    urls: list[str] = body["urls"]
    source = _put_source(
        request,
        base,
        kind="web",
        name=body["name"],
        description=body.get("description"),
        urls=urls,
        fault=sources.pages_fault(urls),
    )
    return HandlerReply(status=201, data=_present_source(request, source))


def get_source(request: ApiRequest) -> HandlerReply:
    """GET /knowledge-bases/{kb_id}/sources/{source_id}"""
    return HandlerReply(data=_present_source(request, _find_source(request)))


def delete_source(request: ApiRequest) -> HandlerReply:
    """DELETE /knowledge-bases/{kb_id}/sources/{source_id}"""
    source = _find_source(request)
    request.world.state.sources.remove(source["id"])
    return HandlerReply(data={"id": source["id"], "deleted": True})


HANDLERS = {
    "list_knowledge_bases": list_knowledge_bases,
    "create_knowledge_base": create_knowledge_base,
    "get_knowledge_base": get_knowledge_base,
    "update_knowledge_base": update_knowledge_base,
    "delete_knowledge_base": delete_knowledge_base,
    "list_kb_sources": list_sources,
    "add_kb_document_source": add_document,
    "add_kb_web_source": add_web,
    "get_kb_source": get_source,
    "delete_kb_source": delete_source,
}


def _find(request: ApiRequest) -> Json:
    base = request.world.state.knowledge_bases.get(request.params["kb_id"])
    if base is None:
        raise problems.not_found("Knowledge base")
    return base


def _find_source(request: ApiRequest) -> Json:
    base = _find(request)
    source = request.world.state.sources.get(request.params["source_id"])
    if source is None or source["kb_id"] != base["id"]:
        raise problems.not_found("Source")
    return source


def _first_document(body: Json) -> Json | None:
    """The document in an older request: `file`, `file_content` with `file_name`, or `content`."""
    match body:
        case {"file": {"data": str() as data, **file}}:
            content, filename = _content(data, "file.data"), file.get("filename")
            content_type = file.get("content_type")
        case {"file_content": str() as data}:
            content, filename, content_type = data.encode(), body.get("file_name"), None
        case {"content": str() as data}:
            content, filename, content_type = data.encode(), None, None
        case _:
            return None
    name = filename if isinstance(filename, str) and filename else "content.txt"
    kind = content_type if isinstance(content_type, str) else "text/plain"
    return {"name": name, "description": None, "filename": name, "content_type": kind, "content": content}


def _content(data: str, field: str) -> bytes:
    content = values.decoded(data, field)
    if len(content) > sources.MAX_BYTES:
        raise problems.invalid(field, "must be at most 50 MB")
    return content


def _put_document(
    request: ApiRequest,
    base: Json,
    *,
    name: str,
    description: str | None,
    filename: str,
    content_type: str,
    content: bytes,
) -> Json:
    return _put_source(
        request,
        base,
        kind="document",
        name=name,
        description=description,
        filename=filename,
        content_type=content_type,
        size_bytes=len(content),
        fault=sources.document_fault(content_type, content),
    )


def _put_source(request: ApiRequest, base: Json, **members: Any) -> Json:
    state = request.world.state
    source: Json = {
        "id": state.ids.new("source"),
        "kb_id": base["id"],
        **members,
        "processed_at": request.now + sources.PROCESSING_SECONDS,
        "created_at": request.now,
    }
    state.sources.put(source["id"], source)
    return source


def _present(request: ApiRequest, base: Json) -> Json:
    wire, now = request.world.wire, request.now
    own = list(request.world.state.sources.of(base["id"]))
    return {
        "id": base["id"],
        "name": base["name"],
        "description": base["description"],
        "status": sources.knowledge_base_status(own, now),
        "source_count": len(own),
        "chunk_count": sum(sources.chunks(source, now) for source in own),
        "embedding_model": _EMBEDDING_MODEL,
        "created_at": wire.time(base["created_at"]),
        "updated_at": wire.time(base["updated_at"]),
    }


def _present_source(request: ApiRequest, source: Json) -> Json:
    wire, now = request.world.wire, request.now
    status = sources.source_status(source, now)
    shown = {name: value for name, value in source.items() if name not in ("processed_at", "fault")}
    return shown | {
        "status": status,
        "error": source["fault"] if status == "failed" else None,
        "created_at": wire.time(source["created_at"]),
        "updated_at": wire.time(source["processed_at"] if status != "processing" else source["created_at"]),
    }
