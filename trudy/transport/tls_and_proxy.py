"""TLS and proxies: one TLS context for all connections of a client, and the proxy, given or from the environment.

The environment is used at the first request, far from where it was set. So anything wrong with it becomes a
`ConfigurationError` that names the variable.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from trudy._concurrency.fork import fork_lock
from trudy._hidden import Hidden
from trudy.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    import ssl

    import httpx

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_LOOPBACK_NAMES: Final = ("localhost", "localhost.localdomain")


@frozen(kw_only=True)
class ProxySetting:
    """A proxy's URL, which may hold a password, and where it comes from: `proxy`, or a variable of the environment."""

    _url: Hidden[str] = field(alias="url", converter=Hidden[str])
    source: str

    @property
    def url(self) -> str:
        return self._url.reveal()


class Network:
    """The TLS context and the proxy for new connections. Shared by the pools of all loops."""

    def __init__(
        self, *, proxy: ProxySetting | None, ssl_context: ssl.SSLContext | None, speaks_socks: bool = True
    ) -> None:
        if ssl_context is not None:
            _check_context(ssl_context)
        self._proxy = proxy
        self._speaks_socks = speaks_socks
        complaint = proxy and _socks_complaint(proxy, speaks_socks=speaks_socks)
        if complaint:
            raise ConfigurationError(complaint)
        self._contexts: dict[bool, ssl.SSLContext] = {} if ssl_context is None else {True: ssl_context}

    def tls_for(self, origin: str) -> ssl.SSLContext:
        """The shared context, made for the first https origin: reading the CA file takes tens of milliseconds."""
        secure = _is_https(origin)
        context = self._contexts.get(secure)
        if context is None:
            for name in ("ssl", "httpx"):
                import_module(name)  # before the lock is taken: an import may wait for other threads
            with fork_lock():
                context = self._contexts.setdefault(secure, _default_tls() if secure else _unused_tls())
        return context

    def proxy_for(self, origin: str) -> httpx.Proxy | None:
        """The proxy given, else the one that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for this origin.

        This machine itself is never reached through a proxy of the environment: `http://` is allowed there because
        nobody can read along.
        """
        import httpx

        setting = self._proxy or proxy_from_environment(origin)
        if setting is None:
            return None
        complaint = _complaint(setting) or _socks_complaint(setting, speaks_socks=self._speaks_socks)
        if complaint is not None:
            raise ConfigurationError(complaint)
        try:
            return httpx.Proxy(setting.url, ssl_context=self.tls_for("https:") if _is_https(setting.url) else None)
        except (httpx.InvalidURL, ValueError):
            pass
        raise ConfigurationError(f"{setting.source} is no URL of a proxy")


def given_proxy(url: object) -> ProxySetting | None:
    """The argument `proxy`, checked."""
    if url is None:
        return None
    if not isinstance(url, str):
        raise InvalidArgumentError("proxy must be a URL such as http://host:port", argument="proxy")
    setting = ProxySetting(url=url, source="proxy")
    del url
    complaint = _complaint(setting)
    if complaint is None:
        return setting
    raise InvalidArgumentError(complaint, argument="proxy")


def _complaint(setting: ProxySetting) -> str | None:
    """What is wrong with a proxy's URL. It is not quoted, since it may hold a password."""
    from urllib.parse import urlsplit

    wanted = f"{setting.source} must be a URL such as http://host:port (or https, socks5, socks5h)"
    try:
        parts = urlsplit(setting.url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return wanted
    if not is_whole or parts.scheme not in _PROXY_SCHEMES or not setting.url.isprintable() or " " in setting.url:
        return wanted
    return None


def _socks_complaint(setting: ProxySetting, *, speaks_socks: bool) -> str | None:
    from importlib.util import find_spec

    if not setting.url.lower().startswith("socks"):
        return None
    what = f"{setting.source} names a SOCKS proxy"
    if not speaks_socks:
        return f'{what}, and http_backend="aiohttp" knows http:// and https:// proxies only'
    if find_spec("socksio") is None:
        return f"{what}, which needs the package socksio: pip install 'httpx[socks]'"
    return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone. `0.0.0.0`, which servers print, counts too."""
    import ipaddress

    host = host.lower().removesuffix(".")
    if host in _LOOPBACK_NAMES or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any(each.is_loopback or each.is_unspecified for each in (address, mapped) if each is not None)


def check_key_log() -> None:
    """Check the file that SSLKEYLOGFILE names: Python opens it for each TLS context, and aiohttp makes one on import.

    Raises:
        ConfigurationError: it cannot be written, or certificates are to be read from a pipe.
    """
    error = _key_log_error() or _pipe_error()
    if error is not None:
        raise error


def setup_error(what: str, fault: Exception) -> ConfigurationError:
    """The error for a fault while connections were set up; it names the variable that caused it, if one did."""
    for proxy in _environment_proxies():
        complaint = _complaint(proxy) or _socks_complaint(proxy, speaks_socks=True)
        if complaint is not None:
            return ConfigurationError(f"{what}: {complaint}")
    error = _key_log_error() or _certificates_error()
    return error or ConfigurationError(f"{what}: {type(fault).__name__}, {_words(fault)}")


def _default_tls() -> ssl.SSLContext:
    import httpx

    check_key_log()
    folder = os.environ.get("SSL_CERT_DIR")
    if folder and not os.environ.get("SSL_CERT_FILE"):
        _check_folder(folder)  # OpenSSL accepts any text here, and then finds no certificate
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as fault:
        error = setup_error("TLS could not be set up", fault)
    raise error


def _key_log_error() -> ConfigurationError | None:
    path = os.environ.get("SSLKEYLOGFILE")
    if not path:
        return None
    try:
        # Not blocking: to open a pipe that nobody reads would wait for ever.
        with open(path, "ab", opener=_open_at_once):
            return None
    except (OSError, ValueError) as fault:
        return _names("SSLKEYLOGFILE", path, _words(fault))


def _pipe_error() -> ConfigurationError | None:
    """The error for a pipe in place of certificates: to open it could wait for ever."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        path = os.environ.get(variable, "")
        try:
            if Path(path).is_fifo():
                return _names(variable, path, "it is a pipe")
        except OSError as fault:  # no file can have this name, or it must not be looked at
            return _names(variable, path, _words(fault))
    return None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)


