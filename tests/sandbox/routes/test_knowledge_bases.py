from __future__ import annotations

import base64
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.domain import sources

pytestmark = pytest.mark.asyncio


async def create(api: Any, **body: Any) -> dict[str, Any]:
    answer = await api("POST", "/knowledge-bases", {"name": "Prices"} | body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def document(content: bytes = b"hello", content_type: str = "text/plain", **members: Any) -> dict[str, Any]:
    file = {"filename": "a.txt", "content_type": content_type, "data": base64.b64encode(content).decode()}
    return {"name": "Doc", "file": file} | members


async def add(api: Any, base: dict[str, Any], kind: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api("POST", f"/knowledge-bases/{base['id']}/sources/{kind}", body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def get(api: Any, base: dict[str, Any]) -> dict[str, Any]:
    return (await api("GET", f"/knowledge-bases/{base['id']}")).json()["data"]


async def test_an_empty_one_is_ready_and_its_sources_are_processed(sandbox: Sandbox, api: Any) -> None:
    base = await create(api, description="All of them")
    assert (base["status"], base["source_count"], base["chunk_count"]) == ("ready", 0, 0)
    first = await add(api, base, "document", document(b"x" * 1500, description="d"))
    second = await add(api, base, "web", {"name": "Site", "urls": ["https://a.test/x"]})
    assert (first["kind"], first["status"], first["filename"], first["size_bytes"]) == (
        "document",
        "processing",
        "a.txt",
        1500,
    )
    assert (second["kind"], second["urls"], second["kb_id"]) == ("web", ["https://a.test/x"], base["id"])
    assert ((await get(api, base))["status"], (await get(api, base))["chunk_count"]) == ("processing", 0)
    sandbox.advance(seconds=sources.PROCESSING_SECONDS)
    ready = await get(api, base)
    assert (ready["status"], ready["source_count"], ready["chunk_count"]) == ("ready", 2, 6)
    path = f"/knowledge-bases/{base['id']}/sources"
    listed = (await api("GET", path)).json()
    assert [row["id"] for row in listed["data"]] == [first["id"], second["id"]]
    assert "pagination" not in listed
    one = (await api("GET", f"{path}/{first['id']}")).json()["data"]
    assert one == first | {"status": "ready", "updated_at": "2025-06-15T15:07:05.000000Z"}
    assert (await api("DELETE", f"{path}/{first['id']}")).json()["data"] == {"id": first["id"], "deleted": True}
    assert (await get(api, base))["source_count"] == 1


async def test_what_cannot_be_read_fails(sandbox: Sandbox, api: Any) -> None:
    base = await create(api)
    bad = await add(api, base, "document", document(b"no pdf", "application/pdf"))
    sandbox.advance(seconds=5)
    shown = (await api("GET", f"/knowledge-bases/{base['id']}/sources/{bad['id']}")).json()["data"]
    assert (shown["status"], shown["error"]) == ("failed", "the document is not what its content type says")
    assert (await get(api, base))["status"] == "failed"
    await add(api, base, "web", {"name": "x", "urls": ["https://a.invalid"]})
    await add(api, base, "document", document())
    sandbox.advance(seconds=5)
    assert ((await get(api, base))["status"], (await get(api, base))["chunk_count"]) == ("ready", 1)


@pytest.mark.parametrize(
    "body",
    [
        {"file_content": "hello", "file_name": "a.txt"},
        {"content": "hello"},
        {"file": {"filename": "a.txt", "data": "aGVsbG8=", "content_type": "text/plain"}},
        {"file": {"data": "aGVsbG8="}},
    ],
)
async def test_creates_in_the_older_form_hold_a_document(sandbox: Sandbox, api: Any, body: dict[str, Any]) -> None:
    base = await create(api, **body)
    assert (base["status"], base["source_count"]) == ("processing", 1)
    sandbox.advance(seconds=5)
    assert ((await get(api, base))["status"], (await get(api, base))["chunk_count"]) == ("ready", 1)


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("document", {}, "name"),
        ("document", {"name": "x"}, "file"),
        ("document", {"name": "x", "file": {}}, "file.filename"),
        ("document", document(content_type="image/png"), "file.content_type"),
        ("document", document() | {"file": document()["file"] | {"data": "?"}}, "file.data"),
        ("document", document() | {"file": document()["file"] | {"data": "\u00e4"}}, "file.data"),
        ("web", {"name": "x", "urls": []}, "urls"),
        ("web", {"name": "x", "urls": ["a.test"]}, "urls.0"),
        ("web", {"name": "", "urls": ["https://a.test"]}, "name"),
    ],
)
async def test_refused_sources(api: Any, kind: str, body: dict[str, Any], field: str) -> None:
    base = await create(api)
    answer = await api("POST", f"/knowledge-bases/{base['id']}/sources/{kind}", body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    assert (await get(api, base))["source_count"] == 0


async def test_fifty_megabytes_are_the_most(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sources.MAX_BYTES == 50 * 1024 * 1024
    monkeypatch.setattr(sources, "MAX_BYTES", 5)
    base = await create(api)
    await add(api, base, "document", document(b"12345"))
    answer = await api("POST", f"/knowledge-bases/{base['id']}/sources/document", document(b"123456"))
    assert (answer.status_code, answer.json()["error"]["details"]["reason"]) == (422, "must be at most 50 MB")


async def test_update_and_delete(sandbox: Sandbox, api: Any) -> None:
    base = await create(api, description="d")
    source = await add(api, base, "document", document())
    sandbox.advance(seconds=5)
    path = f"/knowledge-bases/{base['id']}"
    changed = (await api("PATCH", path, {"name": "New", "description": None})).json()["data"]
    assert (changed["name"], changed["description"], changed["updated_at"]) == (
        "New",
        None,
        "2025-06-15T15:07:05.000000Z",
    )
    assert (await api("PATCH", path, {"name": None})).json()["data"]["name"] == "New"
    agent = await api.agent(knowledge_bases=[base["id"]])
    assert agent["knowledge_base_ids"] == [base["id"]]
    assert (await api("DELETE", path)).json()["data"] == {"id": base["id"], "deleted": True}
    assert (await api("GET", f"/agents/{agent['id']}")).json()["data"]["knowledge_bases"] == []
    assert not len(sandbox.world.state.sources)
    for method, below, body in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("GET", "/sources", None),
        ("GET", f"/sources/{source['id']}", None),
        ("POST", "/sources/document", document()),
        ("POST", "/sources/web", {"name": "x", "urls": ["https://a.test"]}),
    ):
        answer = await api(method, path + below, body)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Knowledge base not found")


async def test_a_source_belongs_to_one(api: Any) -> None:
    mine, other = await create(api), await create(api)
    source = await add(api, mine, "document", document())
    for method in ("GET", "DELETE"):
        answer = await api(method, f"/knowledge-bases/{other['id']}/sources/{source['id']}")
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Source not found")


async def test_lists_and_refusals(sandbox: Sandbox, api: Any) -> None:
    for name in ("Prices", "Hours", "Old prices"):
        await create(api, name=name)

    async def names(query: str) -> list[str]:
        return [base["name"] for base in (await api("GET", f"/knowledge-bases?{query}")).json()["data"]]

    assert await names("") == ["Old prices", "Hours", "Prices"]
    assert await names("name=PRICE") == ["Old prices", "Prices"]
    assert await names("limit=1&offset=2") == ["Prices"]
    for body, field in (({}, "name"), ({"name": "x" * 256}, "name"), ({"name": "x", "description": 1}, "description")):
        answer = await api("POST", "/knowledge-bases", body)
        assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    sandbox.payment_required = "trial_expired"
    assert (await api("POST", "/knowledge-bases", {"name": "x"})).status_code == 402


async def test_an_agent_may_only_name_one_that_is_there(sandbox: Sandbox, api: Any) -> None:
    body = {"name": "Ada", "voice_id": sandbox.voices[0].id, "system_prompt": "x", "knowledge_bases": ["none"]}
    answer = await api("POST", "/agents", body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Knowledge base not found")
