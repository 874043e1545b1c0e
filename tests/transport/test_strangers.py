"""Exceptions of other code pass through an attempt unchanged; those of the attempt become errors of this package."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable

import anyio
import httpx
import pytest

from tests.fakes.loopback import Answer, Loopback, Silence
from tests.fakes.ways import Way, make_request
from trudy.errors import APIConnectionError, ConfigurationError, TrudyError
from trudy.options import Timeout
from trudy.transport.exceptions import stranger
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


class TimeLimitError(Exception):
    """An exception of other code, such as Celery's soft time limit."""


FOREIGN_EXCEPTIONS: list[Callable[[], Exception]] = [
    TimeLimitError,
    TimeoutError,
    RuntimeError,
    ValueError,
    lambda: OSError(5, "x"),
    lambda: ConfigurationError("x"),
]


@pytest.fixture
async def transport(way: Way) -> AsyncIterator[Transport]:
    transport = Transport(backend=way.backend, max_connections=1)
    yield transport
    await transport.aclose()


class Body:
    """A reply's body during which a signal arrives."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        os.kill(os.getpid(), signal.SIGUSR1)
        return b"x"


@pytest.mark.parametrize("make", FOREIGN_EXCEPTIONS)
@pytest.mark.parametrize("status", [200, 500])
async def test_what_a_signal_handler_raises_reaches_the_caller(
    server: Loopback, transport: Transport, monkeypatch: pytest.MonkeyPatch, make: Callable[[], Exception], status: int
) -> None:
    error = make()

    def handler(number: int, frame: object) -> None:
        raise error

    server.script.extend([Answer(b"x" * 100, status), Answer(b"x" * 100, status)])
    before = signal.signal(signal.SIGUSR1, handler)
    with monkeypatch.context() as patch:
        for reply in ("trudy.transport.httpx_backend.HttpxReply", "trudy.transport.aiohttp_backend.AiohttpReply"):
            patch.setattr(f"{reply}.__aiter__", lambda self: Body(error))
        try:
            with pytest.raises(type(error)) as caught:
                await transport.send(make_request(server.url))
            assert caught.value is error
            with pytest.raises(type(error)) as caught:
                async with transport.stream(FileRequest(url=f"{server.url}/r", timeout=Timeout())) as streamed:
                    await anext(streamed.chunks())
            assert caught.value is error
        finally:
            signal.signal(signal.SIGUSR1, before)
    # The connection went with it, and its place is free.
    assert (await transport.send(make_request(server.url))).status == 200


async def test_what_a_handler_raises_is_found_inside_what_the_library_made_of_it() -> None:
    error = TimeoutError("the time limit")

    def handler(number: int, frame: object) -> None:
        raise error

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(TimeoutError):
            os.kill(os.getpid(), signal.SIGUSR1)
        fault = httpx.ConnectTimeout("no")
        fault.__cause__ = error
        assert stranger(fault) is error
        assert stranger(error) is error
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("make", [TimeLimitError, RuntimeError, KeyError, lambda: ConfigurationError("x")])
async def test_an_error_of_the_callers_own_transport_is_the_callers(way: Way, make: Callable[[], Exception]) -> None:
    error = make()

    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail)) as client:
        with pytest.raises(type(error)) as caught:
            await Transport(http_client=client).send(make_request("http://api.invalid"))
    assert caught.value is error


async def test_an_error_that_a_library_raises_is_a_fault_of_the_attempt(server: Loopback, way: Way) -> None:
    """A name too long for DNS ends in a UnicodeError or a ValueError, by no line of ours or of the caller's."""
    transport = Transport(backend=way.backend)
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(make_request(f"http://{'a' * 70}.example"))
    assert not isinstance(caught.value, TimeoutError)
    await transport.aclose()


async def test_a_cancellation_stays_a_cancellation(way: Way) -> None:
    with Loopback(default=Silence()) as server:
        transport = Transport(backend=way.backend)
        with anyio.move_on_after(0.05) as scope:
            await transport.send(make_request(server.url))
        assert scope.cancelled_caught
        await transport.aclose()


def test_errors_of_this_package_pass_unchanged() -> None:
    error = TrudyError("x")
    assert stranger(error) is error
    assert stranger(ExceptionGroup("x", [OSError(5, "x"), KeyError("x")])) is not None
    assert stranger(ExceptionGroup("x", [OSError(5, "x"), EOFError()])) is None
