from __future__ import annotations

from typing import Any

import httpx
import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio


async def total(api: Any) -> int:
    return (await api("GET", "/agents")).json()["pagination"]["total"]


async def create(sandbox: Sandbox, api: Any, **options: Any) -> httpx.Response:
    return await api(
        "POST", "/agents", {"name": "x", "voice_id": sandbox.voices[0].id, "system_prompt": "x"}, **options
    )


async def test_a_status_in_place_of_the_answer(sandbox: Sandbox, api: Any) -> None:
    rule = sandbox.fail_next(method="POST", path="/agents", status=502, times=2, details={"httpStatus": 400})
    assert (await api("GET", "/agents")).status_code == 200
    for _ in range(2):
        answer = await create(sandbox, api)
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_error")
        assert answer.json()["error"]["details"] == {"httpStatus": 400}
    assert (rule.hits, rule.remaining) == (2, 0)
    assert await total(api) == 0
    assert (await create(sandbox, api)).status_code == 201


async def test_a_status_after_the_effect(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(status=500, effect=True, code="oops", message="Oh")
    answer = await create(sandbox, api)
    assert answer.json()["error"] == {"code": "oops", "message": "Oh", "details": {}}
    assert await total(api) == 1


async def test_bodies_and_headers(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(status=503, body="<html>", headers={"Content-Type": "text/html", "Retry-After": "7"})
    answer = await create(sandbox, api)
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (503, "<html>", "text/html")
    assert answer.headers["retry-after"] == "7"
    sandbox.fail_next(body={"detail": "x"})
    answer = await create(sandbox, api)
    assert (answer.status_code, answer.json()) == (201, {"detail": "x"})
    sandbox.fail_next(body=b"")
    assert (await create(sandbox, api)).content == b""
    sandbox.fail_next(status=307, headers={"Location": "/elsewhere"}, body=b"")
    assert (await create(sandbox, api)).headers["location"] == "/elsewhere"
    assert await total(api) == 2


@pytest.mark.parametrize(("reset", "effects"), [("connect", 0), ("before", 0), ("after", 1)])
async def test_dropped_connections(sandbox: Sandbox, api: Any, reset: Any, effects: int) -> None:
    sandbox.fail_next(reset=reset, path="/agents")
    expected = httpx.ConnectError if reset == "connect" else httpx.ReadError
    with pytest.raises(expected):
        await create(sandbox, api)
    statuses = [request.status for request in sandbox.requests]
    assert statuses == ([] if reset == "connect" else [None])
    assert await total(api) == effects


async def test_half_a_body(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(truncate=True)
    with pytest.raises(httpx.RemoteProtocolError):
        await create(sandbox, api)
    assert await total(api) == 1


async def test_paths_may_hold_a_star_and_rules_keep_their_order(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(path="/agents/*", status=500)
    sandbox.fail_next(status=503)
    assert (await api("GET", "/agents/x")).status_code == 500
    assert (await api("GET", "/calls")).status_code == 503
    assert (await api("GET", "/agents/x")).status_code == 404


async def test_a_fault_waits_for_a_request_that_is_let_in(api_of: Any) -> None:
    sandbox = Sandbox(speed=0, rate_limit=2)
    api = api_of(sandbox)
    rule = sandbox.fail_next(status=500)
    assert (await api("GET", "/agents", headers={"Authorization": "x"})).status_code == 401
    assert rule.hits == 0
    assert (await api("GET", "/agents")).status_code == 500
    sandbox.fail_next(status=500)
    assert (await api("GET", "/agents")).status_code == 429


async def test_a_fault_of_the_test_beats_that_of_the_number(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    sandbox.fail_next(reset="after")
    with pytest.raises(httpx.ReadError):
        await api("POST", "/calls", {"agent_id": agent["id"], "phone_number": "+14155550191"})
    assert len(sandbox.placed_calls) == 1


async def test_a_replay_can_go_wrong_as_well(sandbox: Sandbox, api: Any) -> None:
    key = {"X-Idempotency-Key": "k"}
    first = await create(sandbox, api, headers=key)
    sandbox.fail_next(reset="after")
    with pytest.raises(httpx.ReadError):
        await create(sandbox, api, headers=key)
    assert (await create(sandbox, api, headers=key)).content == first.content


async def test_times_is_checked(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="times"):
        sandbox.fail_next(times=0)
