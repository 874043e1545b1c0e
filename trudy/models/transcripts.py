"""What was said in a call. Turns arrive in three forms, and the whole as a list, an object, a text, or null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from attrs import field, frozen

from trudy._parse import seconds, text
from trudy.models._fields import id_of, shown_prose, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta


def _read_offset(value: object) -> float:
    """Seconds from the start of the call; a time span counts from its beginning."""
    if isinstance(value, dict):
        return seconds(cast("dict[str, object]", value).get("start"))
    return seconds(value)


_PROVIDER_ROLE: Final = "MESSAGE_ROLE_"
_ROLES: Final = {"user": "contact", "tool_call": "tool", "tool_result": "tool"}


def _read_speaker(value: object) -> str:
    word = text(value)
    if word.upper().startswith(_PROVIDER_ROLE):
        raise ValueError("is the voice provider's own word")
    return word


def _fold_speaker(value: object) -> str | None:
    """The guides' word for a word of the voice provider, which stays in `extra`."""
    if not isinstance(value, str):
        return None
    role = value.upper().removeprefix(_PROVIDER_ROLE).lower()
    return _ROLES.get(role, role)


@frozen(kw_only=True)
class TranscriptTurn(Model):
    """What one side said without being interrupted."""

    speaker: str | None = field(
        default=None, metadata=wire("speaker", "role", read=_read_speaker, salvage=_fold_speaker)
    )
    """The server's word for who spoke: `agent` or `contact` in the guides (early server, as `role`: `agent` or `user`).
    The voice provider's `MESSAGE_ROLE_AGENT` and `MESSAGE_ROLE_USER` read as the guides' words, its tool roles as
    `tool`. None where a turn comes as a bare text."""
    text: str = field(default="", repr=shown_prose, metadata=wire("text", "content"))
    """The words said."""
    timestamp: float | None = field(default=None, metadata=wire("timestamp", "timespan", read=_read_offset))
    """Seconds from the start of the call (early server: the start of `timespan`)."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, other spellings, and values it could not read."""


def _read_turn(value: object) -> TranscriptTurn:
    if isinstance(value, str):
        return TranscriptTurn(text=value)
    if isinstance(value, dict):
        from trudy.models._converter import decode

        return decode(TranscriptTurn, cast("object", value))
    raise ValueError("is no turn")


def _read_turns(value: object) -> tuple[TranscriptTurn, ...]:
    """Turns from a list, a bare text, or `{"text": ...}`; refuses an object with other members."""
    if isinstance(value, dict) and value.keys() == {"text"}:
        value = cast("dict[str, object]", value)["text"]
        if value is None:
            return ()
    if isinstance(value, str):
        return (TranscriptTurn(text=value),) if value else ()
    if isinstance(value, list):
        return tuple([_read_turn(item) for item in cast("list[object]", value)])
    raise ValueError("is no list of turns")


def _salvage_turns(value: object) -> tuple[TranscriptTurn, ...]:
    """The turns of a list that can be read, or the text of an object with other members."""
    if isinstance(value, dict):
        value = cast("dict[str, object]", value).get("text")
    if isinstance(value, str):
        return _read_turns(value)
    found: list[TranscriptTurn] = []
    for item in cast("list[object]", value) if isinstance(value, list) else ():
        try:
            found.append(_read_turn(item))
        except ValueError:
            continue
    return tuple(found)


@frozen(kw_only=True)
class Transcript(Model):
    """What was said in a call. Empty until some seconds after its end.

    Turns in any of the three forms become `TranscriptTurn`s; a transcript that comes as one text becomes one turn
    without a speaker.
    """

    call_id: str | None = field(default=None, metadata=id_of("call"))
    """The call; None where the transcript came as a part of its call."""
    turns: tuple[TranscriptTurn, ...] = field(
        default=(),
        repr=lambda turns: f"<{len(turns)} turns>",
        metadata=wire("transcript", "turns", "text", read=_read_turns, salvage=_salvage_turns),
    )
    """In the order spoken (wire: `transcript`)."""
    summary: str | None = field(default=None, repr=False)
    """The server's summary of the call."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, other spellings, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""

    @property
    def text(self) -> str:
        """One line a turn with words, `speaker: words`; empty where there is no transcript yet."""
        said = (turn for turn in self.turns if turn.text.strip())
        return "\n".join(f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text for turn in said)


def write_transcript(transcript: Transcript | None) -> object:
    """A transcript as a member of its call: a list of turns, if it has nothing else."""
    if transcript is None or transcript.call_id or transcript.summary or transcript.extra:
        return transcript
    return transcript.turns


def transcript_object(raw: object) -> object:
    """The object form of a transcript that came as a list, a bare text, or null."""
    if raw is None or isinstance(raw, str):
        return {"transcript": raw}
    return {"transcript": cast("list[object]", raw)} if isinstance(raw, list) else raw
