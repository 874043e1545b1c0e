"""aiohttp: what is switched off in it, and what its proof rests on."""

from __future__ import annotations

import sys

import aiohttp
import anyio
import pytest

from tests.fakes.loopback import Answer, Close, Loopback, Reset
from tests.fakes.ways import make_request
from trudy.errors import APIConnectionError, ConfigurationError
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("step", [Close(), Reset()])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_aiohttp_repeats_no_request_by_itself(server: Loopback, method: str, step: Close | Reset) -> None:
    async with aiohttp.ClientSession() as session:
        server.script.append(step)
        await (await session.request(method, server.url)).read()
    assert len(server.seen) == 2  # by itself it asks twice

    transport = Transport(backend="aiohttp")
    server.script.append(step)
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request(server.url, method=method))
    assert caught.value.request_sent
    assert len(server.seen) == 3
    assert (await transport.send(make_request(server.url, method=method))).status == 200
    await transport.aclose()


async def test_attempts_at_the_same_time_do_not_mix_up_their_proof(server: Loopback) -> None:
    server.default = Close()
    transport = Transport(backend="aiohttp")
    proofs: dict[str, set[bool]] = {server.url: set(), "http://trudy.invalid": set()}

    async def send(base: str) -> None:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(make_request(base))
        proofs[base].add(caught.value.request_sent)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            for base in proofs:
                group.start_soon(send, base)
    await transport.aclose()
    assert proofs == {server.url: {True}, "http://trudy.invalid": {False}}


async def test_headers_are_reported_before_they_are_written(server: Loopback) -> None:
    """What the proof rests on: a report that came after writing would call sent requests unsent."""

    async def stop(session: object, context: object, params: object) -> None:
        raise RuntimeError("not now")

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(stop)
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        with pytest.raises(RuntimeError, match="not now"):
            await session.post(server.url, data=b"{}")
    server.wait(lambda: server.accepted == 1 and server.open_connections == 0)
    assert server.seen == []


async def test_a_missing_extra_is_named(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trudy.transport.aiohttp_backend", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"pip install trudy-python-sdk\[aiohttp\]"):
        await Transport(backend="aiohttp").send(make_request(server.url))


async def test_a_socks_proxy_is_refused(server: Loopback) -> None:
    with pytest.raises(ConfigurationError, match="proxies only"):
        await Transport(backend="aiohttp", proxy="socks5://127.0.0.1:1").send(make_request(server.url))


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: str, server: Loopback) -> None:
    with pytest.raises(ConfigurationError, match="asyncio only"):
        await Transport(backend="aiohttp").send(make_request(server.url))


async def test_many_hosts_do_not_pile_up() -> None:
    with Loopback(default=Answer(b"")) as proxy:
        transport = Transport(backend="aiohttp", proxy=proxy.url, max_connections=1)
        for number in range(150):
            await transport.send(make_request(f"http://host{number}.invalid"))
        await transport.aclose()
        assert len(proxy.seen) == 150
        proxy.wait(lambda: proxy.open_connections == 0)


LINKS = [
    ("/a%7eb%2Fc?sig=%2B+%3d", "/a%7eb%2Fc?sig=%2B+%3d"),
    ("/a[1]/../b?x[]=1", "/a[1]/../b?x[]=1"),
    ("/my recording.wav?n=\u00fc", "/my%20recording.wav?n=%C3%BC"),
    ("?x=1", "/?x=1"),
    ("", "/"),
]


@pytest.mark.parametrize(("link", "target"), LINKS)
async def test_a_url_is_sent_as_it_is_written_if_http_can_carry_it(server: Loopback, link: str, target: str) -> None:
    transport = Transport(backend="aiohttp")
    await transport.send(make_request(server.url, link))
    await transport.aclose()
    assert server.seen[0].target == target


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://", "http://127.0.0.1/x\r\nEvil: 1"])
async def test_what_is_no_url_is_named(url: str) -> None:
    transport = Transport(backend="aiohttp")
    with pytest.raises(APIConnectionError, match="the URL is invalid"):
        await transport.send(make_request(url))
    await transport.aclose()
