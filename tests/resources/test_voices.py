from __future__ import annotations

import base64
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.passing import as_time_goes_by
from tests.fakes.wire import Wire, envelope, refusal, rows
from trudy import AsyncTrudyClient, InvalidArgumentError, ProviderError
from trudy.models import VoiceStatus, VoiceType

pytestmark = pytest.mark.anyio
Use = Callable[[AsyncTrudyClient], Awaitable[object]]
SOUND = base64.b64encode(b"sound").decode()


@pytest.mark.parametrize(
    ("use", "method", "path", "body"),
    [
        (lambda c: c.voices.get("v1"), "GET", "/voices/v1", None),
        (lambda c: c.voices.delete("v1"), "DELETE", "/voices/v1", None),
        (
            lambda c: c.voices.import_(name="V", provider_voice_id="p", provider="elevenlabs"),
            "POST",
            "/voices",
            {"name": "V", "provider": "elevenlabs", "provider_voice_id": "p"},
        ),
        (
            lambda c: c.voices.import_(name="V", provider_voice_id="p"),
            "POST",
            "/voices",
            {"name": "V", "provider_voice_id": "p"},
        ),
        (lambda c: c.voices.update("v1", description=None), "PATCH", "/voices/v1", {"description": None}),
        (
            lambda c: c.voices.clone(name="V", files=[("a.mp3", b"sound"), ("b.WAV", io.BytesIO(b"sound"))]),
            "POST",
            "/voices/clone",
            {
                "name": "V",
                "files": [
                    {"filename": "a.mp3", "data": SOUND, "content_type": "audio/mpeg"},
                    {"filename": "b.WAV", "data": SOUND, "content_type": "audio/wav"},
                ],
            },
        ),
    ],
)
async def test_what_goes_over_the_wire(
    client: AsyncTrudyClient, wire: Wire, use: Use, method: str, path: str, body: object
) -> None:
    await use(client)
    assert (wire.last.method, wire.last.path, wire.last.body) == (method, path, body)
    assert "x-idempotency-key" not in wire.last.headers


async def test_a_voice_is_cloned_from_paths(client: AsyncTrudyClient, wire: Wire, tmp_path: Path) -> None:
    path = tmp_path / "me.flac"
    path.write_bytes(b"sound")
    wire.answer(envelope({"id": "v1", "name": "V", "type": "custom", "status": "training"}, 201))
    voice = await client.voices.clone(name="V", files=[path, str(path)])
    assert (voice.status, voice.type) == (VoiceStatus.TRAINING, VoiceType.CUSTOM)
    assert [file["filename"] for file in wire.last.body["files"]] == ["me.flac", "me.flac"]


async def test_voices_come_all_at_once(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(rows("a", "b"))
    assert [voice.id async for voice in client.voices.list()] == ["a", "b"]
    assert [sent.query for sent in wire.sent] == [{}]


@pytest.mark.parametrize(
    ("use", "argument"),
    [
        (lambda c: c.voices.get(""), "voice_id"),
        (lambda c: c.voices.import_(name="", provider_voice_id="p"), "name"),
        (lambda c: c.voices.import_(name="V", provider_voice_id=""), "provider_voice_id"),
        (lambda c: c.voices.clone(name="", files=[("a.mp3", b"x")]), "name"),
        (lambda c: c.voices.clone(name="x" * 101, files=[("a.mp3", b"x")]), "name"),
        (lambda c: c.voices.clone(name="V", files=[]), "files"),
        (lambda c: c.voices.clone(name="V", files="a.mp3"), "files"),
        (lambda c: c.voices.clone(name="V", files=[b"x"]), "files"),
        (lambda c: c.voices.clone(name="V", files=[("a.txt", b"x")]), "files"),
        (lambda c: c.voices.clone(name="V", files=[("a.mp3", b"x"), ("b.mp3", b"")]), "files[1]"),
        (lambda c: c.voices.update("v", name=""), "name"),
        (lambda c: c.voices.update("v", description="x" * 501), "description"),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    client: AsyncTrudyClient, wire: Wire, use: Use, argument: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        await use(client)
    assert caught.value.argument == argument
    assert wire.sent == []


async def test_a_clone_is_not_sent_twice(client: AsyncTrudyClient, wire: Wire) -> None:
    wire.answer(refusal(502, "provider_error"))
    with pytest.raises(ProviderError):
        await client.voices.clone(name="V", files=[("a.mp3", b"x")])
    assert len(wire.sent) == 1


async def test_a_voice_is_waited_for(client: AsyncTrudyClient, wire: Wire, clock: FakeClock) -> None:
    wire.answer(*(envelope({"id": "v1", "status": word}) for word in ("training", "training", "failed")))
    voice = await as_time_goes_by(clock, lambda: client.voices.wait("v1"))
    assert voice.status is VoiceStatus.FAILED
    assert len(wire.sent) == 3
