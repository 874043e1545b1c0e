"""The same over a real socket."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from trudy.sandbox import Sandbox, SandboxServer
from trudy.sandbox.http.server import _PumpingServer


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with Sandbox(speed=0, rate_limit=None).serve() as server:
        yield server


@pytest.fixture
def http(server: SandboxServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {server.sandbox.api_key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, timeout=5) as client:
        yield client


@pytest.fixture
def agent(http: httpx.Client, server: SandboxServer) -> str:
    body = {"name": "Ada", "voice_id": server.sandbox.voices[0].id, "system_prompt": "x"}
    return http.post("/agents", json=body).json()["data"]["id"]


def place(http: httpx.Client, agent: str, number: str, **options: Any) -> httpx.Response:
    return http.post("/calls", json={"agent_id": agent, "phone_number": number}, **options)


def test_a_call_through_all_its_stages(server: SandboxServer, http: httpx.Client, agent: str) -> None:
    sandbox = server.sandbox
    call = place(http, agent, "+14155550100").json()["data"]
    seen = []
    for step in (0, 1, 4, 24, 3):
        sandbox.advance(seconds=step)
        seen.append(http.get(f"/calls/{call['id']}").json()["data"]["status"])
    assert seen == ["queued", "ringing", "in_progress", "completed", "completed"]
    assert http.get(f"/calls/{call['id']}/transcript").json()["data"]["transcript"]
    url = http.get(f"/calls/{call['id']}/recording").json()["data"]["recording_url"]
    assert urlsplit(url).port != urlsplit(server.base_url).port
    audio = httpx.get(url)
    assert (audio.status_code, len(audio.content)) == (200, 24012)
    assert (
        http.get(f"/calls/{call['id']}").json()["data"]["transcript_url"]
        == f"{server.base_url}/calls/{call['id']}/transcript"
    )
    sandbox.assert_no_key_left_the_host()


def test_the_socket_and_the_process_share_one_state(server: SandboxServer, agent: str) -> None:
    async def look() -> int:
        async with server.sandbox.http_client() as client:
            headers = {"Authorization": f"Bearer {server.sandbox.api_key}"}
            return (await client.get(f"{server.sandbox.base_url}/agents/{agent}", headers=headers)).status_code

    assert asyncio.run(look()) == 200


def test_the_date_is_the_sandboxes(server: SandboxServer, http: httpx.Client) -> None:
    answer = http.get("/agents")
    assert len(answer.headers.get_list("date")) == 1
    assert "server" not in answer.headers


def test_reset_after_the_call_was_placed(server: SandboxServer, http: httpx.Client, agent: str) -> None:
    with pytest.raises(httpx.ReadError):
        place(http, agent, "+14155550192")
    assert len(server.sandbox.calls_to("+14155550192")) == 1
    assert http.get("/agents").status_code == 200


def test_the_reset_is_one_on_the_wire(server: SandboxServer, http: httpx.Client) -> None:
    server.sandbox.fail_next(reset="before")
    url = urlsplit(server.base_url)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=5) as connection:
        request = f"GET {url.path}/agents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.sandbox.api_key}\r\n\r\n"
        connection.sendall(request.encode())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_over_a_socket_a_refused_connection_is_a_reset_before_anything_happens(
    server: SandboxServer, http: httpx.Client, agent: str
) -> None:
    rule = server.sandbox.fail_next(path="/calls", reset="connect")
    with pytest.raises(httpx.ReadError):
        place(http, agent, "+13125550104")
    assert (rule.hits, server.sandbox.calls_to("+13125550104")) == (1, [])
    assert place(http, agent, "+13125550104").status_code == 201


def test_half_a_body(server: SandboxServer, http: httpx.Client) -> None:
    server.sandbox.fail_next(truncate=True)
    with http.stream("GET", "/agents") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
            answer.read()
    assert http.get("/agents").status_code == 200


def test_a_hang_ends_when_the_clock_says_so(server: SandboxServer, http: httpx.Client, agent: str) -> None:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(place(http, agent, "+14155550193").status_code))
    thread.start()
    server.sandbox.clock.wait_for_sleepers()
    assert len(server.sandbox.calls_to("+14155550193")) == 1
    server.sandbox.advance(seconds=30)
    thread.join(5)
    assert answers == [201]


def test_a_client_that_hangs_up_leaves_no_sleeper(server: SandboxServer, http: httpx.Client) -> None:
    server.sandbox.fail_next(delay=3600)
    with pytest.raises(httpx.ReadTimeout):
        http.get("/agents", timeout=httpx.Timeout(5, read=0.05))
    server.sandbox.clock.wait_for_sleepers(0)
    assert http.get("/agents").status_code == 200


def test_a_dripping_body_is_whole(server: SandboxServer, http: httpx.Client, agent: str) -> None:
    server.sandbox.fail_next(drip=5)
    bodies: list[Any] = []
    thread = threading.Thread(target=lambda: bodies.append(http.get(f"/agents/{agent}").json()))
    thread.start()
    for _ in range(7):
        server.sandbox.clock.wait_for_sleepers()
        server.sandbox.advance(seconds=5)
    thread.join(5)
    assert bodies[0]["data"]["id"] == agent


def test_many_threads_at_once(server: SandboxServer, http: httpx.Client, agent: str) -> None:
    numbers = [f"+1212555010{n}" for n in range(10)]
    threads = [threading.Thread(target=place, args=(http, agent, number)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [len(server.sandbox.calls_to(number)) for number in numbers] == [1] * 10


def test_closing_does_not_wait_for_a_hang() -> None:
    sandbox = Sandbox(speed=0)
    sandbox.fail_next(delay=3600)
    ends: list[type[BaseException]] = []

    def hang() -> None:
        try:
            httpx.get(server.base_url + "/agents", headers={"Authorization": f"Bearer {sandbox.api_key}"}, timeout=30)
        except httpx.TransportError as error:
            ends.append(type(error))

    with sandbox.serve() as server:
        thread = threading.Thread(target=hang)
        thread.start()
        sandbox.clock.wait_for_sleepers()
    thread.join(5)
    assert len(ends) == 1
    assert sandbox.clock.sleepers == 0
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_an_address_that_others_reach_is_warned_about() -> None:
    with pytest.warns(UserWarning, match=r"^0\.0\.0\.0 can be reached from other machines") as warned:
        server = Sandbox().serve(host="0.0.0.0")
    server.close()
    assert [warning.filename for warning in warned] == [__file__]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_an_address_of_this_machine_is_not(host: str) -> None:
    with Sandbox().serve(host=host) as server:
        assert host in server.base_url


@pytest.mark.parametrize("count", [1, 8])
def test_closed_before_it_runs_it_closes_accepted_connections(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    real, begun, may_go = _PumpingServer.startup, threading.Event(), threading.Event()

    async def startup(self: _PumpingServer, sockets: list[socket.socket] | None = None) -> None:
        begun.set()
        await asyncio.to_thread(may_go.wait)
        await real(self, sockets)

    monkeypatch.setattr(_PumpingServer, "startup", startup)
    server = Sandbox().serve()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        server.__enter__()
        assert begun.wait(5)
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(count)]
        closing = threading.Thread(target=server.close)
        closing.start()
        may_go.set()
        closing.join(10)
        assert not closing.is_alive()
        for connection in connections:
            with connection, suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        del server
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_a_port_can_be_chosen_and_is_refused_when_taken() -> None:
    sandbox = Sandbox()
    with sandbox.serve() as first:
        with pytest.raises(OSError, match="in use"):
            sandbox.serve(port=first.port)
        with pytest.raises(OSError, match="in use"):
            sandbox.serve(media_port=first.port)


def test_reset_at_counts_real_seconds() -> None:
    sandbox = Sandbox(speed=60, rate_limit=1, window=86_400)
    with sandbox.serve() as server:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        httpx.get(server.base_url + "/agents", headers=headers)
        body = httpx.get(server.base_url + "/agents", headers=headers).json()
    told, now = (datetime.fromisoformat(text) for text in (body["error"]["details"]["reset_at"], body["meta"]["ts"]))
    left = sandbox.world.limiter.ends_at(now.timestamp()) - now.timestamp()
    assert (told - now).total_seconds() == pytest.approx(left / 60, abs=0.001)


def test_answers_are_not_held_back_for_an_acknowledgement(server: SandboxServer, http: httpx.Client) -> None:
    server.sandbox.fail_next(delay=1)
    thread = threading.Thread(target=lambda: http.get("/agents"))
    thread.start()
    server.sandbox.clock.wait_for_sleepers()
    connections = [connection.get_extra_info("socket") for connection in server._connections.values()]
    nodelay = [connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for connection in connections]
    server.sandbox.advance(seconds=1)
    thread.join(5)
    assert nodelay
    assert all(nodelay)


def test_ctrl_c_while_the_loop_is_made_leaves_no_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> asyncio.AbstractEventLoop:
        raise KeyboardInterrupt

    server = Sandbox().serve()
    with monkeypatch.context() as changed, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        changed.setattr(asyncio.events, "new_event_loop", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.run()
    server.close()
    assert [str(one.message) for one in caught] == []
