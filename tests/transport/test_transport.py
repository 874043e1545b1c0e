"""What one attempt sends, what it makes of an answer, and what its errors claim."""

from __future__ import annotations

import gzip
import random
import socket
import ssl
import time
from contextlib import suppress

import anyio
import pytest

from tests.fakes.loopback import Answer, Close, Loopback, Raw, Reset, Silence, Step
from tests.fakes.ways import Way, make_request
from tests.transport.error_checks import assert_no_secret
from trudy.errors import APIConnectionError, APITimeoutError, InvalidArgumentError
from trudy.options import Timeout
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


async def test_headers_are_those_of_the_request_plus_framing(server: Loopback, transport: Transport) -> None:
    headers = (("Authorization", "Bearer truedy_secret"), ("X-Odd-Case", "v"), ("x-two", "1"))
    await transport.send(make_request(server.url, headers=headers, query="?q=a%26b%20c&n=%2B1"))
    await transport.send(make_request(server.url, method="POST", headers=headers, body=b'{"a": 1}'))
    host = server.url.removeprefix("http://")
    got, posted = server.seen
    assert got.target == "/things/1?q=a%26b%20c&n=%2B1"
    lower = {(name.lower(), value) for name, value in headers}
    assert {(name.lower(), value) for name, value in got.headers} == lower | {("host", host)}
    assert {(name.lower(), value) for name, value in posted.headers} == lower | {
        ("host", host),
        ("content-length", "8"),
    }
    assert posted.body == b'{"a": 1}'


async def test_a_path_with_quoted_slashes_arrives_as_written(server: Loopback, transport: Transport) -> None:
    await transport.send(make_request(server.url, "/things/a%2Fb%3Fc%20d"))
    assert server.seen[0].target == "/things/a%2Fb%3Fc%20d"


async def test_an_answer_is_status_headers_body(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"[1]", 201, [("X-Request-ID", "r1"), ("X-Many", "a"), ("X-Many", "b")]))
    response = await transport.send(make_request(server.url))
    assert (response.status, response.body, response.json()) == (201, b"[1]", [1])
    assert response.headers["x-request-id"] == "r1"
    assert response.headers["x-many"] == "a, b"


async def test_a_compressed_body_is_decompressed(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(gzip.compress(b"[1, 2]"), headers=[("Content-Encoding", "gzip")]))
    assert (await transport.send(make_request(server.url))).body == b"[1, 2]"


async def test_cookies_are_neither_kept_nor_sent(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(headers=[("Set-Cookie", "route=a; Path=/")]))
    await transport.send(make_request(server.url))
    await transport.send(make_request(server.url))
    assert [name for name, _ in server.seen[1].headers if name.lower() == "cookie"] == []


async def test_redirects_are_handed_back(server: Loopback, transport: Transport) -> None:
    server.script.append(Answer(b"", 307, [("Location", f"{server.url}/elsewhere")]))
    response = await transport.send(make_request(server.url))
    assert (response.status, response.headers["location"]) == (307, f"{server.url}/elsewhere")
    server.script.append(Answer(b"", 307, [("Location", "http://[bad")]))
    assert (await transport.send(make_request(server.url))).status == 307
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [307, 404, 429, 500])
async def test_a_refusal_whose_body_breaks_off_keeps_its_status(
    server: Loopback, transport: Transport, status: int
) -> None:
    server.script.append(Answer(b"x" * 100, status, [("X-Request-ID", "r1")], cut_at=10))
    response = await transport.send(make_request(server.url))
    assert (response.status, response.body, response.headers["x-request-id"]) == (status, b"", "r1")
    assert (await transport.send(make_request(server.url))).status == 200


AFTER_SENDING: list[tuple[str, Step, type[APIConnectionError]]] = [
    ("reset", Reset(), APIConnectionError),
    ("closed", Close(), APIConnectionError),
    ("silence", Silence(), APITimeoutError),
    ("body cut off", Answer(b"x" * 100, cut_at=10), APIConnectionError),
    ("no HTTP", Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), APIConnectionError),
    ("half a head", Raw(b"HTTP/1.1 200 OK\r\nContent-Le"), APIConnectionError),
    ("broken compression", Answer(b"zzzz", headers=[("Content-Encoding", "gzip")]), APIConnectionError),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("step", "kind"), [row[1:] for row in AFTER_SENDING], ids=[row[0] for row in AFTER_SENDING])
