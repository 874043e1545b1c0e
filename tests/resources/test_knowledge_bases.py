from __future__ import annotations

import base64
import io
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.passing import as_time_goes_by
from tests.fakes.wire import BASE_URL, KEY, Wire, envelope, refusal, rows
from trudy import AsyncTrudyClient, InvalidArgumentError, ServerError, TrudyClient, WaitTimeoutError
from trudy.models import KnowledgeStatus
from trudy.resources import knowledge_bases as resource
from trudy.resources._uploads import Upload, read_upload

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]


@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (lambda c: c.knowledge_bases.get("k1"), "GET", "/knowledge-bases/k1", None),
        (lambda c: c.knowledge_bases.delete("k1"), "DELETE", "/knowledge-bases/k1", None),
        (
            lambda c: c.knowledge_bases.create(name="K", description="d"),
            "POST",
            "/knowledge-bases",
            {"name": "K", "description": "d"},
        ),
        (
            lambda c: c.knowledge_bases.create(name="K", file_content="text", file_name="a.txt"),
            "POST",
            "/knowledge-bases",
            {"name": "K", "file_content": "text", "file_name": "a.txt"},
        ),
        (
            lambda c: c.knowledge_bases.update("k1", description=None),
            "PATCH",
            "/knowledge-bases/k1",
            {"description": None},
        ),
        (lambda c: c.knowledge_bases.sources.get("k1", "s1"), "GET", "/knowledge-bases/k1/sources/s1", None),
        (lambda c: c.knowledge_bases.sources.delete("k1", "s1"), "DELETE", "/knowledge-bases/k1/sources/s1", None),
        (
            lambda c: c.knowledge_bases.sources.add_web("k1", name="W", urls=("https://a.test/x",), description="d"),
            "POST",
            "/knowledge-bases/k1/sources/web",
            {"name": "W", "urls": ["https://a.test/x"], "description": "d"},
        ),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert "x-idempotency-key" not in wire.last.headers


