"""The connection without a socket, on both kinds of event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from trudy.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def stepping(sandbox: Sandbox, steps: list[float]) -> None:
    """Step the clock each time somebody sleeps on it."""
    for step in steps:
        while not sandbox.clock.sleepers:
            await anyio.lowlevel.checkpoint()
        sandbox.advance(seconds=step)
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(("read", "arrives"), [(None, True), (30.0, True), (29.0, False)])
async def test_a_hang_keeps_to_the_sandbox_clock(sandbox: Sandbox, api: Any, read: float | None, arrives: bool) -> None:
    agent = await api.agent()
    answers: list[int] = []

    async def create() -> None:
        body = {"agent_id": agent["id"], "phone_number": "+14155550193"}
        try:
            answer = await api("POST", "/calls", body, timeout=httpx.Timeout(5, read=read))
        except httpx.ReadTimeout:
            answers.append(0)
        else:
            answers.append(answer.status_code)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(create)
            await stepping(sandbox, [28.0])
            assert (answers, len(sandbox.placed_calls)) == ([], 1)
            sandbox.advance(seconds=2.0)
    assert answers == [201 if arrives else 0]


async def test_a_repeat_during_the_hang_dials_again_and_one_after_it_does_not(sandbox: Sandbox, api: Any) -> None:
    agent = await api.agent()
    body, key = {"agent_id": agent["id"], "phone_number": "+14155550193"}, {"X-Idempotency-Key": "k"}

    async def create() -> None:
        with pytest.raises(httpx.ReadTimeout):
            await api("POST", "/calls", body, headers=key, timeout=10)

    with anyio.fail_after(5):
        for placed in (1, 2):
            async with anyio.create_task_group() as group:
                group.start_soon(create)
                await stepping(sandbox, [10.0])
            assert len(sandbox.placed_calls) == placed
        sandbox.advance(seconds=30)
        assert (await api("POST", "/calls", body, headers=key)).status_code == 201
    assert len(sandbox.placed_calls) == 2


async def test_a_client_with_its_own_clock_times_out_in_real_time(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(delay=3600)
    async with sandbox.http_client(real_time=True) as client:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        with pytest.raises(httpx.ReadTimeout):
            await client.get(sandbox.base_url + "/agents", headers=headers, timeout=0.01)
    assert sandbox.clock.monotonic() == 0


async def test_a_dripping_body_arrives_piece_by_piece(sandbox: Sandbox, api: Any) -> None:
    await api.agent()
    sandbox.fail_next(drip=2.0)
    whole = b""
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    with anyio.fail_after(5):
        async with sandbox.http_client() as client, anyio.create_task_group() as group:
            group.start_soon(stepping, sandbox, [2.0] * 7)
            async with client.stream("GET", sandbox.base_url + "/agents", headers=headers, timeout=5) as answer:
                assert sandbox.clock.monotonic() == 0
                async for piece in answer.aiter_raw():
                    whole += piece
    assert sandbox.clock.monotonic() == 14.0
    assert httpx.Response(200, content=whole).json()["pagination"]["total"] == 1


async def test_a_drip_slower_than_the_read_timeout_fails(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(drip=10.0)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(stepping, sandbox, [5.0])
            with pytest.raises(httpx.ReadTimeout):
                await api("GET", "/agents", timeout=5)


@pytest.mark.parametrize(("reset", "sent"), [(None, True), ("connect", False), ("before", True), ("after", True)])
async def test_it_reports_whether_anything_was_sent(sandbox: Sandbox, api: Any, reset: Any, sent: bool) -> None:
    events: list[str] = []

    async def trace(event: str, info: dict[str, Any]) -> None:
        events.append(event)

    if reset:
        sandbox.fail_next(reset=reset)
    try:
        await api("GET", "/agents", extensions={"trace": trace})
    except httpx.TransportError:
        assert reset
    assert ("http11.send_request_headers.started" in events) is sent


async def test_other_hosts_do_not_exist(sandbox: Sandbox) -> None:
    async with sandbox.http_client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://example.invalid/")


async def test_an_exception_of_the_application_is_a_500(
    sandbox: Sandbox, api: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    async def silent(*_: object) -> None:
        return None

    app: Callable[..., Any]
    for app in (broken, silent):
        monkeypatch.setattr(sandbox, "app", app)
        assert (await api("GET", "/agents")).status_code == 500
    assert "ZeroDivisionError" in caplog.text


async def test_a_cancelled_request_leaves_no_sleeper(sandbox: Sandbox, api: Any) -> None:
    sandbox.fail_next(delay=60)
    async with anyio.create_task_group() as group:
        group.start_soon(api, "GET", "/agents")
        while not sandbox.clock.sleepers:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert sandbox.clock.sleepers == 0


async def test_a_client_does_all_that_httpx_does(sandbox: Sandbox) -> None:
    """Also for a request that could go straight to the sandbox."""
    seen: list[str] = []

    async def note(request: httpx.Request) -> None:
        seen.append(request.method)

    client = sandbox.http_client()
    plain: dict[str, Any] = {"stream": True, "auth": None, "follow_redirects": False}
    request = client.build_request("GET", f"{sandbox.base_url}/agents")
    for options in ({}, plain):
        answer = await client.send(request, **options)
        assert answer.status_code == 401
        assert (await answer.aread()).startswith(b'{"error"')
        assert answer.request is request
    client.event_hooks["request"] = [note]
    await client.send(request, **plain)
    assert seen == ["GET"]
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.send(request, **plain)
