"""What `trudy doctor` finds, in all kinds of weather."""

from __future__ import annotations

import json
import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.keyrings import MemoryKeyring, using
from tests.cli.running import Ran, trudy
from tests.fakes.tls import CERTIFICATE, serving, tls_server
from trudy import TrudyClient
from trudy.cli import profiles
from trudy.cli.doctor import network
from trudy.cli.doctor.command import drawn
from trudy.cli.doctor.diagnosis import doubtful
from trudy.sandbox import Sandbox
from trudy.transport import tls_and_proxy

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_CONFIG_DIR", str(tmp_path))
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY", "TRUDY_BASE_URL", "TRUDY_PROFILE", *PROXIES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def verdicts(done: Ran) -> dict[str, str]:
    return {row["check"]: row["verdict"] for row in map(json.loads, done.lines)}


def found(done: Ran, check: str) -> str:
    return next(f"{row['found']} {row['advice'] or ''}" for row in map(json.loads, done.lines) if row["check"] == check)


def with_agent(*, assigned: bool = True) -> str:
    """An agent in the sandbox that the environment names."""
    with TrudyClient() as client:
        voice = next(iter(client.voices.list()))
        agent = client.agents.create(name="Ada", voice_id=voice.id, system_prompt="Hello.")
        if not assigned:
            for number in client.telephony.list_agent_numbers(agent.id).outbound:
                assert number.id is not None
                client.telephony.numbers.unassign(number_id=number.id, assignment_type="outbound")
        return agent.id


