"""Voices: the seeded ones, to read."""

from __future__ import annotations

from trudy.sandbox import problems
from trudy.sandbox.desk import ApiRequest, Method, Reply
from trudy.sandbox.state import Voice
from trudy.sandbox.validation import Json


def list_voices(request: ApiRequest) -> Reply:
    """GET /voices; the one list without pages."""
    return Reply(data=[_present(request, voice) for voice in request.sandbox.state.voices])


def get_voice(request: ApiRequest) -> Reply:
    """GET /voices/{voice_id}"""
    voice = request.sandbox.state.voice(request.params["voice_id"])
    if voice is None:
        raise problems.not_found("Voice")
    return Reply(data=_present(request, voice))


COLLECTION = {"GET": Method(handle=list_voices)}
ITEM = {"GET": Method(handle=get_voice)}


def _present(request: ApiRequest, voice: Voice) -> Json:
    since = request.sandbox.wire.time(request.sandbox.started_at)
    return {
        "id": voice.id,
        "name": voice.name,
        "provider": "sandbox",
        "type": "reference",
        "language": voice.language,
        "status": "active",
        "created_at": since,
        "updated_at": since,
    }
