"""One TLS context for all connections, made when needed; the proxy, given or from the environment."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import httpx
import pytest

import tests.fakes.tls
from tests.fakes.ways import make_request
from trudy.errors import ConfigurationError
from trudy.options import Timeout
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.tls_and_proxy import Network, given_proxy
from trudy.transport.transport import Transport


def test_one_tls_context_for_all_made_at_the_first_https_request(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_context_that_is_given_is_used() -> None:
    given = ssl.create_default_context()
    network = Network(proxy=None, ssl_context=given)
    assert network.tls_for("https://a") is given
    assert network.tls_for("http://a") is not given


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing about the network."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)


NO_PROXY = [
    *("example", "api.example", ".example", "other.example", "*", "*,x", "x, *", "*.example", "EXAMPLE", "ple"),
    *("api.example:8443", "api.example:443", "https://api.example", "http://api.example", "https://", "all://*"),
    *("10.0.0.1", "10.0.0.0/8", "10.0.0.1:8080", "::1", "2001:db8::1", "[2001:db8::1]", "fd00::/8", "localhost", ","),
    *("api.example.", " example , x", "b\u00fccher.example", "localhost:abc", "*:*"),
]
ORIGINS = [
    *("https://api.example", "http://api.example", "https://api.example:8443", "https://example", "https://apiexample"),
    *("http://10.0.0.1", "http://10.0.0.1:8080", "https://10.1.2.3", "https://[2001:db8::1]", "https://[fd00::2]:1"),
    *("https://localhost.example", "https://127.example", "https://128.0.0.1"),
]


@pytest.mark.parametrize("no_proxy", NO_PROXY)
@pytest.mark.parametrize("speaks_socks", [True, False], ids=["httpx", "aiohttp"])
def test_the_rules_of_no_proxy_are_httpxs(monkeypatch: pytest.MonkeyPatch, no_proxy: str, speaks_socks: bool) -> None:
    monkeypatch.setenv("https_proxy", "http://secure:1")
    monkeypatch.setenv("ALL_PROXY", "every:2")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    network = Network(proxy=None, ssl_context=None, speaks_socks=speaks_socks)
    try:
        client = httpx.AsyncClient()
    except (
        httpx.InvalidURL
    ):  # httpx makes no client at all; here the entry, perhaps one for other programs, is left out
        monkeypatch.delenv("NO_PROXY")
        client = httpx.AsyncClient()
        monkeypatch.setenv("NO_PROXY", no_proxy)
    for origin in ORIGINS:
        proxy = network.proxy_for(origin)
        pool = client._transport_for_url(httpx.URL(origin))._pool  # type: ignore[attr-defined]
        theirs = getattr(pool, "_proxy_url", None)
        assert (proxy and proxy.url.host) == (theirs and theirs.host.decode()), origin


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "api.localhost",
            "127.0.0.1",
            "127.255.3.4",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
            "[::]",
        ),
        *("localhost:8000", "127.0.0.1:8000", "[::1]:8000"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_this_machine_is_never_reached_through_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str, scheme: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "socks5://user:s3cret@p:1")  # nor is it even looked at
    network = Network(proxy=None, ssl_context=None)
    assert network.proxy_for(f"{scheme}://{host}") is None
    given = Network(proxy=given_proxy("http://given:2"), ssl_context=None).proxy_for(f"{scheme}://{host}")
    assert given is not None


@pytest.mark.parametrize(
    "host", ["example", "notlocalhost", "localhost.example", "128.0.0.1", "[::2]", "[fe80::1]", "1"]
)
def test_other_machines_are_no_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    assert Network(proxy=None, ssl_context=None).proxy_for(f"http://{host}") is not None


def test_a_proxy_that_is_given_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "http://p:1")
    monkeypatch.setenv("no_proxy", "*")
    proxy = Network(proxy=given_proxy("http://user:pw@given:2"), ssl_context=None).proxy_for("https://a")
    assert proxy is not None
    assert proxy.url.host == "given"


BROKEN = [
    *(
        "http://user:s3cret@p:port",
        "http://user:s3cret@",
        "ftp://user:s3cret@p",
        "socks4://user:s3cret@p:1",
        "http://:1",
    ),
    *("http://user:s3cret@[p", "http://user:s3cret@p:99999", "http://user:s3cret@a b", "http://", "http://p:0"),
]


@pytest.mark.parametrize("url", BROKEN)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"])
def test_a_broken_proxy_is_an_error_that_names_the_variable_and_does_not_quote_it(
    monkeypatch: pytest.MonkeyPatch, url: str, variable: str
) -> None:
    monkeypatch.setenv(variable, url)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        Network(proxy=None, ssl_context=None).proxy_for("https://a")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["socks5://user:s3cret@p:1", "SOCKS5H://p:1"])
def test_a_socks_proxy_needs_a_package_and_a_backend(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", url)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for speaks_socks, match in ((True, "ALL_PROXY .* socksio"), (False, "ALL_PROXY .* http:// and https://")):
        with pytest.raises(ConfigurationError, match=match) as caught:
            Network(proxy=None, ssl_context=None, speaks_socks=speaks_socks).proxy_for("https://a")
        assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"proxy names a SOCKS proxy.*socksio"):
        Transport(proxy="socks5://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="knows http:// and https:// proxies only"):
        Transport(proxy="socks5://127.0.0.1:1", backend="aiohttp")


def _setting(kind: str, folder: Path) -> tuple[str, str]:
    """A variable that is set up wrongly, and its value."""
    junk, shut, empty, pipe = (folder / name for name in ("junk.pem", "shut.pem", "empty.pem", "pipe"))
    os.mkfifo(pipe)
    junk.write_bytes(b"\x00\xffno certificate")
    empty.touch()
    shut.touch()
    shut.chmod(0)
    return {
        "no file": ("SSL_CERT_FILE", str(folder / "none.pem")),
        "a folder": ("SSL_CERT_FILE", str(folder)),
        "junk": ("SSL_CERT_FILE", str(junk)),
        "an empty file": ("SSL_CERT_FILE", str(empty)),
        "what may not be read": ("SSL_CERT_FILE", str(shut)),
        "below a file": ("SSL_CERT_FILE", str(junk / "ca.pem")),
        "no folder": ("SSL_CERT_DIR", str(folder / "none")),
        "a file as a folder": ("SSL_CERT_DIR", str(junk)),
        "a log that is a folder": ("SSLKEYLOGFILE", str(folder)),
        "a log in no folder": ("SSLKEYLOGFILE", str(folder / "none" / "keys.log")),
        "a log below a file": ("SSLKEYLOGFILE", str(junk / "keys.log")),
        "a pipe without a writer": ("SSL_CERT_FILE", str(pipe)),
        "a pipe as a folder": ("SSL_CERT_DIR", str(pipe)),
        "a log that nobody reads": ("SSLKEYLOGFILE", str(pipe)),
        "a name longer than can be": ("SSL_CERT_FILE", str(folder / ("x" * 300))),
        "such a folder": ("SSL_CERT_DIR", str(folder / ("x" * 300))),
    }[kind]


KINDS = [
    *("no file", "a folder", "junk", "an empty file", "what may not be read", "below a file", "no folder"),
    *("a file as a folder", "a log that is a folder", "a log in no folder", "a log below a file"),
    *("a pipe without a writer", "a pipe as a folder", "a log that nobody reads"),
    *("a name longer than can be", "such a folder"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["httpx", "aiohttp", "custom"])
@pytest.mark.parametrize("use", ["request", "download"])
def test_what_the_environment_says_about_tls_is_named_where_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, way: str, use: str
) -> None:
    variable, path = _setting(kind, tmp_path)
    if way == "custom" and (
        variable == "SSL_CERT_DIR" or kind in ("a pipe without a writer", "a log that nobody reads")
    ):
        pytest.skip("httpx itself takes any folder, and waits for any pipe")
    monkeypatch.setenv(variable, path)
    if way == "custom":
        transport = Transport(http_client=httpx.AsyncClient)
    else:
        transport = Transport(backend="httpx" if way == "httpx" else "aiohttp")

    async def send() -> None:
        try:
            if use == "request":
                await transport.send(make_request("https://127.0.0.1:1"))
            else:
                async with transport.stream(FileRequest(url="https://127.0.0.1:1/r", timeout=Timeout())):
                    pass
        finally:
            await transport.aclose()

    with pytest.raises(ConfigurationError) as caught:
        anyio.run(send)
    assert variable in str(caught.value)
    assert path in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_aiohttp_is_not_imported_with_an_unwritable_log_of_keys(tmp_path: Path) -> None:
    """It would fail halfway, with an error of its own."""
    code = (
        "import anyio, trudy\nfrom trudy.transport.transport import Transport\n"
        "from tests.fakes.ways import make_request\n"
        "async def main():\n await Transport(backend='aiohttp').send(make_request('http://127.0.0.1:1'))\n"
        "try: anyio.run(main)\nexcept trudy.ConfigurationError as error: print(error)"
    )
    environment = {**os.environ, "SSLKEYLOGFILE": str(tmp_path)}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert f"SSLKEYLOGFILE names {tmp_path}" in out.stdout


def test_tls_variables_that_are_right_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = Path(tests.fakes.tls.__file__).with_name("localhost.pem")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    monkeypatch.setenv("SSL_CERT_FILE", str(kept))
    monkeypatch.setenv("SSL_CERT_DIR", "no folder, and not looked at")
    assert len(Network(proxy=None, ssl_context=None).tls_for("https:").get_ca_certs()) == 1
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'none'}:{tmp_path}")
    assert Network(proxy=None, ssl_context=None).tls_for("https:").get_ca_certs() == []


def test_plain_http_does_not_read_the_tls_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    Network(proxy=None, ssl_context=None).tls_for("http:")


@pytest.mark.parametrize(
    ("variable", "url", "match"),
    [
        ("ALL_PROXY", "socks5://u:s3cret@p:1", "ALL_PROXY names a SOCKS proxy"),
        ("ALL_PROXY", "ftp://u:s3cret@p:1", "ALL_PROXY must be a URL"),
        ("HTTPS_PROXY", "http://u:s3cret@p:port", "HTTPS_PROXY must be a URL"),
    ],
)
def test_a_function_that_makes_a_client_meets_the_same_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, match: str
) -> None:
    monkeypatch.setenv(variable, url)

    async def send() -> None:
        await Transport(http_client=httpx.AsyncClient).send(make_request("https://a.invalid"))

    with pytest.raises(ConfigurationError, match=match) as caught:
        anyio.run(send)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_an_error_of_the_callers_own_function_is_the_callers() -> None:
    def make() -> httpx.AsyncClient:
        raise ZeroDivisionError("mine")

    async def send() -> None:
        await Transport(http_client=make).send(make_request("https://a.invalid"))

    with pytest.raises(ZeroDivisionError, match="mine"):
        anyio.run(send)


def test_importing_the_transport_imports_no_http_library() -> None:
    heavy = ("httpx", "anyio", "asyncio", "aiohttp", "trio", "ssl", "socket", "urllib.request")
    code = f"import sys, trudy.transport.transport; print([name for name in {heavy!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