def test_all_is_well(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with_agent()
    with receiver(401) as url:
        done = trudy("doctor", "--webhook", url)
    assert done.code == 0
    assert verdicts(done) == {
        "version": "ok",
        "key": "ok",
        "proxy": "ok",
        "address": "ok",
        "TLS": "skipped",
        "API": "ok",
        "clock": "ok",
        "rate limit": "ok",
        "agent": "ok",
        "webhook": "warning",
    }
    assert found(done, "key") == "from the environment variable TRUDY_API_KEY "
    assert "Ada has 1 number" in found(done, "agent")
    assert sandbox.api_key not in done.out + done.err
    assert done.err == "nothing failed; look at: webhook\n"


def test_with_nothing_configured_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_names(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    done = trudy("doctor", terminal=True)
    assert done.code == 7
    assert "failed   key         there is no API key" in done.out
    assert "-> Run trudy login" in done.out
    assert "failed   address     api.truedy.ai:443: its name is not found" in done.out
    assert done.err == "2 of 10 checks failed: key, address\n"


def test_a_look_up_that_hangs_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*arguments: object, **options: object) -> None:
        released.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no network")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr("trudy.cli.doctor.examination._SLACK", 0.0)
    try:
        done = trudy("doctor", "--timeout", "0.1", "--webhook", "https://hooks.example.test/x")
    finally:
        released.set()
    assert done.code == 7
    assert "no answer in time" in found(done, "address")
    assert "no answer in time" in found(done, "webhook")


def test_a_key_that_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUDY_API_KEY", "truedy_of_nobody")
    done = trudy("doctor")
    assert done.code == 7
    assert "401" in found(done, "API")
    assert "Run trudy login" in found(done, "API")
    assert verdicts(done)["clock"] == "ok"
    assert verdicts(done)["agent"] == "skipped"
    assert "truedy_of_nobody" not in done.out


def test_a_clock_that_is_off(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.clock.advance(seconds=400)
    done = trudy("doctor")
    assert verdicts(done)["clock"] == "warning"
    assert "behind the server" in found(done, "clock")
    assert "Signatures of webhooks are refused" in found(done, "clock")


def test_a_rate_limit_that_others_have_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox(rate_limit=1, seed=1)
    monkeypatch.setenv("TRUDY_API_KEY", sandbox.api_key)
    with sandbox.serve() as server:
        monkeypatch.setenv("TRUDY_BASE_URL", server.base_url)
        with server.client(rate_limit=False) as other:
            other.agents.list(limit=1)
        done = trudy("doctor")
    assert done.code == 9
    assert verdicts(done)["rate limit"] == "failed"


@pytest.mark.parametrize("chosen", [False, True])
def test_an_agent_without_a_number(sandbox: Sandbox, chosen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = with_agent(assigned=False)
    done = trudy("doctor", *(["--agent", agent] if chosen else []))
    assert done.code == 8
    assert "no number to call from" in found(done, "agent")
    assert "trudy telephony numbers assign" in found(done, "agent")


def test_an_agent_that_is_not_there(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    done = trudy("doctor", "--agent", "00000000-0000-4000-8000-000000000000")
    assert done.code == 6


def test_a_profile_is_named_and_its_key_is_not(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUDY_API_KEY")
    with using(MemoryKeyring()):
        profiles.keep(profiles.Profile(name="mine", base_url=os.environ["TRUDY_BASE_URL"]), sandbox.api_key)
        done = trudy("doctor")
    assert found(done, "key") == "of profile 'mine', kept in the keyring "
    assert verdicts(done)["API"] == "ok"
    assert sandbox.api_key not in done.out + done.err


def test_without_the_package_keyring_it_still_looks_at_the_rest(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUDY_API_KEY")
    with using(MemoryKeyring()):
        profiles.keep(profiles.Profile(name="mine", base_url=os.environ["TRUDY_BASE_URL"]), sandbox.api_key)
    monkeypatch.setitem(sys.modules, "keyring", None)
    done = trudy("doctor")
    assert done.code == 2
    assert "trudy-python-sdk[keyring]" in found(done, "key")
    assert verdicts(done)["address"] == "ok"


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@127.0.0.1:1")
    monkeypatch.setenv("TRUDY_API_KEY", "k")
    done = trudy("doctor")
    assert found(done, "proxy") == "127.0.0.1:1, of HTTPS_PROXY "
    assert "the proxy 127.0.0.1:1: nothing listens there Look at HTTPS_PROXY," in found(done, "address")
    assert "secret" not in done.out + done.err


def test_a_base_url_that_is_none() -> None:
    done = trudy("doctor", "--base-url", "http://api.example.test")
    assert done.code == 7
    assert "in the clear" in found(done, "address")


@pytest.mark.parametrize("url", ["nowhere", "http://", "ftp://a.test", "http://[::1", "http://a b"])
def test_a_webhook_that_is_no_url(url: str) -> None:
    done = trudy("doctor", "--webhook", url)
    assert done.code == 1
    assert done.err.startswith("error: --webhook must be a URL")


@contextmanager
def receiver(status: int) -> Iterator[str]:
    """A receiver of events that answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class has this name
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("status", "verdict", "code"), [(400, "warning", 7), (200, "failed", 7), (404, "failed", 7)])
def test_receivers_are_asked_without_a_signature(status: int, verdict: str, code: int) -> None:
    with receiver(status) as url:
        done = trudy("doctor", "--base-url", "http://127.0.0.1:1", "--webhook", url)
    assert verdicts(done)["webhook"] == verdict
    assert done.code == code


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (socket.gaierror(-2, "x"), "its name is not found"),
        (ConnectionRefusedError(111, "x"), "nothing listens there"),
        (TimeoutError(), "no answer in time"),
        (ssl.SSLError(1, "WRONG_VERSION_NUMBER"), "it does not speak TLS as expected"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (OSError(), "oserror"),
    ],
)
def test_faults_of_the_network_in_words(fault: OSError, words: str) -> None:
    assert words in network.why(fault)


def test_a_server_that_does_not_speak_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(1)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ssl.SSLError) as caught:
            network.handshake("127.0.0.1", port, 10)
        thread.join()
    assert "it does not speak TLS as expected" in network.why(caught.value)


@pytest.mark.parametrize("trusted", [True, False])
def test_certificates_are_judged_as_the_client_judges_them(trusted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with tls_server() as server:
        done = trudy("doctor", "--base-url", server.url)
    if trusted:
        assert found(done, "TLS").startswith("TLSv1.3, certificate of ")
        assert "good for " in found(done, "TLS")
    else:
        assert "its certificate is not trusted" in found(done, "TLS")
        assert "SSL_CERT_FILE" in found(done, "TLS")


def test_a_variable_that_names_no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "not-there.pem"))
    with tls_server() as server:
        done = trudy("doctor", "--base-url", server.url)
    assert "SSL_CERT_FILE" in found(done, "TLS")
    assert verdicts(done)["TLS"] == "failed"


@pytest.mark.parametrize("width", [10, 80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    text = drawn(doubtful("rate limit", "word " * 40, "advice " * 40), width=width, colour=False)
    assert all(len(line) <= max(width, 41) for line in text.splitlines())
    assert text.startswith("warning  rate limit  word")
    assert "\n                     -> advice" in text


def test_colours_change_nothing_but_the_verdict() -> None:
    one = doubtful("clock", "off", "set it")
    plain, coloured = (drawn(one, width=80, colour=colour) for colour in (False, True))
    assert coloured == plain.replace("warning  ", "\x1b[33mwarning  \x1b[0m", 1)


@contextmanager
def proxy(refusal: str | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy and, behind it, an API that has no agents; its URL, and the first lines of the requests to it.

    Args:
        refusal: the status with which it answers in place of connecting.
    """
    seen: list[bytes] = []
    body = json.dumps({"success": True, "data": [], "pagination": {"total": 0, "limit": 100, "offset": 0}}).encode()

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                raw, _ = listening.accept()
            except OSError:  # shut down
                return
            with suppress(OSError), raw:
                asked = raw.recv(65_536)
                if not asked:  # the look whether it is there
                    continue
                seen.append(asked.partition(b"\r\n")[0])
                raw.sendall(f"HTTP/1.1 {refusal or '200 Connected'}\r\n\r\n".encode())
                with serving().wrap_socket(raw, server_side=True) as inner:
                    while inner.recv(65_536):
                        inner.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}", seen
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(60)


@pytest.fixture
def no_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address is this machine's, as to which no proxy is asked: the kept certificate is for one."""
    monkeypatch.setattr(tls_and_proxy, "is_loopback", lambda host: False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("TRUDY_BASE_URL", "https://localhost:1/api")
    monkeypatch.setenv("TRUDY_API_KEY", "k")


@pytest.mark.usefixtures("no_loopback")
def test_all_is_well_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy() as (place, seen):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@{place}")
        done = trudy("doctor")
    assert found(done, "proxy") == f"{place}, of HTTPS_PROXY "
    assert verdicts(done) | {"clock": "", "agent": ""} == {
        "version": "ok",
        "key": "ok",
        "proxy": "ok",
        "address": "ok",
        "TLS": "skipped",
        "API": "ok",
        "clock": "",
        "rate limit": "ok",
        "agent": "",
        "webhook": "skipped",
    }
    assert set(seen) == {b"CONNECT localhost:1 HTTP/1.1"}
    assert "secret" not in done.out + done.err


@pytest.mark.usefixtures("no_loopback")
@pytest.mark.parametrize("refusal", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    with proxy(refusal) as (place, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:secret@{place}")
        done = trudy("doctor")
    assert verdicts(done)["API"] == "failed"
    assert "the proxy refused or failed" in found(done, "API")
    assert "HTTPS_PROXY" in found(done, "API")
    assert "secret" not in done.out + done.err
