"""Everything a sandbox remembers; one lock guards it all, so that every door sees the same."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from attrs import field, frozen

from trudy.sandbox.lifecycle import PlacedCall
from trudy.sandbox.shelf import Shelf

PLACEHOLDER_VOICE = "VOICE_UUID"
PLACEHOLDER_AGENT = "agent-uuid"

_OUTBOUND_AREAS = ("628", "332", "872", "737", "206")


@frozen(kw_only=True)
class Voice:
    """A voice that agents can speak with; its `id` is what `voice_id` wants."""

    id: str
    name: str
    language: str = "en-US"


SEEDED_VOICES = (
    Voice(id="5f1c6f0e-3c5b-4d0a-9d57-0a3e8f1b7a01", name="Ava"),
    Voice(id="8a2d7b14-6e0f-4b7c-8c21-7d94c1e5f202", name="Noah"),
)
"""The same in every sandbox, so that a script can name them."""


@frozen(eq=False)
class State:
    """The rows behind the API. Hold `lock` for every look and every change.

    Attributes:
        placed: every call ever accepted, deleted ones included, in order.
        attempts: how many calls each number got.
        rate_limited: numbers that had their one forced 429.
    """

    voices: tuple[Voice, ...]
    lock: threading.RLock = field(factory=threading.RLock, repr=False)
    agents: Shelf[dict[str, Any]] = field(factory=Shelf[dict[str, Any]], repr=False)
    calls: Shelf[PlacedCall] = field(factory=Shelf[PlacedCall], repr=False)
    placed: list[PlacedCall] = field(factory=list[PlacedCall], repr=False)
    attempts: Counter[str] = field(factory=Counter[str], repr=False)
    rate_limited: set[str] = field(factory=set[str], repr=False)

    def voice(self, voice_id: str) -> Voice | None:
        """The voice with that id, or None."""
        return next((voice for voice in self.voices if voice.id == voice_id), None)


def outbound_number(index: int) -> str:
    """The number that the `index`-th agent calls from: fictional, and distinct for the first 500."""
    area = _OUTBOUND_AREAS[index // 100 % len(_OUTBOUND_AREAS)]
    return f"+1{area}555{100 + index % 100:04d}"
