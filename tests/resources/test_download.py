"""Saving a recording over the wire: bounds, what is tried again, and that no link is seen."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import anyio
import pytest

from tests.fakes.loopback import Answer, Close, Loopback
from tests.fakes.ways import WAYS, Way
from trudy import TrudyClient
from trudy._settings import Settings
from trudy.clock import SystemClock
from trudy.errors import APIConnectionError, APITimeoutError, InvalidArgumentError, ResponseDecodeError
from trudy.models import Recording
from trudy.resources._download import download
from trudy.transport.transport import Transport

pytestmark = pytest.mark.anyio


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    return request.param


@pytest.fixture
def anyio_backend(way: Way) -> str:
    return way.loop


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


async def _download(
    way: Way,
    server: Loopback,
    to: Any,
    *,
    max_bytes: int | None = None,
    retries: int = 0,
    deadline: float | None = None,
) -> None:
    transport = Transport(backend=way.backend)
    core: Any = SimpleNamespace(transport=transport, clock=SystemClock())

    async def link() -> Recording:
        return Recording(recording_url=f"{server.url}/call.wav?signature=s3cret")

    try:
        await download(
            core,
            link,
            to,
            max_bytes=max_bytes,
            progress=None,
            settings=Settings(max_retries=retries, deadline=deadline),
        )
    finally:
        await transport.aclose()


@pytest.mark.parametrize("encoding", [None, "gzip"])
async def test_more_than_is_allowed_is_refused_and_leaves_nothing(
    way: Way, server: Loopback, tmp_path: Path, encoding: str | None
) -> None:
    body = bytes(3_000_000)
    headers = [("Content-Encoding", encoding)] if encoding else []
    server.default = Answer(gzip.compress(body) if encoding else body, headers=headers)
    for most in (None, len(body)):
        await _download(way, server, tmp_path / "call.wav", max_bytes=most)
        assert (tmp_path / "call.wav").stat().st_size == len(body)
    (tmp_path / "call.wav").unlink()
    before = len(server.seen)
    target = io.BytesIO()
    for to in (tmp_path / "call.wav", target):
        with pytest.raises(ResponseDecodeError, match=r"larger than max_bytes, 2\.8610\d* MiB"):
            await _download(way, server, to, max_bytes=len(body) - 1, retries=2)
    assert not any(tmp_path.iterdir())
    assert len(target.getvalue()) < len(body)
    assert len(server.seen) == before + 2  # it is not tried again


@pytest.mark.parametrize("most", [0, -1, True, 1.5, "1"])
async def test_a_bound_that_is_none_is_refused(way: Way, server: Loopback, most: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await _download(way, server, io.BytesIO(), max_bytes=most)
    assert caught.value.argument == "max_bytes"
    assert server.seen == []


async def test_a_compressed_recording_takes_constant_memory(way: Way, server: Loopback, tmp_path: Path) -> None:
    server.default = Answer(gzip.compress(bytes(100_000_000)), headers=[("Content-Encoding", "gzip")])
    tracemalloc.start()
    try:
        await _download(way, server, tmp_path / "call.wav")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    assert (tmp_path / "call.wav").stat().st_size == 100_000_000


async def test_a_pipe_is_opened_once_there_is_something_to_write(way: Way, server: Loopback, tmp_path: Path) -> None:
    """Its reader would take the end of a failed try for the end of the file."""
    os.mkfifo(tmp_path / "pipe")
    server.script.extend([Close(), Answer(b"x", 503), Answer(b"audio")])
    read: list[bytes] = []

    async def reader() -> None:
        read.append(await anyio.to_thread.run_sync((tmp_path / "pipe").read_bytes))

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await _download(way, server, tmp_path / "pipe", retries=2)
    assert read == [b"audio"]


async def test_a_pipe_that_was_written_to_is_not_written_again(way: Way, server: Loopback, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    server.default = Answer(b"audio" * 1000, cut_at=500)
    read: list[bytes] = []

    async def reader() -> None:
        read.append(await anyio.to_thread.run_sync((tmp_path / "pipe").read_bytes))

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        with pytest.raises(APIConnectionError) as caught:
            await _download(way, server, tmp_path / "pipe", retries=2)
    assert caught.value.attempts == 1
    assert read == [b"audio" * 100]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Gives a pipe to download to that nobody reads; should that block, it is read after 20 seconds."""
    opened: list[int] = []
    files: list[IO[bytes]] = []
    timers: list[threading.Timer] = []

    def drain(reading: int | Path) -> None:
        if isinstance(reading, Path):
            reading.read_bytes()
        else:
            while os.read(reading, 1_000_000):
                pass

    def make(kind: str) -> Any:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        target: Any = path
        reading: int | Path = path
        if kind != "a pipe without a reader":
            reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            os.set_blocking(reading, True)
            opened.append(reading)
        if kind.startswith("an open file"):
            target = path.open("wb", buffering=0 if "unbuffered" in kind else -1)
            files.append(target)
        timers.append(threading.Timer(20, drain, [reading]))
        timers[0].start()
        return target

    yield make
    for timer in timers:
        timer.cancel()
        timer.join()
    for descriptor in opened:
        os.close(descriptor)
    for file in files:
        with contextlib.suppress(BrokenPipeError):
            file.close()


UNREAD = ["a pipe without a reader", "a pipe", "an open file", "an open file, unbuffered"]


@pytest.mark.parametrize("kind", UNREAD)
async def test_a_pipe_that_nobody_reads_ends_with_the_deadline(
    way: Way, server: Loopback, reader: Callable[[str], Any], kind: str
) -> None:
    server.default = Answer(bytes(3_000_000))
    with pytest.raises(APITimeoutError, match="deadline"):
        await _download(way, server, reader(kind), deadline=0.5)


@pytest.mark.parametrize("kind", UNREAD)
def test_nor_does_it_hold_the_sync_client(server: Loopback, reader: Callable[[str], Any], kind: str) -> None:
    link = {"call_id": "c1", "recording_url": f"{server.url}/a.mp3", "format": "mp3"}
    server.script.append(Answer(json.dumps({"data": link}).encode()))
    server.default = Answer(bytes(3_000_000))
    with (
        TrudyClient("k" * 20, base_url=server.url, rate_limit=False) as client,
        pytest.raises(APITimeoutError, match="deadline"),
    ):
        client.calls.download_recording("c1", to=reader(kind), deadline=0.5)


@pytest.mark.parametrize("buffering", [-1, 0])
async def test_an_open_pipe_gets_all_of_it(way: Way, server: Loopback, buffering: int) -> None:
    body = random.Random(1).randbytes(500_000)
    server.default = Answer(body)
    ends = os.pipe()
    read: list[bytes] = []

    async def reading() -> None:
        with os.fdopen(ends[0], "rb") as file:
            read.append(await anyio.to_thread.run_sync(file.read))

    async with anyio.create_task_group() as group:
        group.start_soon(reading)
        with os.fdopen(ends[1], "wb", buffering=buffering) as file:
            await _download(way, server, file)
    assert read == [body]