def _certificates_error() -> ConfigurationError | None:
    """What is wrong with the file of certificates that the environment names, if anything is."""
    import ssl

    path = os.environ.get("SSL_CERT_FILE")
    if not path:
        return None
    try:
        if Path(path).is_dir():
            return _names("SSL_CERT_FILE", path, "it is a folder; SSL_CERT_DIR names one")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return _names("SSL_CERT_FILE", path, "it holds no certificates in PEM form")
    except (OSError, ValueError) as fault:
        return _names("SSL_CERT_FILE", path, _words(fault))
    return None


def _check_folder(folder: str) -> None:
    words = "no folder"
    for each in folder.split(os.pathsep):
        try:
            os.listdir(each)  # noqa: PTH208 - a pathlib iterator reads nothing before it is asked
        except (OSError, ValueError) as fault:
            words = _words(fault)
        else:
            return
    raise _names("SSL_CERT_DIR", folder, words)


def _names(variable: str, path: str, words: str) -> ConfigurationError:
    return ConfigurationError(f"the environment variable {variable} names {path}, which cannot be used: {words}")


def _words(fault: Exception) -> str:
    """What went wrong, without the library's text, which may quote a URL."""
    if isinstance(fault, ImportError):
        return f"no module {fault.name}" if fault.name else "a package is missing"
    errno = fault.errno if isinstance(fault, OSError) else None
    return os.strerror(errno) if isinstance(errno, int) and errno > 0 else type(fault).__name__


def _check_context(context: object) -> None:
    import ssl

    if not isinstance(context, ssl.SSLContext):
        raise InvalidArgumentError("ssl_context must be an ssl.SSLContext", argument="ssl_context")
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise InvalidArgumentError(
            "ssl_context is one for servers; make it with ssl.create_default_context()", argument="ssl_context"
        )


def _is_https(url: str) -> bool:
    return url[:6].lower() == "https:"


def _unused_tls() -> ssl.SSLContext:
    """A context for http://, for which httpx would otherwise read the CA file."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_from_environment(origin: str) -> ProxySetting | None:
    """The proxy by httpx's rules and code, so that both backends and every other use of httpx agree."""
    if is_loopback(_host(origin)) or not _environment_proxies():
        return None
    import httpx
    from httpx._utils import URLPattern, get_environment_proxies  # there is no public name for them

    rules: list[tuple[URLPattern, str | None]] = []
    for pattern, proxy in get_environment_proxies().items():
        # Other programs accept `[::1]` and `fd00::/8` in NO_PROXY; httpx cannot read them, so they match nothing.
        with suppress(httpx.InvalidURL):
            rules.append((URLPattern(pattern), proxy))
    try:
        url = httpx.URL(origin)
    except httpx.InvalidURL:
        return None  # the attempt will fail with this
    for rule, proxy in sorted(rules, key=lambda entry: entry[0]):
        if rule.matches(url):
            return None if proxy is None else ProxySetting(url=proxy, source=_variable(rule.pattern.partition(":")[0]))
    return None


def _host(origin: str) -> str:
    from urllib.parse import urlsplit

    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _environment_proxies() -> list[ProxySetting]:
    from urllib.request import getproxies

    return [
        ProxySetting(url=url if "://" in url else f"http://{url}", source=_variable(scheme))
        for scheme, url in getproxies().items()
        if scheme in ("http", "https", "all") and url
    ]


def _variable(scheme: str) -> str:
    """The variable that names the proxy of a scheme, as spelt in the environment."""
    name = f"{scheme}_proxy"
    return name if name in os.environ else name.upper()
