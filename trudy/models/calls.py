"""Calls: settings, status and members of a call, and its recording. Transcripts have a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, TypedDict

from attrs import Factory, field, frozen

from trudy._checks import duration_text
from trudy._parse import call_ids_in, duration, identifier, parse_seconds, seconds
from trudy.models._fields import OpenWord, id_of, own_id, shown_link, shown_phone, shown_prose, wire
from trudy.models._wire import Model
from trudy.models.call_endings import END_REASON_NAMES, CallEnding, call_ending
from trudy.models.common import ResponseMeta
from trudy.models.transcripts import Transcript, write_transcript
from trudy.options import NOT_GIVEN, NotGiven

CallDirectionName: TypeAlias = Literal["outbound", "inbound"]
CallStatusName: TypeAlias = Literal[
    "queued", "ringing", "in_progress", "completed", "failed", "cancelled", "no_answer", "busy", "voicemail"
]


class CallStatus(OpenWord):
    """The state of a call. The guides' `ended`, `in-progress` and `running` are read as the words below."""

    CREATED = "created"
    """Overview guide only; before `QUEUED`."""
    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    """Over, and someone or something answered (guides: `ended`)."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    NO_ANSWER = "no_answer"
    """This word, `BUSY` and `VOICEMAIL` are known from dashboards only."""
    BUSY = "busy"
    VOICEMAIL = "voicemail"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen. A word that this version does not know is not final."""
        return self in _FINAL

    @classmethod
    def _synonyms(cls) -> Mapping[str, str]:
        return _CALL_STATUS_SYNONYMS


_CALL_STATUS_SYNONYMS = {"ended": "completed", "running": "in_progress", "canceled": "cancelled"}
_FINAL = frozenset(
    {
        CallStatus.COMPLETED,
        CallStatus.FAILED,
        CallStatus.CANCELLED,
        CallStatus.NO_ANSWER,
        CallStatus.BUSY,
        CallStatus.VOICEMAIL,
    }
)


class CallDirection(OpenWord):
    """Who called whom."""

    OUTBOUND = "outbound"
    """The agent called; all calls made through the API."""
    INBOUND = "inbound"
    WEBRTC = "webrtc"
    """From a browser; guides only."""


_NO_STATUS = CallStatus("")
_NO_DIRECTION = CallDirection("")


