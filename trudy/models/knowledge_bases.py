"""Knowledge bases, and the documents and web pages they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from trudy.models._fields import OpenWord, id_of, own_id, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta


class KnowledgeStatus(OpenWord):
    """The state of a knowledge base, or of one of its sources."""

    PENDING = "pending"
    PROCESSING = "processing"
    """Being read and indexed."""
    READY = "ready"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself. A word that this version does not know is not final."""
        return self in _FINAL

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        return _SYNONYMS


_SYNONYMS = {
    "active": "ready",
    "completed": "ready",
    "indexed": "ready",
    "error": "failed",
    "creating": "processing",
    "indexing": "processing",
    "queued": "pending",
}
_FINAL = frozenset({KnowledgeStatus.READY, KnowledgeStatus.FAILED})
_NO_STATUS = KnowledgeStatus("")


class SourceKind(OpenWord):
    """What a source is made from."""

    DOCUMENT = "document"
    WEB = "web"


_NO_KIND = SourceKind("")


@frozen(kw_only=True)
class KnowledgeBase(Model):
    """A knowledge base as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("knowledge_base"))
    """Opaque; a UUID, or `kb_...` in examples of 2026-03 and 04."""
    name: str = ""
    description: str | None = field(default=None, repr=False)
    status: KnowledgeStatus = _NO_STATUS
    """An open enum; the empty word where the server sent none. An empty one is `ready`; its sources have their own."""
    source_count: int | None = None
    """2026-03 and later, like the next two."""
    chunk_count: int | None = None
    """Pieces that its sources were cut into."""
    embedding_model: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""

    @property
    def status_word(self) -> str:
        """The server's own spelling of `status`."""
        word = self.extra.get("status")
        return word if isinstance(word, str) else self.status.value


@frozen(kw_only=True)
class KnowledgeSource(Model):
    """A document or some web pages in a knowledge base. The API describes sources in prose, so members are inferred."""

    id: str = field(metadata=own_id("source"))
    """Opaque."""
    kb_id: str | None = field(default=None, metadata=id_of("knowledge_base"))
    """The knowledge base it belongs to."""
    kind: SourceKind = field(default=_NO_KIND, metadata=wire("kind", "type"))
    """An open enum; the empty word where the server sent none."""
    name: str = ""
    description: str | None = field(default=None, repr=False)
    status: KnowledgeStatus = _NO_STATUS
    """An open enum; the empty word where the server sent none."""
    created_at: datetime | None = None
    """UTC."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""

    @property
    def status_word(self) -> str:
        """The server's own spelling of `status`."""
        word = self.extra.get("status")
        return word if isinstance(word, str) else self.status.value
