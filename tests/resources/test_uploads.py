"""Files are read whole, whatever they are and called, and the event loop goes on meanwhile."""

from __future__ import annotations

import importlib
import io
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath

import anyio
import anyio.lowlevel
import pytest

from tests.fakes.wire import Wire
from trudy import AsyncTrudyClient, InvalidArgumentError
from trudy.resources._uploads import MEGABYTE, read_upload

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]

LARGE = b"phone\r\n" + b"+14155552671\r\n" * 50_000
STUCK = 20.0
"""Real seconds after which a loop that does not move has failed the test."""

document: Use = lambda c: c.knowledge_bases.sources.add_document("k1", ("a.txt", LARGE))  # noqa: E731
recording: Use = lambda c: c.voices.clone(name="V", files=[("a.mp3", LARGE), ("b.mp3", b"small")])  # noqa: E731
form: Use = lambda c: c.contacts.import_file(LARGE)  # noqa: E731
in_json: Use = lambda c: c.contacts.import_file(LARGE, form="json", folder_id="f")  # noqa: E731


@pytest.mark.parametrize(
    ("use", "module", "step"),
    [
        (document, "trudy.resources.knowledge_bases", "read_upload"),
        (document, "trudy.resources.knowledge_bases", "b64encode"),
        (document, "trudy.pipeline.core", "_body"),
        (recording, "trudy.resources.voices", "read_upload"),
        (recording, "trudy.resources.voices", "b64encode"),
        (recording, "trudy.pipeline.core", "_body"),
        (form, "trudy.resources.contacts", "check_contact_file"),
        (form, "trudy.resources.contacts", "multipart"),
        (in_json, "trudy.resources.contacts", "b64encode"),
        (in_json, "trudy.pipeline.core", "_body"),
    ],
)
async def test_the_loop_goes_on(
    client: AsyncTrudyClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, use: Use, module: str, step: str
) -> None:
    within, went_on = threading.Event(), threading.Event()
    waited: list[bool] = []
    work = getattr(importlib.import_module(module), step)

    def held(*args: object, **kwargs: object) -> object:
        within.set()
        waited.append(went_on.wait(STUCK))
        return work(*args, **kwargs)

    async def go_on() -> None:
        while not within.is_set():
            await anyio.lowlevel.checkpoint()
        went_on.set()

    monkeypatch.setattr(f"{module}.{step}", held)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(go_on)
        await use(client)
    assert waited
    assert all(waited)
    assert len(wire.sent) == 1


class Reluctant(io.BytesIO):
    """Gives less than it is asked for, as pipes, sockets and unbuffered files may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size, 700) if size is not None and size > 0 else size)


def test_a_file_that_gives_little_at_a_time_is_read_to_its_end() -> None:
    data = bytes(range(256)) * 20
    assert read_upload(Reluctant(data), "file", most=MEGABYTE, filename="a").data == data
    assert read_upload(("a", Reluctant(data)), "file", most=len(data)).data == data
    with pytest.raises(InvalidArgumentError, match="larger"):
        read_upload(Reluctant(data), "file", most=len(data) - 1)


def test_a_pipe_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    taken = threading.Event()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            pipe.write(b"first ")
            assert taken.wait(STUCK)
            pipe.write(b"second")

    class Pipe(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            taken.set()
            return data

    thread = threading.Thread(target=write)
    thread.start()
    with Pipe(reading) as source:
        assert read_upload(source, "file", most=MEGABYTE).data == b"first second"
    thread.join()


def test_a_file_that_has_nothing_yet_is_not_taken_for_a_short_one() -> None:
    class NotYet(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(3) or None  # type: ignore[return-value]

    with pytest.raises(InvalidArgumentError, match="for reading bytes") as caught:
        read_upload(NotYet(b"abcdef"), "file", most=MEGABYTE)
    assert caught.value.argument == "file"


def test_a_name_that_is_no_text_is_refused_before_anything_is_sent() -> None:
    name = os.fsdecode(b"caf\xe9.csv")
    for use in (
        lambda: read_upload((name, b"x"), "file", most=1),
        lambda: read_upload(b"x", "file", most=1, filename=name),
    ):
        with pytest.raises(InvalidArgumentError, match="name") as caught:
            use()
        assert caught.value.argument == "file"
    assert read_upload((name, b"x"), "file", most=1, filename="café.csv").filename == "café.csv"


def test_a_name_may_be_a_path() -> None:
    assert read_upload((Path("folder/x.csv"), b"x"), "file", most=1).filename == "x.csv"
    assert read_upload(b"x", "file", most=1, filename=PurePath("folder/y.csv")).filename == "y.csv"


class Unnamed:
    """A path that is none."""

    def __fspath__(self) -> object:
        return b"a.csv"


@pytest.mark.parametrize("source", [("a.csv",), ("a.csv", b"x", 1), (5, b"x"), (Unnamed(), b"x"), ()])
def test_what_is_no_pair_of_name_and_bytes_is_refused(source: object) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read_upload(source, "file", most=1)  # type: ignore[arg-type]
    assert caught.value.argument == "file"


@pytest.mark.parametrize("source", [("a.csv",), (), (5, b"phone\n1")])
async def test_a_bad_pair_of_any_kind_is_a_bad_argument(
    client: AsyncTrudyClient, wire: Wire, source: tuple[str, bytes]
) -> None:
    with pytest.raises(InvalidArgumentError):
        await client.contacts.import_file(source)
    assert not wire.sent


def test_whatever_open_can_read_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "contacts.csv"
    os.mkfifo(pipe)
    thread = threading.Thread(target=pipe.write_bytes, args=(LARGE,))
    thread.start()
    upload = read_upload(pipe, "file", most=MEGABYTE)
    thread.join(STUCK)
    assert (upload.filename, upload.data) == ("contacts.csv", LARGE)

    assert read_upload("/proc/self/status", "file", most=MEGABYTE).data.startswith(b"Name:")  # its size is 0

    reading, writing = os.pipe()
    os.write(writing, b"phone\n1")
    os.close(writing)
    assert read_upload(f"/dev/fd/{reading}", "file", most=MEGABYTE).data == b"phone\n1"
    os.close(reading)


def test_what_has_no_end_is_read_no_further_than_allowed() -> None:
    with pytest.raises(InvalidArgumentError, match="larger than 1 MB"):
        read_upload("/dev/zero", "file", most=MEGABYTE)
    with pytest.raises(InvalidArgumentError, match="empty"):
        read_upload("/dev/null", "file", most=MEGABYTE)


def test_what_is_too_large_is_not_read_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10 * MEGABYTE)
    monkeypatch.setattr("trudy.resources._uploads._read_open", lambda *_: pytest.fail("it was read"))
    with pytest.raises(InvalidArgumentError, match="larger"):
        read_upload(tmp_path / "large", "file", most=MEGABYTE)


@pytest.mark.parametrize("kind", ["missing", "a folder"])
def test_what_cannot_be_opened_is_the_systems_own_error(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FileNotFoundError if kind == "missing" else IsADirectoryError):
        read_upload(tmp_path / "none" if kind == "missing" else tmp_path, "file", most=MEGABYTE)


async def test_the_loop_goes_on_while_a_pipe_has_no_writer(
    client: AsyncTrudyClient, wire: Wire, tmp_path: Path
) -> None:
    pipe = tmp_path / "contacts.csv"
    os.mkfifo(pipe)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.contacts.import_file, pipe)
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(pipe.write_bytes, b"phone\n+14155552671\n")
    assert len(wire.sent) == 1
