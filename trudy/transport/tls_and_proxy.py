"""The way out: one TLS context for all connections of a client, and the proxy, given or from the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trudy.errors import ConfigurationError, InvalidArgumentError

if TYPE_CHECKING:
    import ssl

    import httpx

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


class Network:
    """What a new connection needs to know. Shared by the pools of all loops."""

    def __init__(self, *, proxy: str | None, ssl_context: ssl.SSLContext | None) -> None:
        if ssl_context is not None and not _is_tls_context(ssl_context):
            raise InvalidArgumentError("ssl_context must be an ssl.SSLContext", argument="ssl_context")
        if proxy is not None:
            _check_proxy(proxy)
        self._proxy = proxy
        self._contexts: dict[bool, ssl.SSLContext] = {} if ssl_context is None else {True: ssl_context}

    def tls_for(self, origin: str) -> ssl.SSLContext:
        """The one context, made when the first https origin is met; reading the CA file takes tens of milliseconds."""
        secure = origin[:6].lower() == "https:"
        context = self._contexts.get(secure)
        if context is None:
            # `setdefault`, because two loops in two threads may come here at once; a lock could be held during a fork.
            context = self._contexts.setdefault(secure, _default_tls() if secure else _unused_tls())
        return context

    def proxy_for(self, origin: str) -> httpx.Proxy | None:
        """The proxy given, else the one that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for this origin."""
        import httpx

        url = self._proxy
        if url is None:
            url = _proxy_from_environment(origin)
            if url is None:
                return None
        try:
            return httpx.Proxy(url)
        except (httpx.InvalidURL, ValueError):
            pass
        raise ConfigurationError("the proxy's URL is invalid; see proxy= and the environment's *_PROXY variables")


def _default_tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def _is_tls_context(value: object) -> bool:
    import ssl

    return isinstance(value, ssl.SSLContext)


def _unused_tls() -> ssl.SSLContext:
    """httpx wants a context even for http://, and would read the CA file for it."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _check_proxy(proxy: object) -> None:
    scheme = proxy.partition("://")[0].lower() if isinstance(proxy, str) and "://" in proxy else None
    if scheme not in _PROXY_SCHEMES:
        raise InvalidArgumentError(
            "proxy must be a URL such as http://host:port (or https, socks5, socks5h)", argument="proxy"
        )


def check_socks(proxy: str | None) -> None:
    """httpx speaks SOCKS only with a package of its own, and says so no sooner than at the first request."""
    from importlib.util import find_spec

    if proxy is not None and proxy.lower().startswith("socks") and find_spec("socksio") is None:
        raise ConfigurationError("a SOCKS proxy needs the package socksio: pip install 'httpx[socks]'")


def _proxy_from_environment(origin: str) -> str | None:
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    parts = urlsplit(origin)
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url or proxy_bypass(parts.netloc):
        return None
    return url if "://" in url else f"http://{url}"
