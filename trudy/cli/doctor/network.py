"""Connections and TLS, looked at without the API: what answers, in which words it refuses, and whose certificate."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from typing import Any, Final, cast

from trudy.cli.doctor.verdicts import TLSFacts
from trudy.transport.tls_and_proxy import Network, is_loopback
from trudy.webhooks.check import trials

_ORGANISATION: Final = ("organizationName", "commonName")


def connect_seconds(host: str, port: int, timeout: float) -> float:
    """How long it takes to find a name and to connect; raises `OSError`."""
    started = time.monotonic()
    socket.create_connection((host, port), timeout=timeout).close()
    return time.monotonic() - started


def handshake(host: str, port: int, timeout: float) -> TLSFacts:
    """What a TLS handshake shows, with the certificates that the client trusts.

    Raises:
        OSError: no connection, or a certificate that is not trusted (`ssl.SSLError`).
        ConfigurationError: a variable of the environment names certificates that cannot be used.
    """
    context = Network(proxy=None, ssl_context=None).tls_for("https:")
    with (
        socket.create_connection((host, port), timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate = cast("dict[str, Any]", secure.getpeercert() or {})
        version = secure.version() or "TLS"
    ends = certificate.get("notAfter")
    left = None if not isinstance(ends, str) else ssl.cert_time_to_seconds(ends) - time.time()
    return TLSFacts(version=version, issuer=_issuer(certificate), seconds_left=left)


def why(error: OSError) -> str:
    """Why there is no connection, in a few words."""
    match error:
        case socket.gaierror():
            return "its name is not found"
        case ConnectionRefusedError():
            return "nothing listens there"
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"it does not speak TLS as expected ({getattr(error, 'reason', None) or type(error).__name__})"
        case _:
            return (error.strerror or type(error).__name__).lower()


def is_private(host: str, port: int) -> bool:
    """Whether only this network reaches a host; raises `OSError` for a name that is not found."""
    found = {str(entry[4][0]).partition("%")[0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    return not any(ipaddress.ip_address(address).is_global for address in found)


def _issuer(certificate: dict[str, Any]) -> str:
    names = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    return next((str(names[name]) for name in _ORGANISATION if name in names), "an unnamed issuer")


def unsigned_delivery(url: str, timeout: float) -> int:
    """The status that a receiver answers to a delivery without a signature, which runs no handler of it.

    Raises:
        OSError: no answer.
    """
    import httpx

    unsigned = next(trial for trial in trials("whsec_of_no_receiver") if trial.name == "unsigned")
    # A proxy set in the environment cannot reach this machine's loopback address.
    with httpx.Client(timeout=timeout, trust_env=not is_loopback(httpx.URL(url).host)) as client:
        try:
            return client.post(url, content=unsigned.body, headers=dict(unsigned.headers)).status_code
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.TransportError as error:
            raise _cause(error) from None


def _cause(error: BaseException) -> OSError:
    """The fault of the network behind an exception of httpx."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError):
            return link
        link = link.__cause__ or link.__context__
    return OSError(f"the connection broke ({type(error).__name__})")