async def test_after_sending_nothing_proves_that_nothing_was_sent(
    server: Loopback, transport: Transport, method: str, step: Step, kind: type[APIConnectionError]
) -> None:
    server.script.append(step)
    request = make_request(
        server.url,
        method=method,
        query="?phone=%2B14155550123",
        body=b"{}" if method == "POST" else None,
        timeout=Timeout(connect=5, read=0.2, write=5, pool=5),
    )
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(request)
    error = caught.value
    assert type(error) is kind
    assert error.request_sent
    assert (error.method, error.path) == (method, "/things/1")
    assert len(server.seen) == 1
    assert_no_secret(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_reset_in_the_middle_does_not_prove_that_nothing_was_sent(
    server: Loopback, transport: Transport, method: str
) -> None:
    server.reset_on_accept = 1
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request(server.url, method=method))
    # Depending on who is faster the reset meets the connecting or the sending; only the former may be called unsent.
    assert caught.value.request_sent or not server.seen
    assert server.seen == []
    assert_no_secret(caught.value)


async def test_a_refused_connection_proves_that_nothing_was_sent(refusing: str, transport: Transport) -> None:
    with pytest.raises(APIConnectionError, match="could not connect: Connection refused") as caught:
        await transport.send(make_request(refusing, method="POST", body=b"{}"))
    assert type(caught.value) is APIConnectionError
    assert not caught.value.request_sent
    assert_no_secret(caught.value)


async def test_an_unknown_host_name_proves_that_nothing_was_sent(transport: Transport) -> None:
    with pytest.raises(APIConnectionError, match="could not be resolved") as caught:
        await transport.send(make_request("http://trudy.invalid"))
    assert not caught.value.request_sent


async def test_a_failed_handshake_proves_that_nothing_was_sent(server: Loopback, transport: Transport) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(
            make_request(server.url.replace("http:", "https:"), timeout=Timeout(connect=0.5, read=5, write=5, pool=5))
        )
    assert not caught.value.request_sent
    assert server.seen == []


async def test_a_connection_that_is_never_made_proves_that_nothing_was_sent(transport: Transport) -> None:
    with socket.socket() as full:  # a full backlog: the kernel leaves further connections unanswered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        with socket.create_connection(address, 5), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            with pytest.raises(APITimeoutError, match=r"no connection within 0\.2 s") as caught:
                await transport.send(
                    make_request(
                        f"http://127.0.0.1:{address[1]}", timeout=Timeout(connect=0.2, read=5, write=5, pool=5)
                    )
                )
    assert not caught.value.request_sent


async def test_a_handshake_that_nobody_answers_ends_with_the_connect_timeout(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(APITimeoutError, match=r"no connection within 0\.3 s") as caught:
            await transport.send(make_request(url, timeout=Timeout(connect=0.3, read=60, write=60, pool=0.01)))
    assert time.monotonic() - began >= 0.3
    assert not caught.value.request_sent


@pytest.mark.filterwarnings("ignore:Async generator 'httpx:ResourceWarning")  # on trio, of httpx's own body
async def test_a_body_that_nobody_reads_ends_with_the_write_timeout(transport: Transport) -> None:
    timeout = Timeout(connect=60, read=60, write=0.2, pool=60)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # connections stand, and nobody reads from them

        def listen_after_all() -> None:
            with deaf.accept()[0] as connection, suppress(ConnectionError):
                while connection.recv(1_000_000):
                    pass

        request = make_request(
            f"http://127.0.0.1:{deaf.getsockname()[1]}", method="POST", body=bytes(20_000_000), timeout=timeout
        )
        with pytest.raises(APITimeoutError, match=r"the request could not be sent within 0\.2 s") as caught:
            await transport.send(request)
        assert caught.value.request_sent
        await anyio.to_thread.run_sync(listen_after_all)  # aiohttp closes a connection once it is rid of what it holds


@pytest.mark.parametrize("size", [64 * 1024, 64 * 1024 + 1, 3_000_000])
async def test_a_large_body_arrives_whole(server: Loopback, transport: Transport, size: int) -> None:
    body = random.Random(size).randbytes(size)
    for timeout in (Timeout(), Timeout(write=None)):
        assert (await transport.send(make_request(server.url, method="POST", body=body, timeout=timeout))).status == 200
    assert [seen.body for seen in server.seen] == [body, body]
    assert [value for name, value in server.seen[0].headers if name.lower() == "content-length"] == [str(size)]
    assert not any(name.lower() == "transfer-encoding" for name, _ in server.seen[0].headers)
    assert server.accepted == 1


async def test_a_header_that_is_no_http_is_an_error_that_does_not_quote_it(
    server: Loopback, transport: Transport
) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request(server.url, headers=(("Authorization", "Bearer truedy_secret\r\nX: y"),)))
    assert_no_secret(caught.value)
    assert server.seen == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_connection_closed_while_idle_is_noticed(server: Loopback, transport: Transport, method: str) -> None:
    body = b"{}" if method == "POST" else None
    for _ in range(5):
        assert (await transport.send(make_request(server.url, method=method, body=body))).status == 200
        server.close_connections()
        server.wait(lambda: server.open_connections == 0)
    assert len(server.seen) == 5
    assert server.accepted == 5


