"""The sources of a knowledge base: documents and web pages, and their processing over time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

SourceStatus = Literal["processing", "ready", "failed"]

PROCESSING_SECONDS = 5.0
"""Seconds from the upload of a source until it can be used."""
MAX_BYTES = 50 * 1024 * 1024
"""Bytes of the largest document (documented)."""

_BYTES_A_CHUNK = 1000
_CHUNKS_A_PAGE = 4
"""Made up: no page says how a source is cut."""
_SIGNATURES = {
    "application/pdf": b"%PDF-",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": b"PK",
}
_UNREACHABLE = ".invalid"


def document_fault(content_type: str, content: bytes) -> str | None:
    """Why processing fails to read a document; None if it does not."""
    if not content:
        return "the document is empty"
    if not content.startswith(_SIGNATURES.get(content_type, b"")):
        return "the document is not what its content type says"
    return None


def pages_fault(urls: Iterable[str]) -> str | None:
    """Why processing fails to read pages; None if it does not. Hosts under `.invalid` never exist."""
    if any((urlsplit(url).hostname or "").endswith(_UNREACHABLE) for url in urls):
        return "a page could not be reached"
    return None


def source_status(source: Mapping[str, Any], now: float) -> SourceStatus:
    """The status word at that moment."""
    if now < source["processed_at"]:
        return "processing"
    return "ready" if source["fault"] is None else "failed"


def knowledge_base_status(sources: Iterable[Mapping[str, Any]], now: float) -> SourceStatus:
    """`processing` while any source is, `failed` if all have failed, else `ready`."""
    found = {source_status(source, now) for source in sources}
    if "processing" in found:
        return "processing"
    return "failed" if found == {"failed"} else "ready"


def chunks(source: Mapping[str, Any], now: float) -> int:
    """How many pieces a source was cut into; 0 before it is ready."""
    if source_status(source, now) != "ready":
        return 0
    if source["kind"] == "web":
        return _CHUNKS_A_PAGE * len(source["urls"])
    size: int = source["size_bytes"]
    return math.ceil(size / _BYTES_A_CHUNK)
