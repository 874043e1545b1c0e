"""Voices: what becomes of one over time."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

VoiceStatus = Literal["training", "active", "failed"]

TRAINING_SECONDS = 60.0
"""From the upload of a voice until it is trained."""
FAILING_PREFIX = "fail"
"""A clone whose first file has a name that begins so ends its training as failed."""


@frozen(kw_only=True)
class SandboxVoice:
    """A voice that agents can speak with; its `id` is what `voice_id` wants.

    Attributes:
        type: `reference` for one of a provider, `custom` for a clone.
        trained_at: Unix seconds of the sandbox's clock at which its training ends; None for one that needed none.
        fails: whether the training comes to nothing.
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


def voice_status(voice: SandboxVoice, now: float) -> VoiceStatus:
    """The documented status word at that moment."""
    if voice.trained_at is not None and now < voice.trained_at:
        return "training"
    return "failed" if voice.fails else "active"


SEEDED_VOICES = (
    SandboxVoice(id="5f1c6f0e-3c5b-4d0a-9d57-0a3e8f1b7a01", name="Ava"),
    SandboxVoice(id="8a2d7b14-6e0f-4b7c-8c21-7d94c1e5f202", name="Noah"),
)
"""The same in every sandbox, so that a script can name them."""
