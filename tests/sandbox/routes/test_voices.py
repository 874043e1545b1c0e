from __future__ import annotations

import base64
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.domain.voices import TRAINING_SECONDS

pytestmark = pytest.mark.asyncio


def recording(filename: str = "me.wav", content: bytes = b"RIFF") -> dict[str, str]:
    return {"filename": filename, "data": base64.b64encode(content).decode(), "content_type": "audio/wav"}


async def clone(api: Any, *files: dict[str, str], name: str = "Me") -> dict[str, Any]:
    answer = await api("POST", "/voices/clone", {"name": name, "files": list(files) or [recording()]})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_two_voices_are_there_without_pages(sandbox: Sandbox, api: Any) -> None:
    body = (await api("GET", "/voices")).json()
    assert [voice["id"] for voice in body["data"]] == [voice.id for voice in sandbox.voices]
    assert len(body["data"]) == 2
    assert "pagination" not in body
    assert {(voice["status"], voice["type"]) for voice in body["data"]} == {("active", "reference")}


async def test_one_voice(sandbox: Sandbox, api: Any) -> None:
    voice = sandbox.voices[1]
    assert (await api("GET", f"/voices/{voice.id}")).json()["data"]["name"] == voice.name
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        assert (await api(method, "/voices/nobody", body)).status_code == 404


async def test_an_imported_voice_can_be_used_at_once(sandbox: Sandbox, api: Any) -> None:
    voice = (await api("POST", "/voices", {"name": "Eleven", "provider_voice_id": "p1"})).json()["data"]
    assert (voice["provider"], voice["type"], voice["status"]) == ("elevenlabs", "reference", "active")
    assert voice["provider_voice_id"] == "p1"
    assert (await api.agent(voice_id=voice["id"]))["voice_name"] == "Eleven"
    assert [row["name"] for row in (await api("GET", "/voices")).json()["data"]] == ["Ava", "Noah", "Eleven"]
    assert [row.name for row in sandbox.voices] == ["Ava", "Noah", "Eleven"]


async def test_a_clone_is_trained_for_a_while(sandbox: Sandbox, api: Any) -> None:
    voice = await clone(api)
    assert (voice["status"], voice["type"]) == ("training", "custom")
    body = {"name": "Ada", "voice_id": voice["id"], "system_prompt": "x"}
    answer = await api("POST", "/agents", body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "voice_id")
    assert voice["id"] not in {row.id for row in sandbox.voices}
    sandbox.advance(seconds=TRAINING_SECONDS)
    trained = (await api("GET", f"/voices/{voice['id']}")).json()["data"]
    assert trained == voice | {"status": "active", "updated_at": "2025-06-15T15:08:00.000000Z"}
    assert (await api("POST", "/agents", body)).status_code == 201


async def test_a_training_may_fail(sandbox: Sandbox, api: Any) -> None:
    voice = await clone(api, recording("fail-me.wav"))
    assert voice["status"] == "training"
    sandbox.advance(seconds=TRAINING_SECONDS)
    assert (await api("GET", f"/voices/{voice['id']}")).json()["data"]["status"] == "failed"
    agent = await api.agent()
    answer = await api("PUT", f"/agents/{agent['id']}", {"voice_id": voice["id"]})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, "voice_id")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/voices", {}, "name"),
        ("/voices", {"name": "x"}, "provider_voice_id"),
        ("/voices", {"name": "", "provider_voice_id": "p"}, "name"),
        ("/voices/clone", {"name": "x"}, "files"),
        ("/voices/clone", {"name": "x", "files": []}, "files"),
        ("/voices/clone", {"name": "x" * 101, "files": [recording()]}, "name"),
        ("/voices/clone", {"name": "x", "files": [{"data": "eA=="}]}, "files.0.filename"),
        ("/voices/clone", {"name": "x", "files": [recording(), recording() | {"data": "?"}]}, "files.1.data"),
        ("/voices/clone", {"name": "x", "files": [recording(content=b"")]}, "files.0.data"),
    ],
)
async def test_what_is_refused(api: Any, path: str, body: dict[str, Any], field: str) -> None:
    answer = await api("POST", path, body)
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (422, field)
    assert len((await api("GET", "/voices")).json()["data"]) == 2


async def test_cloning_costs(sandbox: Sandbox, api: Any) -> None:
    sandbox.payment_required = "subscription_inactive"
    answer = await api("POST", "/voices/clone", {"name": "x", "files": [recording()]})
    assert answer.status_code == 402


async def test_update_and_delete(sandbox: Sandbox, api: Any) -> None:
    voice = await clone(api)
    path = f"/voices/{voice['id']}"
    changed = (await api("PATCH", path, {"name": "You", "description": "d"})).json()["data"]
    assert changed == voice | {"name": "You", "description": "d"}
    assert (await api("PATCH", path, {"name": None, "description": None})).json()["data"] == voice | {"name": "You"}
    assert (await api("PATCH", path, {"description": "x" * 501})).status_code == 422
    sandbox.advance(minutes=2)
    agent = await api.agent(voice_id=voice["id"])
    assert (await api("DELETE", path)).json()["data"] == {"id": voice["id"], "deleted": True}
    assert (await api("GET", f"/agents/{agent['id']}")).json()["data"]["voice_name"] is None
