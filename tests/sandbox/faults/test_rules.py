from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from trudy.sandbox import Sandbox
from trudy.sandbox.faults.options import _KINDS, FaultOptions, checked

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
        sandbox.fail_next(status=500, times=0)


async def test_only_the_nth(sandbox: Sandbox, api: Any) -> None:
    rule = sandbox.faults.add(method="GET", path="/agents", nth=3, status=500)
    statuses = [(await api("GET", "/agents")).status_code for _ in range(5)]
    assert statuses == [200, 200, 500, 200, 200]
    assert (rule.seen, rule.hits, len(sandbox.faults)) == (3, 1, 0)


async def test_some_by_chance_the_same_each_time(api_of: Any) -> None:
    async def story(seed: int) -> list[int]:
        sandbox = Sandbox(speed=0, rate_limit=None, seed=seed)
        sandbox.faults.add(probability=0.3, status=500)
        return [(await api_of(sandbox)("GET", "/agents")).status_code for _ in range(100)]

    first = await story(1)
    assert 15 < first.count(500) < 45
    assert await story(1) == first
    assert await story(2) != first


async def test_for_ever_until_removed(sandbox: Sandbox, api: Any) -> None:
    rule = sandbox.faults.add(status=503)
    assert [(await api("GET", "/agents")).status_code for _ in range(3)] == [503] * 3
    sandbox.faults.remove(rule)
    sandbox.faults.remove(rule)
    assert (await api("GET", "/agents")).status_code == 200
    sandbox.faults.add(status=503)
    sandbox.faults.clear()
    assert (await api("GET", "/agents")).status_code == 200


async def test_a_wrong_content_type_and_a_broken_body(sandbox: Sandbox, api: Any) -> None:
    whole = (await api("GET", "/agents")).content
    sandbox.faults.add(times=1, content_type="application/octet-stream", broken=True)
    answer = await api("GET", "/agents")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert int(answer.headers["content-length"]) == len(answer.content) == len(whole) // 2


@pytest.mark.parametrize("path", ["/agents", "/agents/nowhere"])
async def test_a_clock_that_is_off(sandbox: Sandbox, api: Any, path: str) -> None:
    sandbox.faults.add(times=1, skew=-3600)
    answer = await api("GET", path)
    assert answer.json()["meta"]["ts"] == "2025-06-15T14:07:00.000000Z"
    assert answer.headers["date"] == "Sun, 15 Jun 2025 14:07:00 GMT"
    assert (await api("GET", path)).headers["date"] == "Sun, 15 Jun 2025 15:07:00 GMT"


async def test_refusals_go_wrong_as_well(sandbox: Sandbox, api: Any) -> None:
    sandbox.faults.add(times=1, broken=True)
    answer = await api("GET", "/agents/nowhere")
    assert answer.status_code == 404
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    sandbox.faults.add(times=1, status=500, effect=True)
    assert (await api("GET", "/agents/nowhere")).status_code == 500


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"nth": 0, "status": 500}, "nth"),
        ({"times": 0, "status": 500}, "times"),
        ({"probability": 1.5, "status": 500}, "probability"),
        ({"path": "agents", "status": 500}, "path"),
        ({"path": "/api/public/v1/agents", "status": 500}, "path"),
        ({"method": "FETCH", "status": 500}, "method"),
        ({"status": 204, "body": "{}"}, "no body"),
        ({"status": 304, "truncate": True}, "no body"),
        ({}, "what goes wrong"),
        ({"method": "GET", "nth": 2, "effect": True, "delay": 0.0, "message": "Oh"}, "what goes wrong"),
        ({"status": 99}, "status"),
        ({"reset": "soon"}, "reset"),
        ({"delay": -1}, "delay"),
        ({"drip": float("inf")}, "drip"),
        ({"skew": float("nan")}, "skew"),
    ],
)
async def test_nonsense_is_refused(sandbox: Sandbox, options: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        sandbox.faults.add(**options)
    assert len(sandbox.faults) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statis": 500}, "there is no 'statis'; there are method, path,"),
        ({"status": "500"}, "status must be a whole number"),
        ({"status": 500, "nth": 1.5}, "nth must be a whole number"),
        ({"status": 500, "times": True}, "times must be a whole number"),
        ({"status": 500, "method": b"GET"}, "method must be text"),
        ({"status": 500, "details": [1]}, "details must be a table"),
        ({"delay": "5"}, "delay must be a number of seconds"),
        ({"truncate": 1}, "truncate must be true or false"),
        ({"body": 5}, "body must be text or a table"),
        ({"headers": {"X-A": 1}}, "headers must be a table of texts"),
    ],
)
async def test_what_is_of_another_kind_is_refused(sandbox: Sandbox, options: Any, message: str) -> None:
    for add in (sandbox.faults.add, sandbox.fail_next):
        with pytest.raises(TypeError, match=re.escape(message)):
            add(**options)
    assert len(sandbox.faults) == 0


