from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def test_two_voices_are_there_without_pages(sandbox: Sandbox, api: Any) -> None:
    body = (await api("GET", "/voices")).json()
    assert [voice["id"] for voice in body["data"]] == [voice.id for voice in sandbox.voices]
    assert len(body["data"]) == 2
    assert "pagination" not in body
    assert {(voice["status"], voice["type"]) for voice in body["data"]} == {("active", "reference")}


async def test_one_voice(sandbox: Sandbox, api: Any) -> None:
    voice = sandbox.voices[1]
    assert (await api("GET", f"/voices/{voice.id}")).json()["data"]["name"] == voice.name
    assert (await api("GET", "/voices/nobody")).status_code == 404