@frozen(kw_only=True)
class CallSettings(Model):
    """Settings of one call; for requests and in answers. A member left out is `NOT_GIVEN` (falsy), None is null."""

    recording_enabled: bool | NotGiven | None = NOT_GIVEN
    """The server's default is true."""
    transcription_enabled: bool | NotGiven | None = NOT_GIVEN
    """The server's default is true."""
    greeting: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """In place of the agent's."""
    max_duration: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """Longest call, such as `"3600s"`; seconds or a `timedelta` are taken too."""
    join_timeout: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """How long it may ring, such as `"30s"`; seconds or a `timedelta` are taken too."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """More members, sent as they are; in an answer, those that this version does not know or could not read."""

    @property
    def max_duration_seconds(self) -> float | None:
        """`max_duration` in seconds; None where it is missing or no duration."""
        return parse_seconds(self.max_duration)

    @property
    def join_timeout_seconds(self) -> float | None:
        """`join_timeout` in seconds; None where it is missing or no duration."""
        return parse_seconds(self.join_timeout)


class CallSettingsDict(TypedDict, total=False):
    """`CallSettings` as a plain dict."""

    recording_enabled: bool
    transcription_enabled: bool
    greeting: str | None
    max_duration: str | timedelta | None
    join_timeout: str | timedelta | None


CallSettingsParam: TypeAlias = CallSettings | CallSettingsDict


_PROVIDER_ID_NAMES: Final = (
    "ultravox_call_id",
    "ultravoxCallId",
    "provider_call_id",
    "providerCallId",
    "external_call_id",
    "externalCallId",
    "provider_id",
    "providerId",
)


def _number_called(call: Call) -> str | None:
    # In an inbound call on the early server `phone_number` is the caller's, not the number called.
    return None if call.direction is CallDirection.INBOUND else call.phone_number


@frozen(kw_only=True)
class Call(Model):
    """A call as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("call"))
    """Opaque; a UUID, or `call_...` in examples of 2026-03 and 04."""
    status: CallStatus = _NO_STATUS
    """An open enum; the empty word where the server sent none. `status_word` has the server's spelling."""
    direction: CallDirection = _NO_DIRECTION
    """An open enum; the empty word where the server sent none."""
    agent_id: str | None = field(default=None, metadata=id_of("agent"))
    phone_number: str | None = field(default=None, repr=False)
    """The other side's number, as in answers to create and on the early server. Prefer `to`."""
    to: str | None = field(
        default=Factory(_number_called, takes_self=True), repr=shown_phone, metadata=wire("to", "to_number")
    )
    """The number called, E.164 (before 2026-03 `to_number`; unless inbound, also `phone_number`)."""
    from_: str | None = field(default=None, repr=shown_phone, metadata=wire("from", "from_number"))
    """The number that called, E.164 (wire: `from`, before 2026-03 `from_number`)."""
    provider_id: str | None = field(default=None, metadata=wire(*_PROVIDER_ID_NAMES, read=identifier))
    """The voice provider's id of the call (wire: `ultravox_call_id` and the like). Events may name a call by it."""
    duration_seconds: float | None = field(default=None, metadata=wire(read=seconds))
    end_reason: str | None = field(default=None, repr=shown_prose, metadata=wire(*END_REASON_NAMES))
    """Why it ended, in the server's or the voice provider's word, such as `hangup`; `outcome` reads it."""
    recording_url: str | None = field(default=None, repr=shown_link)
    """A signed link to an audio file on another host, soon expiring. Never send the API key there."""
    transcript_url: str | None = field(default=None, repr=False)
    transcript: Transcript | None = field(default=None, repr=False, metadata=wire(write=write_transcript))
    """Guides only; None while it is made, and where calls come without it."""
    summary: str | None = field(default=None, repr=False)
    sentiment: str | None = None
    """Such as `positive`; this member and the next two come from an analysis of the call, where there is one."""
    is_success: bool | None = field(
        default=None, metadata=wire("is_success", "isSuccess", "success", "call_successful", "callSuccessful")
    )
    """Whether the agent reached what it called for."""
    structured_data: Mapping[str, Any] | None = field(
        default=None, hash=False, repr=False, metadata=wire("structured_data", "structuredData", "extracted_data")
    )
    """What was taken from the talk, in the shape that was asked for."""
    cost_credits: float | None = None
    """2026-03 and later; in credits."""
    cost_usd: float | None = None
    """Early server; in US dollars."""
    variables: Mapping[str, Any] | None = field(
        default=None, hash=False, repr=False, metadata=wire("variables", "context")
    )
    """Template values given at create (early server: `context`); None where rows do not show them."""
    call_settings: CallSettings | None = field(default=None, repr=False)
    """Early server only."""
    metadata: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Such as `campaign_id` and `contact_id`, where a campaign made the call."""
    created_at: datetime | None = None
    """UTC."""
    started_at: datetime | None = None
    """UTC; None until someone answers."""
    ended_at: datetime | None = field(default=None, metadata=wire("ended_at", "completed_at"))
    """UTC; None until it is over (before 2026-03: `completed_at`)."""
    updated_at: datetime | None = field(default=None, repr=False)
    """UTC."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """What the server sent beyond the above: unknown members, other spellings, values that could not be read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in: request id, server time, attempts, idempotency key."""

    @property
    def outcome(self) -> CallEnding | None:
        """How it ended, from `status`, `end_reason` and the server's own word for it; None until it is over.

        An open word; `CallEnding.UNKNOWN` where a call is over and nothing says how.
        """
        words = (self.extra.get(name) for name in ("outcome", "call_outcome", "callOutcome"))
        outcome = next((word for word in words if isinstance(word, str)), None)
        if not self.status.is_final and not (self.ended_at and not self.status):
            return None
        return call_ending(end_reason=self.end_reason, status=self.status.value, outcome=outcome)

    @property
    def event_ids(self) -> tuple[str, ...]:
        """All ids that events may name it by: `id`, and those that the voice provider and the carrier gave it."""
        found = (self.id, self.provider_id, *call_ids_in(self.extra), *call_ids_in({"metadata": self.metadata}))
        return tuple(dict.fromkeys(known for known in found if known))

    @property
    def status_word(self) -> str:
        """The server's own spelling of `status`, such as `ended`."""
        word = self.extra.get("status")
        return word if isinstance(word, str) else self.status.value


@frozen(kw_only=True)
class Recording(Model):
    """Where a call's recording lies."""

    call_id: str | None = field(default=None, metadata=id_of("call", "id"))
    recording_url: str | None = field(default=None, repr=shown_link, metadata=wire("recording_url", "url"))
    """A signed link to an audio file on another host, soon expiring. Never send the API key there."""
    format: str | None = None
    """Such as `mp3`; the file's own content type may differ."""
    duration_seconds: float | None = field(default=None, metadata=wire(read=seconds))
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, other spellings, and values it could not read."""
    meta: ResponseMeta | None = field(default=None, eq=False, repr=False)
    """Facts of the answer this came in."""
