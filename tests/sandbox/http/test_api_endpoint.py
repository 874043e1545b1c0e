"""What every request meets, whatever its path."""

from __future__ import annotations

import logging
import uuid
from datetime import datetime
from typing import Any

import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.http.problems import PAYMENT_REASONS

pytestmark = pytest.mark.asyncio


async def test_each_answer_carries_its_request_id_and_the_servers_time(sandbox: Sandbox, api: Any) -> None:
    answers = [await api("GET", "/agents"), await api("GET", "/agents/none"), await api("GET", "/nowhere")]
    for answer in answers:
        meta = answer.json()["meta"]
        assert uuid.UUID(meta["request_id"])
        assert answer.headers["x-request-id"] == meta["request_id"]
        assert datetime.fromisoformat(meta["ts"]).timestamp() == sandbox.clock.time()
        assert answer.headers["date"] == "Sun, 15 Jun 2025 15:07:00 GMT"
        assert answer.headers["content-type"] == "application/json"
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Bearer wr\u00f6ng", "Basic abc", "Bearer  "])
async def test_401(sandbox: Sandbox, api: Any, header: str) -> None:
    answer = await api("GET", "/agents", headers={"Authorization": header.encode("latin-1")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.json()["error"]["details"] == {}


async def test_keys_come_and_go(sandbox: Sandbox, api: Any) -> None:
    other = sandbox.new_api_key()
    assert other.startswith("truedy_sandbox_")
    assert other != sandbox.api_key
    with_other = {"Authorization": f"bearer {other}"}
    assert (await api("GET", "/agents", headers=with_other)).status_code == 200
    sandbox.revoke_api_key(other)
    assert (await api("GET", "/agents", headers=with_other)).status_code == 401
    assert (await api("GET", "/agents")).status_code == 200


async def test_each_sandbox_has_its_own_key(sandbox: Sandbox) -> None:
    assert Sandbox().api_key != sandbox.api_key


@pytest.mark.parametrize("reason", PAYMENT_REASONS)
async def test_402_for_all_reasons(sandbox: Sandbox, api: Any, reason: Any) -> None:
    agent = await api.agent()
    sandbox.payment_required = reason
    creates = [
        await api("POST", "/agents", {"name": "x", "voice_id": sandbox.voices[0].id, "system_prompt": "x"}),
        await api("POST", "/calls", {"agent_id": agent["id"], "phone_number": "+14155550100"}),
    ]
    for answer in creates:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["details"]["reason"]) == (402, "payment_required", reason)
        if reason == "insufficient_credits":
            assert error["details"]["balance"] < error["details"]["required"]
        else:
            assert error["details"]["redirect_url"].startswith("https://")
    assert (await api("GET", "/agents")).status_code == 200
    sandbox.payment_required = None
    await api.call()
    assert len(sandbox.placed_calls) == 1


async def test_unknown_reasons_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="trial_expired"):
        sandbox.payment_required = "broke"  # type: ignore[assignment]
    assert sandbox.payment_required is None


async def test_unknown_paths_and_methods(api: Any) -> None:
    for path in ("/nowhere", "/agents/a/b", "/agents/", "/calls/x/transcript/y"):
        answer = await api("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    refused = await api("PUT", "/agents", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method_not_allowed")
    assert refused.headers["allow"] == "GET, POST"


async def test_a_fault_of_the_sandbox_itself_is_a_documented_500_and_logged(
    sandbox: Sandbox, api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("trudy.sandbox.routes.agents.slice_of", broken)
    with caplog.at_level(logging.ERROR, "trudy.sandbox"):
        answer = await api("GET", "/agents")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "ZeroDivisionError" in caplog.text
