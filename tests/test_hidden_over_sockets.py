"""No secret in any frame of ours, nor in any object reachable from one, when something breaks on a real socket.

Over sockets, because the libraries' own objects (sessions, connections, parsers) hold requests, and a mock has none.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import anyio
import pytest

import trudy
from tests.fakes.frames import shown_texts
from tests.fakes.loopback import Answer, Close, Held, Loopback, Raw, Reset, Silence, Step
from trudy import AsyncTrudyClient, TrudyClient

KEY: Final = "truedy_" + "5ecret" * 3
NUMBER: Final = "+1415" + "5550123"
SIGNATURE: Final = "s1gnature"
PASSWORD: Final = "pr0xyword"
SECRETS: Final = (KEY, NUMBER[1:], SIGNATURE, PASSWORD, "vari5ecret")
QUICK: Final = trudy.Timeout(connect=5, read=0.2, write=0.2, pool=0.2)

BREAKS: Final[dict[str, Step]] = {
    "reset": Reset(),
    "closed": Close(),
    "silence": Silence(),
    "no HTTP": Raw(f"{NUMBER}\r\n\r\n".encode()),
    "cut": Answer(json.dumps({"data": {"id": "x", "to": NUMBER}}).encode() * 50, cut_at=100),
    "refused": Answer(json.dumps({"detail": [{"loc": ["to"], "msg": f"bad {NUMBER}", "input": NUMBER}]}).encode(), 422),
}
REQUESTS: Final[dict[str, Callable[[Any], Any]]] = {
    "a call": lambda c: c.calls.create(
        agent_id="a", phone_number=NUMBER, variables={"x": "vari5ecret"}, on_unknown="raise"
    ),
    "a read": lambda c: c.contacts.list(search=NUMBER),
    "an upload": lambda c: c.contacts.import_file(
        f"phone\n{NUMBER}\n".encode() + f"{NUMBER}\n".encode() * 20_000,
        folder_id="f1",
        filename="a.csv",
    ),
}


def download(client: Any) -> Any:
    return client.calls.download_recording("c1", to=io.BytesIO())


def leaks(error: BaseException) -> list[str]:
    return [where for where, text in shown_texts(error) if any(secret in text for secret in SECRETS)]


def error_of(
    kind: str, action: Callable[[Any], Any], *, seconds: float | None = None, **settings: Any
) -> BaseException:
    """What the action raises with a client of this kind; after `seconds` it is cancelled."""
    settings = {"max_retries": 0, "timeout": QUICK, "rate_limit": False, **settings}
    if kind == "sync":
        with TrudyClient(KEY, **settings) as client, pytest.raises(trudy.TrudyError) as caught:
            action(client)
        return caught.value

    async def run() -> BaseException:
        seen: list[BaseException] = []
        async with AsyncTrudyClient(KEY, **settings) as client:
            with anyio.move_on_after(seconds if seconds is not None else 60):
                try:
                    await action(client)
                except BaseException as error:
                    seen.append(error)
                    if not isinstance(error, Exception):
                        raise
        return seen[0]

    return anyio.run(run)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture(params=["httpx", "aiohttp"])
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("step", BREAKS)
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request(server: Loopback, backend: str, kind: str, name: str, step: str) -> None:
    server.default = BREAKS[step]
    error = error_of(kind, REQUESTS[name], base_url=server.url, http_backend=backend)
    assert leaks(error) == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_that_a_proxy_holds(server: Loopback, backend: str, kind: str, name: str) -> None:
    server.default = Silence()
    proxy = server.url.replace("//", f"//me:{PASSWORD}@")
    for base_url in ("http://api.example.test", "https://api.example.test"):
        settings = {"base_url": base_url, "allow_http": True, "http_backend": backend, "proxy": proxy}
        assert leaks(error_of(kind, REQUESTS[name], **settings)) == []
        if kind == "async":
            cancelled = error_of(kind, REQUESTS[name], seconds=0.1, **{**settings, "timeout": None})
            assert not isinstance(cancelled, Exception)
            assert leaks(cancelled) == []


@pytest.mark.parametrize("step", [*BREAKS, "cut in the middle", "elsewhere"])
def test_a_download(server: Loopback, backend: str, kind: str, step: str) -> None:
    broken = {
        "cut in the middle": Answer(NUMBER.encode() * 100_000, cut_at=900_000),
        "elsewhere": Answer(b"", 302, [("Location", f"/again?sig={SIGNATURE}")]),
    }
    link = {"call_id": "c1", "recording_url": f"{server.url}/a.mp3?sig={SIGNATURE}", "format": "mp3"}
    server.script.append(Answer(json.dumps({"data": link}).encode()))
    server.default = broken.get(step) or BREAKS[step]
    assert leaks(error_of(kind, download, base_url=server.url, http_backend=backend)) == []


@pytest.mark.parametrize("at", ["the headers", "the body"])
@pytest.mark.parametrize("name", [*REQUESTS, "a download"])
def test_what_is_cancelled(server: Loopback, backend: str, name: str, at: str) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + f'{{"data": {{"to": "{NUMBER}"'.encode()
    held: dict[str, Step] = {"the headers": Silence(), "the body": Held(half)}
    if name == "a download":
        link = {"call_id": "c1", "recording_url": f"{server.url}/a.mp3?sig={SIGNATURE}", "format": "mp3"}
        server.script.append(Answer(json.dumps({"data": link}).encode()))
    server.default = held[at]
    action = REQUESTS.get(name, download)
    error = error_of("async", action, seconds=0.2, base_url=server.url, http_backend=backend, timeout=None)
    assert not isinstance(error, Exception)
    assert leaks(error) == []
