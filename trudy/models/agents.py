"""Agents: voice, prompt, tools, and settings for greeting, silence and turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, TypedDict

from attrs import field, frozen

from trudy._checks import duration_text
from trudy._parse import duration, parse_seconds, seconds
from trudy.models._fields import OpenWord, id_of, own_id, shown_phone, shown_prose, wire
from trudy.models._wire import Model
from trudy.models.common import ResponseMeta
from trudy.options import NOT_GIVEN, NotGiven

AgentStatusName: TypeAlias = Literal["active", "draft", "creating", "failed"]
FirstSpeaker: TypeAlias = Literal["agent", "user"]
EndBehavior: TypeAlias = Literal["END_BEHAVIOR_UNSPECIFIED", "END_BEHAVIOR_HANG_UP_SOFT", "END_BEHAVIOR_HANG_UP_STRICT"]
OutputMedium: TypeAlias = Literal["MESSAGE_MEDIUM_VOICE", "MESSAGE_MEDIUM_TEXT", "MESSAGE_MEDIUM_UNSPECIFIED"]


class AgentStatus(OpenWord):
    """The state of an agent."""

    ACTIVE = "active"
    """Ready to call."""
    DRAFT = "draft"
    CREATING = "creating"
    """Being synced to the voice provider."""
    FAILED = "failed"
    """The sync failed."""


_NO_STATUS = AgentStatus("")


@frozen(kw_only=True)
class NumberRef(Model):
    """A phone number assigned to an agent."""

    id: str | None = field(default=None, metadata=own_id("number"))
    phone_number: str | None = field(default=None, repr=shown_phone)
    """E.164."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """Members that this version does not know, and values it could not read."""


@frozen(kw_only=True)
class GreetingSettings(Model):
    """How a call opens; for requests and in answers. A member left out is `NOT_GIVEN` (falsy), None is null."""

    first_speaker: FirstSpeaker | str | NotGiven | None = NOT_GIVEN
    """Who speaks first; the server's default is `agent`."""
    text: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """The words of the greeting."""
    prompt: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """Instructions to make the greeting from, in place of `text`."""
    delay: str | NotGiven | None = field(default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration))
    """Before the greeting, such as `"1s"`; seconds or a `timedelta` are taken too."""
    uninterruptible: bool | NotGiven | None = NOT_GIVEN
    """Whether the greeting goes on when the other side speaks; the server's default is false."""
    fallback_delay: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """How long to wait for a user who should speak first."""
    fallback_text: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """The words after `fallback_delay`."""
    fallback_prompt: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """Instructions to make the words after `fallback_delay` from."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """More members, sent as they are; in an answer, those that this version does not know or could not read."""


class GreetingSettingsDict(TypedDict, total=False):
    """`GreetingSettings` as a plain dict."""

    first_speaker: FirstSpeaker
    text: str | None
    prompt: str | None
    delay: str | timedelta | None
    uninterruptible: bool
    fallback_delay: str | timedelta | None
    fallback_text: str | None
    fallback_prompt: str | None


@frozen(kw_only=True)
class InactivityMessage(Model):
    """What the agent says after a silence; for requests and in answers."""

    duration: str | NotGiven | None = field(default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration))
    """Length of the silence, such as `"30s"`; seconds or a `timedelta` are taken too. The server requires it."""
    message: str | NotGiven | None = field(default=NOT_GIVEN, repr=shown_prose)
    """The words. The server requires them."""
    end_behavior: EndBehavior | str | NotGiven | None = field(
        default=NOT_GIVEN, metadata=wire("endBehavior", "end_behavior")
    )
    """Whether the call ends after the message (wire: `endBehavior`)."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """More members, sent as they are; in an answer, those that this version does not know or could not read."""


class InactivityMessageDict(TypedDict, total=False):
    """`InactivityMessage` as a plain dict, in the wire's names."""

    duration: str | timedelta
    message: str
    endBehavior: EndBehavior