async def test_an_option_that_is_none_counts_as_left_out(sandbox: Sandbox) -> None:
    none = dict.fromkeys(FaultOptions.__annotations__)
    rules = [sandbox.fail_next(**{**none, "status": 500}), sandbox.fail_next(status=500)]  # type: ignore[typeddict-item]
    assert rules[0].fault == rules[1].fault
    assert [(rule.method, rule.path, rule.nth, rule.probability, rule.remaining) for rule in rules] == [
        (None, None, None, None, 1)
    ] * 2


async def test_every_option_has_its_kind() -> None:
    assert list(FaultOptions.__annotations__) == list(_KINDS)
    with pytest.raises(TypeError, match="must be"):
        checked(dict.fromkeys(FaultOptions.__annotations__, object()))


@pytest.mark.parametrize("method", ["get", "Get"])
async def test_methods_may_be_written_small(sandbox: Sandbox, api: Any, method: str) -> None:
    rule = sandbox.fail_next(method=method, path="/agents", status=503)
    assert rule.method == "GET"
    assert (await api("GET", "/agents")).status_code == 503


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("connection", ["in process", "socket"])
async def test_an_answer_without_a_body(sandbox: Sandbox, api: Any, status: int, connection: str) -> None:
    sandbox.fail_next(status=status)
    if connection == "in process":
        answer = await api("GET", "/agents")
    else:
        with sandbox.serve() as server:
            headers = {"Authorization": f"Bearer {sandbox.api_key}"}
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"{server.base_url}/agents", headers=headers)
                assert (await client.get(f"{server.base_url}/agents", headers=headers)).status_code == 200
    assert (answer.status_code, answer.content, "content-length" in answer.headers) == (status, b"", False)


@pytest.mark.parametrize(
    "options",
    [
        {"skew": 1e300},
        {"skew": -2e9},
        {"delay": 1e12},
        {"drip": 10**400},
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"X-A": "\u20ac"}},
        {"headers": {"X-A": " a"}},
        {"headers": {"X-A": "a\n"}},
        {"headers": {"X A": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"content_type": "text/html\r\n"},
        {"status": 500, "details": {"a": {1, 2}}},
        {"status": 500, "details": {"a": float("nan")}},
        {"status": 500, "message": "\ud800"},
        {"status": 500, "body": "\ud800"},
        {"body": {"a": {1, 2}}},
    ],
)
async def test_what_would_break_the_sandbox_itself_is_refused(sandbox: Sandbox, options: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        sandbox.faults.add(**options)
    assert len(sandbox.faults) == 0


async def test_skews_and_headers_at_the_edge_are_served(sandbox: Sandbox, api: Any) -> None:
    for skew in (-1e9, 1e9):
        sandbox.fail_next(skew=skew, headers={"X-A": "\xe4 \t~", "X-Empty": ""})
        answer = await api("GET", "/agents")
        assert (answer.status_code, answer.headers["x-a"], answer.headers["x-empty"]) == (200, "\xe4 \t~", "")
