"""Clients of the user's own, given as `http_client=`."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import httpx2
import pytest
import respx

from tests.fakes.loopback import Loopback, Silence
from tests.fakes.ways import Way, make_request
from tests.transport.error_checks import assert_no_secret
from trudy.errors import APIConnectionError, APITimeoutError, ConfigurationError, InvalidArgumentError
from trudy.options import Timeout
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "more", [{"backend": "aiohttp"}, {"proxy": "http://127.0.0.1:3128"}, {"ssl_context": ssl.create_default_context()}]
)
async def test_http_client_excludes_the_other_settings_of_connections(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="http_client= brings its own connections"):
        Transport(http_client=httpx.AsyncClient, **more)


async def test_a_ready_client_is_used_and_left_open(way: Way, server: Loopback) -> None:
    for library in (httpx, httpx2):
        async with library.AsyncClient(headers={"X-Theirs": "no"}) as client:
            transport = Transport(http_client=client)
            assert (await transport.send(make_request(server.url))).body == b'{"data": {}}'
            async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
                assert [piece async for piece in streamed.chunks()] == [b'{"data": {}}']
            with pytest.raises(APIConnectionError) as caught:
                await transport.send(make_request("http://trudy.invalid"))
            assert not caught.value.request_sent
            server.script.append(Silence())
            with pytest.raises(APITimeoutError, match="no answer within"):
                await transport.send(make_request(server.url, timeout=Timeout(connect=1, read=0.1, write=1, pool=1)))
            await transport.aclose()
            assert not client.is_closed
    assert all(name.lower() != "x-theirs" for seen in server.seen for name, _ in seen.headers)


async def test_a_closed_client_is_named(way: Way, server: Loopback) -> None:
    client = httpx.AsyncClient()
    await client.aclose()
    with pytest.raises(ConfigurationError, match="http_client"):
        await Transport(http_client=client).send(make_request(server.url))


async def test_a_factory_makes_a_client_that_is_ours_to_close(way: Way, server: Loopback) -> None:
    made: list[httpx.AsyncClient] = []

    def make() -> httpx.AsyncClient:
        made.append(httpx.AsyncClient())
        return made[-1]

    transport = Transport(http_client=make)
    for _ in range(3):
        await transport.send(make_request(server.url))
    assert len(made) == 1
    await transport.aclose()
    assert made[0].is_closed


@pytest.mark.parametrize("given", [object(), "client", 7, httpx.Client, httpx2.Client])
async def test_what_is_no_client_is_refused(given: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Transport(http_client=given)
    assert caught.value.argument == "http_client"


async def test_a_sync_client_is_refused() -> None:
    with httpx.Client() as client, pytest.raises(InvalidArgumentError, match=r"httpx\.AsyncClient"):
        Transport(http_client=client)


async def test_a_factory_of_something_else_is_refused(server: Loopback) -> None:
    with pytest.raises(InvalidArgumentError, match="it made str"):
        await Transport(http_client=lambda: "client").send(make_request(server.url))


@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, OSError])
async def test_a_mock_that_reports_nothing_proves_nothing(way: Way, fault: type[Exception]) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise fault("Bearer truedy_secret")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        with pytest.raises(APIConnectionError) as caught:
            await Transport(http_client=client).send(make_request("http://api.invalid"))
    assert caught.value.request_sent
    assert isinstance(caught.value, APITimeoutError) == issubclass(fault, httpx.TimeoutException)
    assert_no_secret(caught.value)


async def test_respx_sees_our_own_connections(way: Way) -> None:
    if way.backend == "aiohttp":
        pytest.skip("respx does not see aiohttp")
    with respx.mock:
        respx.get("http://api.invalid/things/1").respond(200, json={"data": 1})
        transport = Transport()
        assert (await transport.send(make_request("http://api.invalid"))).json() == {"data": 1}
        respx.get("http://api.invalid/things/1").mock(side_effect=httpx.ReadTimeout("Bearer truedy_secret"))
        with pytest.raises(APITimeoutError) as caught:
            await transport.send(make_request("http://api.invalid"))
        assert caught.value.request_sent
        await transport.aclose()
