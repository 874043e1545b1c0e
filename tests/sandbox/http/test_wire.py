"""The quirks: behaviours of real servers that no page documents."""

from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox import QUIRKS, Sandbox

pytestmark = pytest.mark.asyncio
NOON = 1_750_000_020.0


@pytest.fixture
def quirky(api_of: Any) -> Any:
    return lambda *names, **options: api_of(Sandbox(speed=0, start=NOON, quirks=names, **options))


async def test_naive_timestamps(quirky: Any) -> None:
    api = quirky("naive_timestamps")
    agent = await api.agent()
    assert agent["created_at"] == "2025-06-15T15:07:00.000000"
    assert (await api("GET", "/agents")).json()["meta"]["ts"] == "2025-06-15T15:07:00.000000"


async def test_error_early_form(quirky: Any) -> None:
    answer = await quirky("error_early_form")("GET", "/agents/x")
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details", "request_id", "ts"}
    assert body["error"]["request_id"] == answer.headers["x-request-id"]


async def test_fastapi_detail(quirky: Any) -> None:
    api = quirky("fastapi_detail")
    assert (await api("GET", "/nowhere")).json() == {"detail": "Not Found"}
    assert (await api("PUT", "/calls")).json() == {"detail": "Method Not Allowed"}
    faulty = await api("POST", "/agents", {"name": ""})
    assert (faulty.status_code, faulty.json()) == (
        422,
        {"detail": [{"type": "value_error", "loc": ["body", "name"], "msg": "must not be empty", "input": ""}]},
    )
    page = (await api("GET", "/agents?limit=0")).json()["detail"][0]
    assert page["loc"] == ["query", "limit"]
    missing = await api("POST", "/calls", {"agent_id": "a"})
    assert missing.json()["detail"][0]["type"] == "missing"
    assert (await api("GET", "/agents/x")).json()["error"]["code"] == "not_found"


async def test_sliding_reset_at(quirky: Any) -> None:
    api = quirky("sliding_reset_at", rate_limit=1)
    await api("GET", "/agents")
    for second in ("00", "05"):
        body = (await api("GET", "/agents")).json()
        assert body["error"]["details"]["reset_at"] == f"2025-06-15T15:08:{second}.000000Z"
        api.sandbox.advance(seconds=5)


async def test_string_numbers(quirky: Any) -> None:
    api = quirky("string_numbers")
    agent = await api.agent(temperature=0.5, custom={"list": [1, True, None]})
    assert agent["temperature"] == "0.5"
    assert agent["custom"] == {"list": ["1", True, None]}
    assert agent["recording_enabled"] is False


async def test_unknown_quirks_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown quirk nonsense"):
        Sandbox(quirks={"nonsense"})


async def test_each_quirk_is_explained() -> None:
    assert all(QUIRKS.values())
