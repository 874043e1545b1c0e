"""Voices: those of a provider, and those cloned from recordings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from trudy._parse import identifier
from trudy.models._fields import OpenWord, own_id, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta


class VoiceStatus(OpenWord):
    """The state of a voice."""

    TRAINING = "training"
    """A clone that cannot be used yet."""
    ACTIVE = "active"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself. A word that this version does not know is not final."""
        return self in _FINAL

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        return _SYNONYMS


_SYNONYMS = {"ready": "active"}
_FINAL = frozenset({VoiceStatus.ACTIVE, VoiceStatus.FAILED})


class VoiceType(OpenWord):
    """Where a voice comes from."""

    REFERENCE = "reference"
    """The provider's own."""
    CUSTOM = "custom"
    """Cloned from recordings."""


_NO_STATUS = VoiceStatus("")
_NO_TYPE = VoiceType("")


@frozen(kw_only=True)
class Voice(Model):
    """A voice as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("voice"))
    """Opaque; a UUID, or `voice_...` in examples of 2026-03 and 04."""
    name: str = ""
    provider: str | None = None
    """Such as `elevenlabs`."""
    provider_voice_id: str | None = field(default=None, metadata=wire(read=identifier))
    """Its id at the provider; early server only."""
    type: VoiceType = _NO_TYPE
    """An open enum; the empty word where the server sent none."""
    description: str | None = field(default=None, repr=False)
    """Early server only."""
    language: str | None = None
    """BCP-47."""
    status: VoiceStatus = _NO_STATUS
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
