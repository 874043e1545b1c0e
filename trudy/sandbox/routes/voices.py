"""Voices: import a provider's, clone one from recordings; read, update, delete, list."""

from __future__ import annotations

from attrs import evolve

from trudy.sandbox.domain import values
from trudy.sandbox.domain.voices import FAILING_PREFIX, TRAINING_SECONDS, SandboxVoice, voice_status
from trudy.sandbox.http import problems
from trudy.sandbox.http.contract import Json
from trudy.sandbox.http.handler import ApiRequest, HandlerReply


def list_voices(request: ApiRequest) -> HandlerReply:
    """GET /voices; all in one answer, oldest first."""
    oldest_first = reversed(list(request.world.state.voices))
    return HandlerReply(data=[_present(request, voice) for voice in oldest_first])


def import_voice(request: ApiRequest) -> HandlerReply:
    """POST /voices"""
    body = request.body
    voice = SandboxVoice(
        id=request.world.state.ids.new("voice"),
        name=body["name"],
        provider=body.get("provider", "elevenlabs"),
        provider_voice_id=body["provider_voice_id"],
        created_at=request.now,
        updated_at=request.now,
    )
    return _put(request, voice, status=201)


def clone_voice(request: ApiRequest) -> HandlerReply:
    """POST /voices/clone; in training for a while."""
    body = request.body
    request.world.check_payment()
    for index, file in enumerate(body["files"]):
        if not values.decoded(file["data"], f"files.{index}.data"):
            raise problems.invalid(f"files.{index}.data", "must not be empty")
    voice = SandboxVoice(
        id=request.world.state.ids.new("voice"),
        name=body["name"],
        type="custom",
        created_at=request.now,
        updated_at=request.now,
        trained_at=request.now + TRAINING_SECONDS,
        fails=body["files"][0]["filename"].startswith(FAILING_PREFIX),
    )
    return _put(request, voice, status=201)


def get_voice(request: ApiRequest) -> HandlerReply:
    """GET /voices/{voice_id}"""
    return HandlerReply(data=_present(request, _find(request)))


def update_voice(request: ApiRequest) -> HandlerReply:
    """PATCH /voices/{voice_id}; null removes the description."""
    voice, body = _find(request), request.body
    changed = evolve(
        voice,
        name=body.get("name") or voice.name,
        description=body.get("description", voice.description),
        updated_at=request.now,
    )
    return _put(request, changed)


def delete_voice(request: ApiRequest) -> HandlerReply:
    """DELETE /voices/{voice_id}"""
    voice = _find(request)
    request.world.state.voices.remove(voice.id)
    return HandlerReply(data={"id": voice.id, "deleted": True})


HANDLERS = {
    "list_voices": list_voices,
    "import_voice": import_voice,
    "clone_voice": clone_voice,
    "get_voice": get_voice,
    "update_voice": update_voice,
    "delete_voice": delete_voice,
}


def _find(request: ApiRequest) -> SandboxVoice:
    voice = request.world.state.voices.get(request.params["voice_id"])
    if voice is None:
        raise problems.not_found("Voice")
    return voice


def _put(request: ApiRequest, voice: SandboxVoice, *, status: int = 200) -> HandlerReply:
    request.world.state.voices.put(voice.id, voice)
    return HandlerReply(status=status, data=_present(request, voice))


def _present(request: ApiRequest, voice: SandboxVoice) -> Json:
    wire, trained_at = request.world.wire, voice.trained_at
    is_trained = trained_at is not None and trained_at <= request.now
    changed_at = max(voice.updated_at, trained_at or 0.0) if is_trained else voice.updated_at
    return {
        "id": voice.id,
        "name": voice.name,
        "description": voice.description,
        "provider": voice.provider,
        "provider_voice_id": voice.provider_voice_id,
        "type": voice.type,
        "language": voice.language,
        "status": voice_status(voice, request.now),
        "created_at": wire.time(voice.created_at),
        "updated_at": wire.time(changed_at),
    }
