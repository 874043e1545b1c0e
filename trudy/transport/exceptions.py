"""Which exceptions are faults of an attempt, what a failed attempt proves, and the error it becomes.

An exception's name proves nothing (httpx-aiohttp reports a connection dropped after sending as `ConnectTimeout`). That
no byte was sent is proven by what the HTTP library has reported: something, which shows that it reports at all (a mock
does not), but not that it began to send the request's headers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

from trudy.errors import APIConnectionError, APITimeoutError, TrudyError
from trudy.options import Timeout

if TYPE_CHECKING:
    from trudy.transport.pool_by_loop import AttemptTrace

_PHASES: Final = {
    "ConnectTimeout": "connect",
    "ConnectionTimeoutError": "connect",
    "ReadTimeout": "read",
    "SocketTimeoutError": "read",
    "WriteTimeout": "write",
    "WriteTimeoutError": "write",
    "PoolTimeout": "pool",
}
_TIMED_OUT: Final = {
    "connect": "no connection",
    "read": "no answer",
    "write": "the request could not be sent",
    "pool": "no free connection",
}
_KINDS: Final = {
    "ProxyError": "the proxy refused or failed",
    "ConnectError": "could not connect",
    "ReadError": "the connection broke while waiting for the answer",
    "WriteError": "the connection broke while sending",
    "CloseError": "the connection broke",
    "RemoteProtocolError": "the server closed the connection without a whole answer, or sent no HTTP",
    "LocalProtocolError": "the request is no valid HTTP",
    "UnsupportedProtocol": "the URL is neither http:// nor https://",
    "InvalidURL": "the URL is invalid",
    "DecodingError": "the answer's compression is broken",
    "EOFError": "the answer's compression breaks off",
    "error": "the answer's compression is broken",  # zlib's and brotli's
    "ZstdError": "the answer's compression is broken",
    "ClientConnectorError": "could not connect",
    "ClientHttpProxyError": "the proxy refused or failed",
    "ClientConnectionError": "the connection broke",
    "ClientResponseError": "the answer is no valid HTTP",
    "ServerDisconnectedError": "the server closed the connection without a whole answer",
    "ClientPayloadError": "the connection broke while waiting for the answer",
    "ClientOSError": "the connection broke",
    "SecondTryError": "the server closed the connection without an answer",
    "ResponseTooLargeError": "the answer is too large",
}
_LIBRARIES: Final = frozenset(
    (
        *("httpx", "httpcore", "h11", "h2", "httpx2", "httpcore2", "aiohttp", "yarl", "httpx_aiohttp", "socksio"),
        *("anyio", "trio", "asyncio", "uvloop", "concurrent", "ssl", "socket", "selectors", "encodings", "idna"),
        *("zlib", "brotli", "brotlicffi", "zstandard", "trudy"),
    )
)
"""Packages whose exceptions, or whose lines raising one of Python's own, say that an attempt failed."""


class ResponseTooLargeError(Exception):
    """An answer grows beyond what the caller allows; `limit` names the option and its value."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


def stranger(error: Exception) -> Exception | None:
    """The exception to raise untouched, if `error` does not say that the attempt failed; None if it does.

    An attempt can be interrupted by exceptions that have nothing to do with it: one that a signal handler raises, such
    as a time limit of the caller's, also where the HTTP library has wrapped it; or one that a callback raises.
    """
    for link in _chain(error):
        if is_from_signal_handler(link):
            return cast("Exception", link)
    return None if _is_fault(error) else error


def _is_fault(error: BaseException) -> bool:
    if isinstance(error, TrudyError):
        return False
    if isinstance(error, OSError | EOFError):  # time limits, TLS and names among them
        return True
    if isinstance(error, BaseExceptionGroup):
        parts = cast("Sequence[BaseException]", error.exceptions)  # pyright: ignore[reportUnknownMemberType]
        return all(_is_fault(part) for part in parts)
    if any(cls.__module__.partition(".")[0] in _LIBRARIES for cls in type(error).__mro__):
        return True
    # A RuntimeError or ValueError is a fault of the attempt if a line of one of these libraries raised it.
    return _raised_in(error).partition(".")[0] in _LIBRARIES


def _raised_in(error: BaseException) -> str:
    """The module that raised it."""
    name = ""
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_globals.get("__name__", "")
        trace = trace.tb_next
    return name


def is_from_signal_handler(error: BaseException) -> bool:
    """Whether a signal handler raised it: a time limit of the caller's, which must reach him."""
    import signal

    # A handler may raise a TimeoutError too: only the traceback tells it from one of the event loop.
    handlers = {getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in handlers:
            return True
        trace = trace.tb_next
    return False


def connection_error(
    fault: Exception, attempt: AttemptTrace, *, timeout: Timeout, method: str, path: str
) -> APIConnectionError:
    """The error for any exception of the HTTP library. Its own text is not used: it may quote the key or the URL."""
    cause = _aiohttp_fault(fault)
    names = [cls.__name__ for cls in type(cause or fault).__mro__]
    timed_out = isinstance(cause, TimeoutError) if cause else {"TimeoutException", "TimeoutError"} & {*names}
    sent = not attempt.nothing_sent
    if timed_out:
        phase = next((_PHASES[name] for name in names if name in _PHASES), "read" if attempt.started else "connect")
        return timeout_error(phase, timeout=timeout, request_sent=sent, method=method, path=path)
    kind = next((_KINDS[name] for name in names if name in _KINDS), "the attempt failed")
    too_large = isinstance(fault, ResponseTooLargeError)
    reason = fault.limit if isinstance(fault, ResponseTooLargeError) else _reason(fault)
    return APIConnectionError(
        f"{kind}: {reason}" if reason else kind,
        code="response_too_large" if too_large else None,
        request_sent=sent,
        method=method,
        path=path,
    )


def timeout_error(phase: str, *, timeout: Timeout, request_sent: bool, method: str, path: str) -> APITimeoutError:
    """The error for a phase (`connect`, `read`, `write`, `pool`) that took too long."""
    seconds: float | None = getattr(timeout, phase)
    message = _TIMED_OUT[phase] + (" in time" if seconds is None else f" within {seconds:g} s")
    return APITimeoutError(message, request_sent=request_sent, method=method, path=path)


def _aiohttp_fault(fault: BaseException) -> BaseException | None:
    """The exception of aiohttp, which a custom client of httpx-aiohttp wraps in a misleading one; None without one."""
    for link in (fault, fault.__cause__):
        if link is not None and type(link).__module__.split(".")[0] == "aiohttp":
            return link
    return None


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        yield fault
        group = cast("Sequence[BaseException]", fault.exceptions) if isinstance(fault, BaseExceptionGroup) else None
        fault = group[0] if group else fault.__cause__ or fault.__context__  # a group: one fault for each address tried


def _reason(fault: BaseException) -> str | None:
    """What the operating system or TLS says, which holds no part of the request."""
    import socket
    import ssl

    for link in _chain(fault):
        # By `getattr`: errors of aiohttp are of these classes without having these attributes.
        if isinstance(link, ssl.SSLCertVerificationError) and (text := getattr(link, "verify_message", None)):
            return f"certificate verify failed, {text}"
        if isinstance(link, ssl.SSLError):
            if text := getattr(link, "reason", None):
                return f"TLS, {text}"
        elif isinstance(link, socket.gaierror):
            return "the host name could not be resolved"
        elif isinstance(link, OSError) and isinstance(link.errno, int) and link.errno > 0:
            return os.strerror(link.errno)
    return None
