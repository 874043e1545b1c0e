from __future__ import annotations

from typing import Any

import pytest

from trudy.sandbox.domain import sources

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def source(fault: str | None = None, **members: Any) -> dict[str, Any]:
    return {"kind": "document", "size_bytes": 2500, "processed_at": 100.0, "fault": fault} | members


@pytest.mark.parametrize(
    ("content_type", "content", "is_good"),
    [
        ("text/plain", b"hi", True),
        ("text/markdown", b"# hi", True),
        ("application/pdf", b"%PDF-1.7", True),
        (DOCX, b"PK\x03\x04", True),
        ("text/plain", b"", False),
        ("application/pdf", b"hi", False),
        (DOCX, b"hi", False),
    ],
)
def test_the_content_of_a_document_must_have_its_type(content_type: str, content: bytes, is_good: bool) -> None:
    assert (sources.document_fault(content_type, content) is None) is is_good


def test_pages_of_hosts_that_never_exist() -> None:
    assert sources.pages_fault(["https://a.test/x", "https://invalid.test"]) is None
    assert sources.pages_fault(["https://a.test", "https://b.invalid/x"]) is not None


def test_status_follows_the_clock() -> None:
    good, bad = source(), source("unreadable")
    assert [sources.source_status(good, now) for now in (99.9, 100.0)] == ["processing", "ready"]
    assert [sources.source_status(bad, now) for now in (99.9, 100.0)] == ["processing", "failed"]
    for held, before, after in (
        ([], "ready", "ready"),
        ([good], "processing", "ready"),
        ([bad], "processing", "failed"),
        ([good, bad], "processing", "ready"),
    ):
        assert sources.knowledge_base_status(held, 99.0) == before
        assert sources.knowledge_base_status(held, 100.0) == after


def test_chunks_are_there_when_the_source_is_ready() -> None:
    assert [sources.chunks(source(), now) for now in (99.0, 100.0)] == [0, 3]
    assert sources.chunks(source("unreadable"), 100.0) == 0
    assert sources.chunks(source(kind="web", urls=["a", "b"]), 100.0) == 8
