"""Voices, and their training over time."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

StatusWord = Literal["training", "active", "failed"]

TRAINING_SECONDS = 60.0
"""Seconds from the upload of a voice until it is trained."""
FAILING_PREFIX = "fail"
"""A clone whose first file has a name that begins so ends its training as failed."""


@frozen(kw_only=True)
class SandboxVoice:
    """A voice for agents; pass its `id` as `voice_id`.

    Attributes:
        type: `reference` for a provider's voice, `custom` for a cloned one.
        trained_at: when its training ends, in Unix seconds of the sandbox's clock; None if it needs none.
        fails: whether the training fails.
    """

    id: str
    name: str
    language: str = "en-US"
    provider: str = "sandbox"
    provider_voice_id: str | None = None
    type: Literal["reference", "custom"] = "reference"
    description: str | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    trained_at: float | None = None
    fails: bool = False


def voice_status(voice: SandboxVoice, now: float) -> StatusWord:
    """The documented status word at that moment."""
    if voice.trained_at is not None and now < voice.trained_at:
        return "training"
    return "failed" if voice.fails else "active"


SEEDED_VOICES = (
    SandboxVoice(id="5f1c6f0e-3c5b-4d0a-9d57-0a3e8f1b7a01", name="Ava"),
    SandboxVoice(id="8a2d7b14-6e0f-4b7c-8c21-7d94c1e5f202", name="Noah"),
)
"""The same in every sandbox, so that a script can name them."""