async def test_a_deleted_source_is_named_by_its_own_id(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(envelope({"success": True}))
    assert (await client.knowledge_bases.sources.delete("k1", "s1")).id == "s1"


async def test_sources_come_all_at_once(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", "b"))
    assert [source.id async for source in client.knowledge_bases.sources.list("k1")] == ["a", "b"]
    assert [sent.query for sent in wire.sent] == [{}]


@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.knowledge_bases.create(name=""), "name"),
        (lambda c: c.knowledge_bases.create(name="x" * 256), "name"),
        (lambda c: c.knowledge_bases.create(name="K", description="x" * 1001), "description"),
        (lambda c: c.knowledge_bases.update("k", name=""), "name"),
        (lambda c: c.knowledge_bases.sources.get("k", ""), "source_id"),
        (lambda c: c.knowledge_bases.sources.add_web("k", name="W", urls=[]), "urls"),
        (lambda c: c.knowledge_bases.sources.add_web("k", name="W", urls="https://a.test"), "urls"),
        (lambda c: c.knowledge_bases.sources.add_web("k", name="W", urls=["a.test"]), "urls"),
        (lambda c: c.knowledge_bases.sources.add_web("k", name="", urls=["https://a.test"]), "name"),
        (lambda c: c.knowledge_bases.sources.add_document("k", b"text"), "file"),
        (lambda c: c.knowledge_bases.sources.add_document("k", ("a.exe", b"text")), "file"),
        (lambda c: c.knowledge_bases.sources.add_document("k", ("a.txt", b"")), "file"),
        (lambda c: c.knowledge_bases.sources.add_document("", ("a.txt", b"text")), "kb_id"),
        (lambda c: c.knowledge_bases.sources.add_document("k", ("a.txt", b"text"), name=" "), "name"),
        (lambda c: c.knowledge_bases.wait(""), "kb_id"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.pdf", "application/pdf"),
        ("A.TXT", "text/plain"),
        ("a.b.md", "text/markdown"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ],
)
async def test_a_documents_kind_is_known_by_its_name(
    client: AsyncTrudyClient, wire: Wire, tmp_path: Path, name: str, content_type: str
) -> None:
    path = tmp_path / name
    path.write_bytes(b"what it says")
    await client.knowledge_bases.sources.add_document("k1", path)
    assert wire.last.path == "/knowledge-bases/k1/sources/document"
    assert wire.last.body == {
        "name": name,
        "file": {
            "filename": name,
            "content_type": content_type,
            "data": base64.b64encode(b"what it says").decode(),
        },
    }


async def test_a_document_takes_a_name_and_members_of_ones_own(client: AsyncTrudyClient, wire: Wire) -> None:
    await client.knowledge_bases.sources.add_document(
        "k1", io.BytesIO(b"x"), filename="a.md", name="Prices", description=None, extra_body={"language": "de"}
    )
    assert wire.last.body["name"] == "Prices"
    assert wire.last.body["description"] is None
    assert wire.last.body["language"] == "de"
    assert wire.last.body["file"]["filename"] == "a.md"


async def test_a_document_that_is_too_large_is_not_even_read(
    client: AsyncTrudyClient, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resource, "LARGEST_DOCUMENT", 1024 * 1024)
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(1024 * 1024 + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("it was read"))
    with pytest.raises(InvalidArgumentError, match="larger than 1 MB"):
        await client.knowledge_bases.sources.add_document("k1", path)
    assert wire.sent == []


async def test_a_document_is_not_sent_twice(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(refusal(500, "internal_error"))
    with pytest.raises(ServerError):
        await client.knowledge_bases.sources.add_document("k1", ("a.txt", b"x"))
    assert len(wire.sent) == 1


@pytest.fixture
def reading_threads(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which files are read."""
    threads: list[threading.Thread] = []

    def read(*args: object, **kwargs: object) -> Upload:
        threads.append(threading.current_thread())
        return read_upload(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(resource, "read_upload", read)
    return threads


async def test_a_large_document_is_encoded_in_a_worker_thread(
    client: AsyncTrudyClient, wire: Wire, reading_threads: list[threading.Thread]
) -> None:
    data = b"x" * 1024 * 1024
    await client.knowledge_bases.sources.add_document("k1", ("a.txt", data))
    await client.knowledge_bases.sources.add_document("k1", ("a.txt", b"small"))
    here = threading.current_thread()
    assert [thread is here for thread in reading_threads] == [False, True]
    assert base64.b64decode(wire.sent[0].body["file"]["data"]) == data


def test_the_sync_client_starts_no_thread_for_a_document(wire: Wire, reading_threads: list[threading.Thread]) -> None:
    with TrudyClient(KEY, base_url=BASE_URL) as client:
        client.knowledge_bases.sources.add_document("k1", ("a.txt", b"x" * 1024 * 1024))
    assert reading_threads == [threading.current_thread()]
    assert len(wire.sent) == 1


async def test_a_knowledge_base_is_waited_for_with_its_sources(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    wire.answer(
        envelope({"id": "k1", "status": "processing"}),
        envelope({"id": "k1", "status": "ready"}),
        envelope([{"id": "a", "status": "processing"}, {"id": "b", "status": "ready"}]),
        envelope({"id": "k1", "status": "ready"}),
        envelope([{"id": "a", "status": "failed"}, {"id": "b", "status": "ready"}]),
    )
    base = await as_time_goes_by(clock, lambda: client.knowledge_bases.wait("k1"))
    assert base.status is KnowledgeStatus.READY
    assert [sent.path.removeprefix("/knowledge-bases/k1") for sent in wire.sent] == ["", "", "/sources", "", "/sources"]


async def test_a_server_without_a_list_of_sources_is_enough(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    wire.answer(envelope({"id": "k1", "status": "ready"}), refusal(404, "not_found"))
    base = await as_time_goes_by(clock, lambda: client.knowledge_bases.wait("k1"))
    assert base.status is KnowledgeStatus.READY


async def test_the_error_of_a_wait_counts_the_sources_that_are_not_read(
    client: AsyncTrudyClient, wire: Wire, clock: FakeClock
) -> None:
    looks = [envelope({"id": "k1", "status": "ready"}), envelope([{"id": "a", "status": "indexing"}])]
    wire.answer(*looks * 20)
    with pytest.raises(WaitTimeoutError, match="its status is ready, with 1 sources being read"):
        await as_time_goes_by(clock, lambda: client.knowledge_bases.wait("k1", max_wait=30))