async def test_a_connection_is_used_again(server: Loopback, transport: Transport) -> None:
    for _ in range(5):
        await transport.send(make_request(server.url))
    assert {seen.connection for seen in server.seen} == {1}


async def test_no_http_library_repeats_a_get_whose_connection_dropped(server: Loopback, transport: Transport) -> None:
    await transport.send(make_request(server.url))
    server.script.append(Close())
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request(server.url))
    assert caught.value.request_sent
    assert len(server.seen) == 2


async def test_a_proxy_gets_the_request(way: Way, server: Loopback) -> None:
    transport = Transport(backend=way.backend, proxy=server.url)
    await transport.send(make_request("http://api.invalid"))
    await transport.aclose()
    assert server.seen[0].target == "http://api.invalid/things/1"


async def test_a_proxy_gets_its_credentials_and_nobody_else_does(way: Way, server: Loopback) -> None:
    proxy = server.url.replace("http://", "http://us%40r:p%3Aw@")
    transport = Transport(backend=way.backend, proxy=proxy)
    await transport.send(make_request("http://api.invalid"))
    server.script.append(Answer(b"", 407))
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request("https://api.invalid"))
    await transport.aclose()
    assert [dict(seen.headers).get("Proxy-Authorization") for seen in server.seen] == ["Basic dXNAcjpwOnc="] * 2
    assert "p:w" not in str(caught.value)
    assert caught.value.__context__ is None


async def test_a_refused_tunnel_proves_that_nothing_was_sent(way: Way, server: Loopback) -> None:
    server.script.append(Answer(b"", 403))
    transport = Transport(backend=way.backend, proxy=server.url)
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request("https://api.invalid"))
    await transport.aclose()
    assert server.seen[0].method == "CONNECT"
    assert all(name.lower() != "authorization" for name, _ in server.seen[0].headers)
    assert not caught.value.request_sent


async def test_the_proxy_of_the_environment_is_used_and_no_proxy_obeyed(
    way: Way, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    transport = Transport(backend=way.backend)
    await transport.send(make_request("http://api.invalid"))
    await transport.send(make_request(server.url))
    await transport.aclose()
    assert [seen.target for seen in server.seen] == ["http://api.invalid/things/1", "/things/1"]


@pytest.mark.parametrize(
    "proxy",
    [
        *("proxy.example", "ftp://proxy", "", 7, "http://", "http://:3128", "http://h:port", "http://h:99999"),
        *("socks4://h:1", "http://[bad", "http://h:0", "http://a b:1", "http://h:1\n", "//h:1"),
    ],
)
async def test_a_proxy_that_is_no_url_is_refused(proxy: object) -> None:
    with pytest.raises(InvalidArgumentError, match="proxy") as caught:
        Transport(proxy=proxy)  # type: ignore[arg-type]
    assert caught.value.argument == "proxy"


async def test_unknown_backends_and_contexts_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="http_backend"):
        Transport(backend="requests")  # type: ignore[arg-type]
    for context in (True, "ca.pem", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)):
        with pytest.raises(InvalidArgumentError, match="ssl_context"):
            Transport(ssl_context=context)  # type: ignore[arg-type]
    for most in (0, -1, True, 1.5, "1"):
        with pytest.raises(InvalidArgumentError, match="max_response_bytes"):
            Transport(max_response_bytes=most)  # type: ignore[arg-type]


async def test_waiting_for_a_connection_is_bounded_and_proves_that_nothing_was_sent(way: Way) -> None:
    with Loopback(default=Silence()) as server:
        transport = Transport(backend=way.backend, max_connections=1)
        async with anyio.create_task_group() as group:
            group.start_soon(_send_until_cancelled, transport, server)
            await anyio.to_thread.run_sync(server.wait, lambda: len(server.seen) == 1)
            with pytest.raises(APITimeoutError, match=r"no free connection within 0\.05 s") as caught:
                await transport.send(make_request(server.url, timeout=Timeout(connect=5, read=5, write=5, pool=0.05)))
            assert not caught.value.request_sent
            group.cancel_scope.cancel()
        server.default = Answer()
        assert (await transport.send(make_request(server.url))).status == 200
        await transport.aclose()


async def _send_until_cancelled(transport: Transport, server: Loopback) -> None:
    await transport.send(make_request(server.url))
