"""TLS: which servers the client trusts, and connections that the server closed while the loop stood still."""

from __future__ import annotations

import pytest

from tests.fakes.tls import End, tls_server, trusting
from tests.fakes.ways import Way, make_request
from trudy.errors import APIConnectionError
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


async def test_a_server_with_an_untrusted_certificate_gets_nothing(way: Way) -> None:
    with tls_server() as server:
        transport = Transport(backend=way.backend)
        with pytest.raises(APIConnectionError, match="certificate verify failed, self-signed certificate") as caught:
            await transport.send(make_request(server.url))
        await transport.aclose()
        assert not caught.value.request_sent
        assert server.seen == []


async def test_the_callers_context_is_used(way: Way) -> None:
    with tls_server() as server:
        transport = Transport(backend=way.backend, ssl_context=trusting())
        for _ in range(3):
            assert (await transport.send(make_request(server.url))).body == b"{}"
        await transport.aclose()
        assert server.accepted == 1


@pytest.mark.parametrize("end", ["close", "cut", "reset"])
async def test_a_connection_that_ended_while_idle_is_noticed(way: Way, end: End) -> None:
    with tls_server(ends=True) as server:
        transport = Transport(backend=way.backend, ssl_context=trusting())
        for _ in range(4):
            assert (await transport.send(make_request(server.url, method="POST"))).status == 200
            server.end(end)  # the loop stands still meanwhile
        await transport.aclose()
        assert len(server.seen) == 4


async def test_an_https_proxy_is_reached_over_tls(way: Way) -> None:
    with tls_server() as server:
        transport = Transport(backend=way.backend, proxy=server.url, ssl_context=trusting())
        await transport.send(make_request("http://api.invalid"))
        await transport.aclose()
        assert server.seen == [b"GET http://api.invalid/things/1 HTTP/1.1"]
