"""`/_sandbox/`: for a person, and for tests in other languages."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.asyncio
ROOT = "http://sandbox.localhost/_sandbox"


@pytest.fixture
def control(sandbox: Sandbox) -> Any:
    async def control(method: str, path: str, json: Any = None, *, token: str | None = None, **extra: Any) -> Any:
        key = {"Authorization": f"Bearer {sandbox.control_token if token is None else token}"}
        async with sandbox.http_client() as client:
            return await client.request(method, ROOT + path, json=json, headers=key, **extra)

    return control


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/state"), ("GET", "/requests"), ("POST", "/clock"), ("GET", "/faults"), ("POST", "/webhooks")],
)
@pytest.mark.parametrize("token", ["", "control_wrong", "é", "API"])
async def test_without_the_control_token_everything_is_refused(
    sandbox: Sandbox, control: Any, method: str, path: str, token: str
) -> None:
    presented = sandbox.api_key if token == "API" else token
    async with sandbox.http_client() as client:
        header = {"Authorization": b"Bearer " + presented.encode()} if presented else {}
        answer = await client.request(method, ROOT + path, json={"advance": 60}, headers=header)
    assert answer.status_code == 401
    assert sandbox.clock.monotonic() == 0


async def test_the_token_opens_nothing_else(sandbox: Sandbox, api: Any) -> None:
    answer = await api("GET", "/agents", headers={"Authorization": f"Bearer {sandbox.control_token}"})
    assert answer.status_code == 401


async def test_the_clock(sandbox: Sandbox, control: Any) -> None:
    answer = await control("POST", "/clock", {"advance": 90.5})
    assert answer.json() == {"now": "2025-06-15T15:08:30.500Z", "elapsed": 90.5, "speed": 0}
    assert (await control("GET", "/clock")).json() == answer.json()
    assert (await control("POST", "/clock", {"speed": 60})).json()["speed"] == 60
    assert sandbox.clock.speed == 60


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": "1"},
        {"advance": True},
        {"speed": -1},
        {"jump": 1},
        [1],
        {"advance": 1e15},
        {"advance": 10**400},
        {"speed": 1e300},
    ],
)
async def test_nonsense_about_the_clock(sandbox: Sandbox, control: Any, body: Any) -> None:
    answer = await control("POST", "/clock", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert sandbox.clock.monotonic() == 0


async def test_faults_come_and_go(sandbox: Sandbox, api: Any, control: Any) -> None:
    rule = (await control("POST", "/faults", {"path": "/agents", "nth": 2, "status": 503})).json()
    assert rule == {"id": 1, "path": "/agents", "nth": 2, "status": 503, "remaining": None, "seen": 0, "hits": 0}
    assert (await control("GET", "/faults")).json() == [rule]
    assert [(await api("GET", "/agents")).status_code for _ in range(3)] == [200, 503, 200]
    assert (await control("GET", "/faults")).json() == []
    kept = (await control("POST", "/faults", {"status": 500})).json()
    assert (await control("DELETE", f"/faults/{kept['id']}")).status_code == 200
    assert (await control("DELETE", f"/faults/{kept['id']}")).status_code == 404
    await control("POST", "/faults", {"status": 500})
    assert (await control("DELETE", "/faults")).json() == []
    assert (await api("GET", "/agents")).status_code == 200


async def test_a_fault_that_makes_no_sense(control: Any) -> None:
    answer = await control("POST", "/faults", {"statis": 500})
    assert answer.status_code == 400
    assert "there is no 'statis'" in answer.json()["error"]["message"]
    assert (await control("POST", "/faults", None, content=b"{")).status_code == 400
    for described in ({}, {"path": "/agents"}, {"status": 500.5}, {"status": 500, "path": "/api/public/v1/agents"}):
        assert (await control("POST", "/faults", described)).status_code == 400
    not_a_number = b'{"status": 500, "details": {"a": NaN}}'
    assert (await control("POST", "/faults", None, content=not_a_number)).status_code == 400


async def test_a_method_may_be_written_small(api: Any, control: Any) -> None:
    rule = (await control("POST", "/faults", {"method": "get", "status": 503, "details": None})).json()
    assert (rule["method"], rule["status"]) == ("GET", 503)
    assert (await api("GET", "/agents")).status_code == 503


async def test_receivers(sandbox: Sandbox, control: Any) -> None:
    added = await control("POST", "/webhooks", {"url": "http://127.0.0.1:9/", "events": ["call.ended"], "tries": 2})
    assert added.json() == {"id": 0, "url": "http://127.0.0.1:9/", "events": ["call.ended"]}
    assert (await control("GET", "/webhooks")).json() == [added.json()]
    assert sandbox.webhooks.receivers[0].tries == 2


@pytest.mark.parametrize(
    "members",
    [
        {"url": 1},
        {"url": "ftp://x"},
        {"url": "http://x", "x": 1},
        {"url": "http://x", "secret": 1},
        {"url": "http://x", "secret": ""},
        {"url": "http://x", "delay": "1"},
        {"url": "http://x", "events": 3},
        {"url": "http://x", "events": [["call.ended"]]},
        {"url": "http://[::1"},
        {"url": "http://"},
        {"url": ""},
        {"url": "http://x", "backoff": [1]},
        {"url": "http://x", "loss": True},
        {"url": "http://x", "delay": None},
        {"url": "http://x", "tries": 1.5},
    ],
)
async def test_nonsense_about_receivers(sandbox: Sandbox, control: Any, members: Any) -> None:
    answer = await control("POST", "/webhooks", members)
    assert answer.status_code == 400
    assert not re.search(r"supported|object|attribute", answer.json()["error"]["message"])
    assert sandbox.webhooks.receivers == ()


async def test_no_number_and_no_secret_is_shown(sandbox: Sandbox, api: Any, control: Any) -> None:
    await api.call("+14155550100", variables={"note": "call +14155550177 or whsec_abcdefgh"})
    body = {"phone_number": "+14155550101", "provider_type": "twilio", "auth_token": "hush-hush", "account_sid": "AC1"}
    await api("POST", "/telephony/numbers/import", body)
    await api("GET", "/contacts?search=%2B14155550155")
    shown = await control("GET", "/state")
    for secret in ("14155550100", "14155550177", "14155550155", "whsec_abcd", "hush-hush", sandbox.api_key):
        assert secret not in shown.text
    assert sandbox.control_token not in shown.text
    bodies = [request["body"] for request in shown.json()["requests"]]
    assert any("+1415***0100" in body for body in bodies)
    assert any('"auth_token": "***"' in body and '"AC1"' in body for body in bodies)


async def test_the_state(sandbox: Sandbox, api: Any, control: Any) -> None:
    await api.call("+14155550100")
    sandbox.webhooks.add("http://127.0.0.1:9/")
    sandbox.faults.add(path="/never", status=500)
    sandbox.advance(seconds=7)
    state = (await control("GET", "/state?limit=2")).json()
    assert state["clock"] == {"now": "2025-06-15T15:07:07.000Z", "elapsed": 7.0, "speed": 0}
    assert state["counts"] == {"agents": 1, "calls": 1, "campaigns": 0, "requests": 3, "deliveries": 0}
    (call,) = state["calls"]
    assert (call["to"], call["status"], call["agent"], call["ended_at"]) == ("+1415***0100", "in_progress", "Ada", None)
    assert [(one["method"], one["path"], one["status"]) for one in state["requests"]] == [
        ("POST", "/calls", 201),
        ("POST", "/agents", 201),
    ]
    assert [rule["path"] for rule in state["faults"]] == ["/never"]
    assert [one["url"] for one in state["receivers"]] == ["http://127.0.0.1:9/"]
    assert state["rate_limit"] == {"limit": None, "window": 60.0, "used": 3, "refused": 0}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
async def test_a_limit_out_of_range(control: Any, limit: str) -> None:
    assert (await control("GET", f"/requests?limit={limit}")).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/clock", 405), ("GET", "/nowhere", 404), ("GET", "/clock/x", 404), ("POST", "/", 405)],
)
async def test_what_is_not_there(control: Any, method: str, path: str, status: int) -> None:
    assert (await control(method, path)).status_code == status


async def test_the_page_is_open_and_shows_nothing_by_itself(sandbox: Sandbox) -> None:
    async with sandbox.http_client() as client:
        answers = [await client.get(ROOT + path) for path in ("", "/")]
    for answer in answers:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert sandbox.control_token not in answer.text
        assert sandbox.api_key not in answer.text


async def test_it_is_not_on_the_recordings_origin(sandbox: Sandbox) -> None:
    async with sandbox.http_client() as client:
        answer = await client.get("http://recordings.sandbox.localhost/_sandbox/")
    assert answer.status_code == 404


async def test_over_a_socket() -> None:
    sandbox = Sandbox(speed=0)
    with sandbox.serve() as server:
        environment = server.environment
        assert server.inspector_url == f"{server.control_url}/#{sandbox.control_token}"
        key = {"Authorization": f"Bearer {environment['TRUDY_SANDBOX_CONTROL_TOKEN']}"}
        url = environment["TRUDY_SANDBOX_CONTROL_URL"]
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{url}/clock", json={"advance": 5}, headers=key)
    assert answer.json()["elapsed"] == 5.0
