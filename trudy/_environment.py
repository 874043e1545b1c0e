"""What a client is given, else what the environment says, else the default: key, URL, backend, a sandbox's clock.

Two more files read the environment: `TRUDY_LOG` in `pipeline/logs.py`, proxies and certificates in
`transport/tls_and_proxy.py`.
"""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

from trudy.clock import SANDBOX_CLOCK, SharedClock
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.pipeline.auth import Credential, CredentialSource
from trudy.transport.tls_and_proxy import is_loopback
from trudy.transport.transport import BACKENDS, Backend

_DEFAULT_BASE_URL: Final = "https://api.truedy.ai/api/public/v1"
_WAYS: Final = "pass api_key=..., pass jwt_token=..., or set TRUDY_API_KEY in the environment"


def find_credential(api_key: CredentialSource | None, jwt_token: CredentialSource | None) -> Credential:
    """The key or token given, else the key in the environment."""
    if api_key is not None and jwt_token is not None:
        raise ConfigurationError(f"api_key and jwt_token are both given, and only one can be used: {_WAYS}")
    if jwt_token is not None:
        return Credential(jwt_token, "jwt_token")
    if api_key is not None:
        return Credential(api_key, "api_key")
    for name in ("TRUDY_API_KEY", "TRUEDY_API_KEY"):
        if value := os.environ.get(name):
            return Credential(value, name)
    raise ConfigurationError(f"no credential: {_WAYS}")


def find_base_url(given: object, *, allow_http: bool) -> str:
    """The URL given, else that of the environment, else Truedy's own: checked, without a slash at its end."""
    url = given or os.environ.get("TRUDY_BASE_URL") or _DEFAULT_BASE_URL
    if not isinstance(url, str):
        raise ConfigurationError("base_url must be a string")
    if not url.isprintable() or " " in url:
        raise ConfigurationError("base_url contains white space; was it read from a file without .strip()?")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ConfigurationError("base_url is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError("base_url must start with https:// and name a host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError("base_url must not have a user, a query or a fragment")
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise ConfigurationError(
            f"base_url sends the key in the clear to {host}; use https://, or allow_http=True if that is meant"
        )
    return url.rstrip("/")


def find_backend(given: object, http_client: object) -> Backend:
    """The backend given, else that of the environment, which does not apply to a client with an `http_client`."""
    name = given or (os.environ.get("TRUDY_HTTP_BACKEND") if http_client is None else None) or "httpx"
    for backend in BACKENDS:
        if name == backend:
            return backend
    raise InvalidArgumentError(f"http_backend must be one of {', '.join(BACKENDS)}", argument="http_backend")


def find_sandbox_clock(base_url: str) -> SharedClock | None:
    """The clock of the served sandbox that the environment names; None without one, and for an https:// URL."""
    text = os.environ.get(SANDBOX_CLOCK)
    if not text or urlsplit(base_url).scheme != "http":
        return None
    try:
        return SharedClock.parse(text)
    except ValueError as error:
        raise ConfigurationError(f"{SANDBOX_CLOCK} is not as server.environment has it: {error}") from None
