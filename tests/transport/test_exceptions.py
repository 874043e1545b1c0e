"""What proves that nothing was sent, and what an error says."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from unittest.mock import Mock

import aiohttp
import httpx
import httpx2
import pytest

from trudy.errors import APIConnectionError, APITimeoutError
from trudy.options import Timeout
from trudy.transport.exceptions import connection_error, timeout_error
from trudy.transport.pool_by_loop import AttemptTrace

CONNECT = {"request": SimpleNamespace(method=b"CONNECT")}
REQUEST = {"request": SimpleNamespace(method=b"POST")}

PROOF = [
    ("a mock reports nothing", [], False),
    ("it only connected", [("connection.connect_tcp.started", {})], True),
    ("the handshake failed", [("connection.connect_tcp.complete", {}), ("connection.start_tls.failed", {})], True),
    ("a connection stood already", [("http11.send_request_headers.started", REQUEST)], False),
    (
        "it connected, then sent",
        [("connection.connect_tcp.started", {}), ("http11.send_request_headers.started", REQUEST)],
        False,
    ),
    ("over HTTP/2", [("http2.send_request_headers.started", REQUEST)], False),
    ("the proxy was asked for a tunnel", [("http11.send_request_headers.started", CONNECT)], True),
    (
        "then the request went through it",
        [("http11.send_request_headers.started", CONNECT), ("http11.send_request_headers.started", REQUEST)],
        False,
    ),
    (
        "a custom transport tried twice",
        [("http11.send_request_headers.started", REQUEST), ("connection.connect_tcp.started", {})],
        False,
    ),
    ("no request in the report", [("http11.send_request_headers.started", {})], False),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("events", "proven"), [row[1:] for row in PROOF], ids=[row[0] for row in PROOF])
async def test_what_proves_that_nothing_was_sent(events: list[tuple[str, dict[str, object]]], proven: bool) -> None:
    attempt = AttemptTrace()
    for name, info in events:
        await attempt.trace(name, info)
    assert attempt.nothing_sent is proven


def _from(fault: Exception, cause: Exception) -> Exception:
    fault.__cause__ = cause
    return fault


KINDS = [
    (httpx.ConnectTimeout("k3y"), "no connection within 1 s"),
    (httpx.ReadTimeout("k3y"), "no answer within 2 s"),
    (httpx.WriteTimeout("k3y"), "the request could not be sent within 3 s"),
    (httpx.PoolTimeout("k3y"), "no free connection in time"),
    (httpx2.ReadTimeout("k3y"), "no answer within 2 s"),
    (TimeoutError("k3y"), "no connection within 1 s"),
    (_from(httpx.TimeoutException("k3y"), aiohttp.ConnectionTimeoutError("k3y")), "no connection within 1 s"),
    (_from(httpx.ReadTimeout("k3y"), aiohttp.SocketTimeoutError("k3y")), "no answer within 2 s"),
    (_from(httpx.ConnectTimeout("k3y"), aiohttp.ServerDisconnectedError("k3y")), "the server closed the connection"),
    (_from(httpx.ConnectTimeout("k3y"), aiohttp.ClientOSError(104, "k3y")), "the connection broke: Connection reset"),
    (_from(httpx.ConnectError("k3y"), ConnectionRefusedError(111, "k3y")), "could not connect: Connection refused"),
    (aiohttp.ConnectionTimeoutError("k3y"), "no connection within 1 s"),
    (aiohttp.SocketTimeoutError("k3y"), "no answer within 2 s"),
    (aiohttp.ServerDisconnectedError("k3y"), "the server closed the connection"),
    (aiohttp.ClientOSError(104, "k3y"), "the connection broke: Connection reset"),
    (aiohttp.ClientPayloadError("k3y"), "the connection broke while waiting for the answer"),
    (aiohttp.ClientConnectionError("k3y"), "the connection broke"),
    (aiohttp.ClientResponseError(Mock(), (), message="k3y"), "the answer is no valid HTTP"),
    (aiohttp.ClientHttpProxyError(Mock(), (), message="k3y"), "the proxy refused"),
    (aiohttp.InvalidURL("k3y"), "the URL is invalid"),
    (httpx.RemoteProtocolError("k3y"), "the server closed the connection without a whole answer"),
    (httpx.LocalProtocolError("Illegal header value b'Bearer k3y'"), "the request is no valid HTTP"),
    (httpx.UnsupportedProtocol("k3y"), "neither http"),
    (httpx.ProxyError("k3y"), "the proxy refused"),
    (httpx2.ConnectError("k3y"), "could not connect"),
    (_from(httpx.ConnectError("k3y"), ssl.SSLError(1, "k3y")), "could not connect"),
    (KeyError("k3y"), "the attempt failed"),
    (ExceptionGroup("k3y", [OSError(113, "k3y")]), "the attempt failed: No route to host"),
]


@pytest.mark.parametrize(("fault", "message"), KINDS)
def test_message_of_an_error(fault: Exception, message: str) -> None:
    timeout = Timeout(connect=1, read=2, write=3, pool=None)
    error = connection_error(fault, AttemptTrace(), timeout=timeout, method="POST", path="/calls")
    assert message in str(error)
    assert "k3y" not in str(error)
    timed_out = " within " in message or " in time" in message
    assert type(error) is (APITimeoutError if timed_out else APIConnectionError)
    assert error.request_sent
    assert (error.method, error.path) == ("POST", "/calls")


def test_a_circular_chain_of_causes_is_followed_once() -> None:
    first, second = httpx.ReadError("a"), httpx.ReadError("b")
    first.__cause__, second.__cause__ = second, first
    error = connection_error(first, AttemptTrace(), timeout=Timeout(), method="GET", path="/")
    assert "the connection broke" in str(error)


@pytest.mark.parametrize("sent", [True, False])
def test_an_error_for_a_timeout_of_our_own(sent: bool) -> None:
    error = timeout_error("pool", timeout=Timeout(pool=0.5), request_sent=sent, method="GET", path="/x")
    assert "no free connection within 0.5 s" in str(error)
    assert error.request_sent is sent