@frozen(kw_only=True)
class VADSettings(Model):
    """How the end of speech is detected; for requests and in answers. Members inferred from an early server."""

    turn_endpoint_delay: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """Silence that ends a turn, such as `"0.4s"`."""
    minimum_turn_duration: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """Shortest speech that counts as a turn."""
    minimum_interruption_duration: str | NotGiven | None = field(
        default=NOT_GIVEN, converter=duration_text, metadata=wire(read=duration)
    )
    """Shortest speech that interrupts the agent."""
    frame_activation_threshold: float | NotGiven | None = NOT_GIVEN
    """How sure the detector must be that a frame is speech, 0 to 1."""
    extra: Mapping[str, Any] = field(factory=dict[str, Any], hash=False, repr=False)
    """More members, sent as they are; in an answer, those that this version does not know or could not read."""


class VADSettingsDict(TypedDict, total=False):
    """`VADSettings` as a plain dict."""

    turn_endpoint_delay: str | timedelta | None
    minimum_turn_duration: str | timedelta | None
    minimum_interruption_duration: str | timedelta | None
    frame_activation_threshold: float | None


GreetingSettingsParam: TypeAlias = GreetingSettings | GreetingSettingsDict
InactivityMessagesParam: TypeAlias = Sequence[InactivityMessage | InactivityMessageDict]
VADSettingsParam: TypeAlias = VADSettings | VADSettingsDict


@frozen(kw_only=True)
class Agent(Model):
    """An agent as the server has it. A member that the server did not send is None or empty."""

    id: str = field(metadata=own_id("agent"))
    """Opaque; a UUID, or `agt_...` in examples of 2026-03 and 04."""
    name: str = ""
    description: str | None = field(default=None, repr=False)
    status: AgentStatus = _NO_STATUS
    """An open enum; the empty word where the server sent none. `status_word` has the server's spelling."""
    voice_id: str | None = field(default=None, metadata=id_of("voice"))
    voice_name: str | None = None
    """Only in endpoint pages of 2026-03 and later."""
    system_prompt: str | None = field(default=None, repr=False)
    """Instructions, with `{{variables}}` of the call."""
    model: str | None = None
    """Such as `ultravox-v0.7`."""
    greeting: str | None = field(default=None, repr=False)
    """Only in endpoint pages of 2026-03 and later."""
    greeting_settings: GreetingSettings | None = field(default=None, repr=False)
    """Before 2026-03."""
    temperature: float | None = None
    """0 to 1."""
    language_hint: str | None = None
    """BCP-47, such as `en-US`."""
    recording_enabled: bool | None = None
    max_duration: str | None = field(default=None, metadata=wire(read=duration))
    """Longest call as text, `"3600s"`; a number of seconds (2026-04 examples) becomes such a text too."""
    join_timeout: str | None = field(default=None, metadata=wire(read=duration))
    """How long it may ring, as text, `"30s"`."""
    inactivity_message: str | None = field(default=None, repr=False)
    """2026-03 and later."""
    inactivity_timeout: float | None = field(default=None, metadata=wire(read=seconds))
    """Silence before `inactivity_message`, in seconds; 2026-03 and later."""
    inactivity_messages: tuple[InactivityMessage, ...] = field(default=(), repr=False)
    """Before 2026-03."""
    time_exceeded_message: str | None = field(default=None, repr=False)
    """Early server only."""
    initial_output_medium: str | None = field(default=None, repr=False)
    """Such as `MESSAGE_MEDIUM_VOICE`; early server only."""
    vad_settings: VADSettings | None = field(default=None, repr=False)
    """Early server only."""
    template_id: str | None = field(default=None, repr=False, metadata=id_of("template"))
    """Before 2026-03."""
    call_template_name: str | None = field(default=None, repr=False)
    """Before 2026-03."""
    tools: tuple[str, ...] = field(default=(), repr=False)
    """Ids of tools."""
    knowledge_bases: tuple[str, ...] = field(
        default=(), repr=False, metadata=wire("knowledge_bases", "knowledge_base_ids")
    )
    """Ids of knowledge bases (2026-04 get and update examples: `knowledge_base_ids`)."""
    inbound_phone_numbers: tuple[NumberRef, ...] = field(default=(), repr=False)
    outbound_phone_numbers: tuple[NumberRef, ...] = field(default=(), repr=False)
    """Numbers it may call from; without one no call can be placed."""
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

    @property
    def max_duration_seconds(self) -> float | None:
        """`max_duration` in seconds; None where it is missing or no duration."""
        return parse_seconds(self.max_duration)

    @property
    def join_timeout_seconds(self) -> float | None:
        """`join_timeout` in seconds; None where it is missing or no duration."""
        return parse_seconds(self.join_timeout)
