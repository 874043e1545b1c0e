"""Whoever logs tracebacks with local variables (Sentry, rich, `pytest -l`) logs no secret out of our frames."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import TracebackType
from typing import Final

import anyio
import httpx
import pytest

from tests.fakes.frames import shown_texts
from tests.fakes.loopback import Answer, Close, Loopback, Raw, Reset, Silence, Step
from tests.fakes.twice import Twice, answer
from tests.fakes.ways import WAYS, Way, make_request
from trudy.errors import InvalidArgumentError
from trudy.options import Timeout
from trudy.request import Request
from trudy.resources._contact_file import check_contact_file
from trudy.resources._uploads import Upload, read_upload
from trudy.transport.pool_by_loop import FileRequest
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio

KEY: Final = "truedy_s3cret"
NUMBER: Final = "4155550123"
SIGNATURE: Final = "s1gnature"
SECRETS: Final = (KEY, NUMBER, SIGNATURE)
QUICK: Final = Timeout(connect=5, read=0.1, write=0.1, pool=0.1)


@pytest.fixture(params=[*WAYS, "custom"], ids=str)
def way(request: pytest.FixtureRequest) -> Way | str:
    return request.param


@pytest.fixture
def anyio_backend(way: Way | str) -> str:
    return way.loop if isinstance(way, Way) else "asyncio"


@pytest.fixture
async def transport(way: Way | str) -> AsyncIterator[Transport]:
    backend = Transport(backend=way.backend) if isinstance(way, Way) else Transport(http_client=httpx.AsyncClient)
    yield backend
    await backend.aclose()


def _ours(error: BaseException) -> Iterator[TracebackType]:
    """The parts of a traceback that stand in the package."""
    trace = error.__traceback__
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == "trudy":
            yield trace
        trace = trace.tb_next


def _texts(value: object, depth: int = 6) -> Iterator[str]:
    """What a logger prints of a variable: its repr, and those of what the containers it is made of hold."""
    yield repr(value)
    if depth and isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key, depth - 1)
            yield from _texts(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _texts(each, depth - 1)


def _shows_nothing(error: BaseException) -> None:
    frames = 0
    for link in (error, error.__cause__, error.__context__):
        for trace in _ours(link) if link is not None else ():
            frames += 1
            for name, value in trace.tb_frame.f_locals.items():
                for text in _texts(value):
                    found = [secret for secret in SECRETS if secret in text]
                    assert not found, f"{trace.tb_frame.f_code.co_qualname}: {name} shows {found}"
    assert frames
    reached = [where for where, text in shown_texts(error) if any(secret in text for secret in SECRETS)]
    assert reached == []
    assert not any(secret in f"{error!s} {error!r}" for secret in SECRETS)


STEPS: list[tuple[str, Step]] = [
    ("reset", Reset()),
    ("closed", Close()),
    ("silence", Silence()),
    ("cut off", Answer(f"+1{NUMBER}".encode() * 100, cut_at=50)),
    ("no HTTP", Raw(f"{NUMBER}\r\n\r\n".encode())),
    ("too large", Answer(f"+1{NUMBER}".encode() * 200_000)),
    (
        "compressed too large",
        Answer(gzip.compress(f"+1{NUMBER}".encode() * 200_000), headers=[("Content-Encoding", "gzip")]),
    ),
    ("broken compression", Answer(f"+1{NUMBER}".encode(), headers=[("Content-Encoding", "gzip")])),
]


@pytest.mark.parametrize("step", [row[1] for row in STEPS], ids=[row[0] for row in STEPS])
@pytest.mark.parametrize("size", [1, 10_000], ids=["small", "large"])
async def test_a_failed_request(server: Loopback, way: Way | str, step: Step, size: int) -> None:
    transport = (
        Transport(backend=way.backend, max_response_bytes=1_000_000)
        if isinstance(way, Way)
        else Transport(http_client=httpx.AsyncClient, max_response_bytes=1_000_000)
    )
    server.script.append(step)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        await transport.send(_secret_request(server.url, size))
    _shows_nothing(caught.value)
    await transport.aclose()


async def test_a_request_that_never_leaves(transport: Transport) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (
            f"http://127.0.0.1:{taken.getsockname()[1]}",
            "http://trudy.invalid",
            "http://[bad",
            "http://a:99999",
        ):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
                await transport.send(_secret_request(url))
            _shows_nothing(caught.value)


@pytest.mark.parametrize("at", ["the headers", "the body"])
@pytest.mark.parametrize("size", [1, 10_000], ids=["small", "large"])
async def test_a_cancelled_request(transport: Transport, at: str, size: int) -> None:
    with Twice() as server:
        server.pieces.append(b"" if at == "the headers" else answer(NUMBER.encode() * 9)[:-9])
        await _cancelled(lambda: transport.send(_secret_request(server.url, size, Timeout())))


@pytest.mark.parametrize("step", [row[1] for row in STEPS[:4]], ids=[row[0] for row in STEPS[:4]])
async def test_a_failed_download(server: Loopback, transport: Transport, step: Step) -> None:
    server.script.extend([Answer(b"", 302, [("Location", f"/else?sig={SIGNATURE}")]), step])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        await _fetch(transport, f"{server.url}/r?sig={SIGNATURE}")
    _shows_nothing(caught.value)


@pytest.mark.parametrize("target", [f"http://[bad?{SIGNATURE}", f"ftp://x/{SIGNATURE}?{SIGNATURE}", f"/r?{SIGNATURE}"])
async def test_a_download_that_is_redirected_to_where_nobody_answers(
    server: Loopback, transport: Transport, target: str
) -> None:
    server.default = Answer(b"", 302, [("Location", target.replace(f"/{SIGNATURE}", "/y"))])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is
        await _fetch(transport, f"{server.url}/r?sig={SIGNATURE}")
    _shows_nothing(caught.value)


async def test_a_cancelled_download(server: Loopback, transport: Transport) -> None:
    server.script.append(Silence())
    await _cancelled(lambda: _fetch(transport, f"{server.url}/r?sig={SIGNATURE}"))


@pytest.mark.parametrize(
    "data",
    [
        f"phone\n+1{NUMBER}\n".encode("utf-16"),
        f"phone\n+1{NUMBER}\n\xff".encode("latin-1"),
        f"number\n+1{NUMBER}\n".encode(),
        f"phone\n{NUMBER}555\n\n+14155550180\n".encode(),
        f'phone,"+1{NUMBER}\n'.encode() + b"x" * 200_000,
        b"PK\x03\x04" + NUMBER.encode(),
        b"\xd0\xcf\x11\xe0" + NUMBER.encode(),
    ],
)
async def test_a_file_of_contacts_that_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        check_contact_file(Upload(filename="a", data=data), base_url="https://api.truedy.ai")
    _shows_nothing(caught.value)


@pytest.mark.parametrize("most", [1, 5])
async def test_a_file_that_is_too_large(most: int) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read_upload(NUMBER.encode(), "file", most=most)
    _shows_nothing(caught.value)


def _secret_request(url: str, size: int = 1, timeout: Timeout = QUICK) -> Request:
    return make_request(
        url,
        method="POST",
        query=f"?phone=%2B1{NUMBER}",
        headers=(("Authorization", f"Bearer {KEY}"), ("X-Idempotency-Key", "k")),
        body=f'{{"phone_number": "+1{NUMBER}"}}'.encode() * size,
        timeout=timeout,
    )


async def _fetch(transport: Transport, url: str) -> None:
    request = FileRequest(url=url, timeout=QUICK)
    del url
    async with transport.stream(request) as streamed:
        async for _ in streamed.chunks():
            pass


async def _cancelled(action: Callable[[], Awaitable[object]]) -> None:
    """Look at the cancellation itself, as it comes out of our frames."""
    seen: list[BaseException] = []
    with anyio.move_on_after(0.05):
        try:
            await action()
        except BaseException as error:
            seen.append(error)
            raise
    _shows_nothing(seen[0])
    assert type(seen[0]).__name__ in (asyncio.CancelledError.__name__, "Cancelled")
