"""One TLS context for all connections, made when needed; the proxy, given or from the environment."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading

import httpx
import pytest

from trudy.errors import ConfigurationError
from trudy.transport.tls_and_proxy import Network


def test_one_context_for_all_made_at_the_first_https(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ssl.SSLContext] = []
    real = httpx.create_ssl_context

    def create() -> ssl.SSLContext:
        made.append(real())
        return made[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", create)
    network = Network(proxy=None, ssl_context=None)
    plain = network.tls_for("http://a")
    assert made == []
    contexts = {network.tls_for(origin) for origin in ("https://a", "https://b:8443", "HTTPS://c")}
    assert contexts == set(made)
    assert len(made) == 1
    assert plain not in contexts
    assert made[0].verify_mode is ssl.CERT_REQUIRED


def test_threads_that_come_at_once_get_the_same_context() -> None:
    network = Network(proxy=None, ssl_context=None)
    start = threading.Barrier(8)
    got: set[ssl.SSLContext] = set()

    def ask() -> None:
        start.wait(60)
        got.add(network.tls_for("https://a"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_context_given_wins() -> None:
    given = ssl.create_default_context()
    network = Network(proxy=None, ssl_context=given)
    assert network.tls_for("https://a") is given
    assert network.tls_for("http://a") is not given


ENVIRONMENTS = [
    ({}, "https://api.example", None),
    ({"https_proxy": "http://p:1"}, "https://api.example", "http://p:1"),
    ({"https_proxy": "http://p:1"}, "http://api.example", None),
    ({"all_proxy": "p:1"}, "http://api.example", "http://p:1"),
    ({"all_proxy": "http://p:1", "no_proxy": "example"}, "https://api.example", None),
    ({"all_proxy": "http://p:1", "no_proxy": "other.example"}, "https://api.example:8443", "http://p:1"),
    ({"all_proxy": "http://p:1", "no_proxy": "*"}, "https://api.example", None),
]


@pytest.mark.parametrize(("environment", "origin", "expected"), ENVIRONMENTS)
def test_the_environments_proxy(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], origin: str, expected: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    proxy = Network(proxy=None, ssl_context=None).proxy_for(origin)
    assert (str(proxy.url) if proxy else None) == expected


def test_a_proxy_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://p:1")
    monkeypatch.setenv("no_proxy", "*")
    proxy = Network(proxy="http://user:pw@given:2", ssl_context=None).proxy_for("https://a")
    assert proxy is not None
    assert proxy.url.host == "given"


def test_a_broken_proxy_is_an_error_that_does_not_quote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://user:s3cret@p:port")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Network(proxy=None, ssl_context=None).proxy_for("https://a")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_importing_the_transport_imports_no_http_library() -> None:
    heavy = ("httpx", "anyio", "asyncio", "aiohttp", "trio", "ssl", "socket", "urllib.request")
    code = f"import sys, trudy.transport.transport; print([name for name in {heavy!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
